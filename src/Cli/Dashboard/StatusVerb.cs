using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Dashboard;

/// <summary><c>hive status</c>: prints one row per agent.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        var names = CommonOptions.OnlyAgents();
        return Verb.Create(
            "status",
            "Show what every agent is doing.",
            async (verb, parsed) =>
            {
                var wanted = CommonOptions.NamesIn(parsed, names);
                var all = (await verb.CallAsync("agent_status"))
                    .GetProperty("agent_statuses")
                    .EnumerateArray()
                    .ToArray();
                if (wanted.FirstOrDefault(name => !all.Any(row => NameOf(row) == name)) is { } unknown)
                    throw new HiveException("not_found", $"agent {unknown} not found; hive list shows all names");
                var rows = all.Where(row => wanted.Length == 0 || wanted.Contains(NameOf(row))).ToArray();

                if (verb.Json)
                    JsonOutput.Print(new JsonObject { ["agent_statuses"] = JsonSerializer.SerializeToNode(rows) });
                else if (rows.Length == 0)
                    verb.Screen.Line("No agents yet. Create one with: hive spawn NAME");
                else
                    verb.Screen.Table(
                        ["agent", "state", "runtime", "unread", "reminders", Screen.Column.Text("says"), "age"],
                        [.. rows.Select(row => Cells(row.Deserialize<Row>(WireJson.Options)!))]
                    );
            },
            names
        );
    }

    private static string? NameOf(JsonElement row) => row.GetProperty("name").GetString();

    private static Screen.Cell[] Cells(Row row) =>
        [
            row.Role == "manager" ? new Screen.Cell(row.Name, "bold") : row.Name,
            State(row),
            row.Runtime,
            Unread(row),
            row.PendingReminders > 0
                ? new Screen.Cell(row.PendingReminders.ToString(CultureInfo.InvariantCulture), "cyan")
                : new Screen.Cell("0", "grey"),
            row.Missing is not null ? new Screen.Cell(row.Missing, "magenta")
            : row.StatusText is null && row.Note is not null ? new Screen.Cell(row.Note, "grey")
            : row.StatusText,
            new Screen.Cell(Screen.Age(row.StatusSetAt ?? row.StartedAt), "grey"),
        ];

    private static Screen.Cell Unread(Row row)
    {
        List<string> failed = [];
        if (row.Delayed > 0)
            failed.Add(string.Create(CultureInfo.InvariantCulture, $"{row.Delayed} to retry"));
        if (row.Parked > 0)
            failed.Add(string.Create(CultureInfo.InvariantCulture, $"{row.Parked} parked"));
        var unread = row.Unread.ToString(CultureInfo.InvariantCulture);
        var text = failed.Count > 0 ? $"{unread} ({string.Join(", ", failed)})" : unread;
        return new Screen.Cell(
            text,
            row.Parked > 0 ? "red bold"
                : row.Unread > 0 ? "yellow"
                : "grey"
        );
    }

    private static Screen.Cell State(Row row)
    {
        var word = row.Activity?.State ?? "unknown";
        var style = word switch
        {
            ActivityState.Failed => "red bold",
            ActivityState.NeedsLogin or ActivityState.NoDriver or ActivityState.WaitsForYou => "magenta",
            ActivityState.Stopped or ActivityState.NotConnected => "grey",
            ActivityState.Paused or ActivityState.RateLimited => "yellow",
            ActivityState.Working => "green",
            ActivityState.Idle => "",
            _ => "cyan",
        };
        return new Screen.Cell(row.NeedsUpdate ? $"{word}, needs update" : word, style);
    }

    // The fields that the table shows. A host of another version may leave out some and add others.
    private sealed record Row
    {
        public required string Name { get; init; }
        public string Role { get; init; } = "agent";
        public string Runtime { get; init; } = "";
        public Activity? Activity { get; init; }
        public bool NeedsUpdate { get; init; }
        public long Unread { get; init; }
        public long Delayed { get; init; }
        public long Parked { get; init; }
        public string? Missing { get; init; }
        public long PendingReminders { get; init; }
        public DateTimeOffset? StartedAt { get; init; }
        public string? StatusText { get; init; }
        public DateTimeOffset? StatusSetAt { get; init; }
        public string? Note { get; init; }
    }
}
