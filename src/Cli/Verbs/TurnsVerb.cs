using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>Shows the turns of an agent and how they ended.</summary>
internal static class TurnsVerb
{
    private static readonly Screen.Column[] Heads =
    [
        "turn",
        "result",
        "from",
        "took",
        "ended",
        Screen.Column.Text("note"),
    ];

    public static Command Create()
    {
        var agent = CommonOptions.Agent();
        var limit = new Option<int>("-n", "--limit")
        {
            Description = "How many at most",
            HelpName = "N",
            DefaultValueFactory = _ => 20,
        };
        return HostVerb.Create(
            "turns",
            "Show an agent's turns and how they ended, newest last.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(agent);
                var answer = await verb.CallAsync("turns", new { name = who, limit = parsed.GetValue(limit) });
                if (verb.Json)
                {
                    HostVerb.Print(answer);
                    return;
                }

                var turns = answer.GetProperty("turns").Deserialize<Row[]>(WireJson.Options)!;
                if (turns.Length == 0)
                    verb.Screen.Line($"{who} has not ended a turn yet.");
                else
                    verb.Screen.Table(Heads, [.. turns.OrderBy(turn => turn.Id).Select(Cells)]);
            },
            agent,
            limit
        );
    }

    private static Screen.Cell[] Cells(Row turn) =>
        [
            turn.Id.ToString(CultureInfo.InvariantCulture),
            new Screen.Cell(
                turn.Result,
                turn.Result switch
                {
                    "ok" => "green",
                    "cancelled" or "rate_limited" => "yellow",
                    _ => "red bold",
                }
            ),
            turn.WakeFrom,
            turn.DurationMs is { } took ? string.Create(CultureInfo.InvariantCulture, $"{took / 1000.0:0.0} s") : "",
            new Screen.Cell(Screen.Age(turn.EndedAt), "grey"),
            new Screen.Cell(turn.Note ?? "", "grey"),
        ];

    // What the table shows of a turn; a host of another version may leave out or add what it likes.
    private sealed record Row
    {
        public required long Id { get; init; }
        public string WakeFrom { get; init; } = "";
        public string Result { get; init; } = "";
        public string? Note { get; init; }
        public long? DurationMs { get; init; }
        public DateTimeOffset? EndedAt { get; init; }
    }
}
