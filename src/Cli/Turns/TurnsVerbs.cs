using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Turns;

internal static class TurnsVerbs
{
    private static readonly Screen.Column[] Heads =
    [
        "turn",
        "result",
        Screen.Column.Name("from"),
        "took",
        "ended",
        "cost",
        Screen.Column.Text("note"),
    ];

    public static Command[] All() =>
        [
            List(),
            StatsVerb.Create(),
            Verb.ForAgent(
                "cancel-turn",
                "Cancel an agent's current turn; its messages are parked.",
                "cancel_turn",
                name => new { name },
                name => $"the turn of {name} is being cancelled"
            ),
            Verb.ForAgent(
                "compact",
                "Compact an agent's conversation.",
                "compact",
                name => new { name },
                name => $"{name} compacts its conversation before its next turn"
            ),
            Verb.ForAgent(
                "new-session",
                "Start a new conversation for an agent; it forgets the current one.",
                "new_session",
                name => new { name },
                name => $"{name} starts a new conversation with its next turn"
            ),
            ModelVerb.Create(),
            LoginVerb.Create(),
        ];

    private static Command List()
    {
        var agent = CommonOptions.Agent();
        var limit = CommonOptions.Limit(20);
        return Verb.Create(
            "turns",
            "List an agent's turns and how they ended, newest last.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(agent);
                var answer = await verb.CallAsync("turns", new { name = who, limit = parsed.GetValue(limit) });
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                var turns = answer.GetProperty("turns").Deserialize<Row[]>(WireJson.Options)!;
                if (turns.Length == 0)
                    verb.Screen.Line($"{who} has not ended a turn yet.");
                else
                    verb.Screen.Table(Heads, [.. turns.OrderBy(turn => turn.Id).Select(Cells)]);
            },
            agent,
            limit,
            CommonOptions.Wide()
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
            turn.CostUsd is { } cost ? string.Create(CultureInfo.InvariantCulture, $"${cost:0.00}") : "",
            new Screen.Cell(turn.Note ?? "", "grey"),
        ];

    // The fields that the table shows. A host of another version may leave out some and add others.
    private sealed record Row
    {
        public required long Id { get; init; }
        public string WakeFrom { get; init; } = "";
        public string Result { get; init; } = "";
        public string? Note { get; init; }
        public long? DurationMs { get; init; }
        public double? CostUsd { get; init; }
        public DateTimeOffset? EndedAt { get; init; }
    }
}
