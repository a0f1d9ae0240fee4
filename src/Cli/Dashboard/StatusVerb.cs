using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Cli.Waiting;
using Hive.Protocol;

namespace Hive.Cli.Dashboard;

/// <summary><c>hive status</c>: prints one row per agent.</summary>
internal static class StatusVerb
{
    public const string None = "No agents yet. Create one with: hive spawn NAME";

    public static Command Create()
    {
        var names = CommonOptions.OnlyAgents();
        return Verb.Create(
            "status",
            "Show what every agent is doing.",
            async (verb, parsed) =>
            {
                var rows = Chosen(await verb.CallAsync("agent_status"), CommonOptions.NamesIn(parsed, names));
                if (verb.Json)
                    JsonOutput.Print(new JsonObject { ["agent_statuses"] = JsonSerializer.SerializeToNode(rows) });
                else if (rows.Length == 0)
                    verb.Screen.Line(None);
                else
                {
                    verb.Screen.Table(StatusTable.Heads, [.. rows.Select(StatusTable.Cells)]);
                    var wanted = CommonOptions.NamesIn(parsed, names);
                    ShowStopped(verb.Screen, ListWaitingVerb.Rows(await verb.CallAsync("waiting")), wanted);
                    if (wanted.Length == 0)
                        return;
                    ShowCapabilities(verb.Screen, rows);
                    ShowRefused(verb.Screen, rows);
                }
            },
            names,
            CommonOptions.Wide()
        );
    }

    // The tasks that stand still until the operator decides, each with the thing that is to be decided.
    private static void ShowStopped(Screen screen, WaitingView[] waiting, string[] wanted)
    {
        var rows = Array.FindAll(
            waiting,
            row => row.Tasks is not null && (wanted.Length == 0 || wanted.Contains(row.Agent))
        );
        if (rows.Length == 0)
            return;
        screen.Line("\nThese wait for you; decide with: hive next");
        screen.Table(
            ["key", Screen.Column.Name("agent"), "tasks", "tickets", "age", Screen.Column.Text("what")],
            [
                .. rows.Select(row =>
                    (Screen.Cell[])
                        [
                            new(row.Key, ListWaitingVerb.StyleOf(row.Urgency)),
                            row.Agent ?? "",
                            string.Join(", ", row.Tasks!),
                            string.Join(", ", row.Tickets ?? []),
                            new(Screen.Age(row.SinceAt), "grey"),
                            row.Title,
                        ]
                ),
            ]
        );
    }

    private static void ShowCapabilities(Screen screen, IEnumerable<JsonElement> rows)
    {
        foreach (var row in rows)
        {
            if (!row.TryGetProperty("capabilities", out var able) || able.ValueKind != JsonValueKind.Array)
                continue;
            var words = able.EnumerateArray().Select(word => word.GetString());
            screen.Line($"\n{NameOf(row)} is able to do {string.Join(", ", words)}.");
        }
    }

    private static void ShowRefused(Screen screen, IEnumerable<JsonElement> rows)
    {
        foreach (var row in rows)
        {
            if (!row.TryGetProperty("parts", out var parts) || !parts.TryGetProperty("egress", out var egress))
                continue;
            var refused = egress.Deserialize<AgentEgress>(WireJson.Options)!;
            screen.Line($"\n{NameOf(row)}: {Counted.Of(refused.Total, "refused connection")}; the newest:");
            screen.Table(
                ["host", "port", "times", "last", Screen.Column.Text("reason")],
                [
                    .. refused.Refused.Select(r =>
                        (Screen.Cell[])
                            [
                                r.Host,
                                r.Port.ToString(CultureInfo.InvariantCulture),
                                r.Count.ToString(CultureInfo.InvariantCulture),
                                Screen.Ago(r.LastAt),
                                r.Reason,
                            ]
                    ),
                ]
            );
        }
    }

    /// <summary>The rows of the named agents, or of all.</summary>
    public static JsonElement[] Chosen(JsonElement answer, string[] wanted)
    {
        var all = answer.GetProperty("agent_statuses").EnumerateArray().ToArray();
        if (wanted.FirstOrDefault(name => !all.Any(row => NameOf(row) == name)) is { } unknown)
            throw new HiveException("not_found", $"agent {unknown} not found; hive list shows all names");
        return [.. all.Where(row => wanted.Length == 0 || wanted.Contains(NameOf(row)))];
    }

    public static string NameOf(JsonElement row) => row.GetProperty("name").GetString()!;
}
