using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Dashboard;

/// <summary>The table of agents that <c>hive status</c> prints and <c>hive watch</c> keeps current.</summary>
internal static class StatusTable
{
    public static readonly Screen.Column[] Heads =
    [
        Screen.Column.Name("agent"),
        Screen.Column.Text("state"),
        "since",
        "unread",
        "reminders",
        "runtime",
        "duty",
        Screen.Column.Text("says"),
    ];

    /// <summary>The cells of one agent's row.</summary>
    public static Screen.Cell[] Cells(JsonElement agent)
    {
        var row = agent.Deserialize<Row>(WireJson.Options)!;
        return
        [
            row.Role == "manager" ? new Screen.Cell(row.Name, "bold") : row.Name,
            State(row),
            new Screen.Cell(Screen.Age(row.Activity?.SinceAt ?? row.StatusSetAt ?? row.StartedAt), "grey"),
            Unread(row),
            row.PendingReminders > 0
                ? new Screen.Cell(row.PendingReminders.ToString(CultureInfo.InvariantCulture), "cyan")
                : new Screen.Cell("0", "grey"),
            new Screen.Cell(row.Runtime, "grey"),
            row.Duty ?? "",
            row.Missing is not null ? new Screen.Cell(row.Missing, "magenta")
            : IsHeld(row) ? new Screen.Cell(row.Held!, "yellow")
            : row.StatusText is null && row.Note is not null ? new Screen.Cell(row.Note, "grey")
            : Says(row),
        ];
    }

    // A held agent ends the turn that it is in.
    private static bool IsHeld(Row row) => row.Held is not null && row.Activity?.State == ActivityState.Idle;

    // The running tool, then the agent's own words about its work.
    private static string Says(Row row) =>
        string.Join(" · ", new[] { row.Activity?.Tool, row.StatusText }.Where(text => !string.IsNullOrEmpty(text)));

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
        var word = IsHeld(row) ? "held" : row.Activity?.State ?? "unknown";
        var style = word switch
        {
            ActivityState.Failed => "red bold",
            ActivityState.NeedsLogin or ActivityState.NoDriver or ActivityState.WaitsForYou => "magenta",
            ActivityState.Stopped or ActivityState.NotConnected => "grey",
            "held" or ActivityState.Paused or ActivityState.RateLimited => "yellow",
            ActivityState.Working => "green",
            ActivityState.Idle => "",
            _ => "cyan",
        };
        var left = word == ActivityState.RateLimited && row.Activity?.UntilAt is { } until ? Screen.Left(until) : null;
        var text = left is null ? word : $"{word}, {left} left";
        return new Screen.Cell(row.NeedsUpdate ? $"{text}, needs update" : text, style);
    }

    // The fields that the table shows. A host of another version may leave out some and add others.
    private sealed record Row
    {
        public required string Name { get; init; }
        public string Role { get; init; } = "agent";
        public string Runtime { get; init; } = "";
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
        public Activity? Activity { get; init; }
        public string? Held { get; init; }
        public string? Duty { get; init; }
    }
}
