using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Turns;

/// <summary><c>hive stats</c>: sums up the turns of each agent.</summary>
internal static class StatsVerb
{
    private static readonly Screen.Column[] Heads =
    [
        Screen.Column.Name("agent"),
        "turns",
        "failed",
        "cost",
        "time",
        "tools",
        "input",
        "cached",
        "output",
    ];

    public static Command Create()
    {
        var agent = new Argument<string?>("NAME")
        {
            Description = "Only this agent",
            Arity = ArgumentArity.ZeroOrOne,
        }.CompletedBy(Known.AgentsAsync);
        var window = new Option<string>("--window")
        {
            Description = "The time until now: 1h, 24h, 7d or 30d",
            HelpName = "WINDOW",
            DefaultValueFactory = _ => "24h",
        }.CompletedBy("1h", "24h", "7d", "30d");
        return Verb.Create(
            "stats",
            "Sum up turns, tokens, cost and time by agent.",
            async (verb, parsed) =>
            {
                var (name, time) = (parsed.GetValue(agent), parsed.GetValue(window)!);
                var answer = await verb.CallAsync(
                    "stats",
                    new { window = time, agent = name is null ? null : CommonOptions.WithoutAt(name) }
                );
                if (verb.Json)
                    JsonOutput.Print(answer);
                else
                    Show(verb.Screen, answer, time);
            },
            agent,
            window,
            CommonOptions.Wide()
        );
    }

    private static void Show(Screen screen, JsonElement answer, string window)
    {
        var agents = answer.GetProperty("agents").Deserialize<Row[]>(WireJson.Options)!;
        if (agents.Length == 0)
        {
            screen.Line($"No turn ended in the last {window}.");
            return;
        }

        List<Screen.Cell[]> rows = [.. agents.Select(Cells)];
        if (agents.Length > 1)
            rows.Add([.. Cells(Sum(agents)).Select(cell => cell with { Style = "bold" })]);
        screen.Table(Heads, rows);
        var unknown = answer.GetProperty("unknown_models").EnumerateArray().Select(m => m.GetString()).ToArray();
        if (unknown.Length > 0)
            screen.Styled($"No price, so no cost: {string.Join(", ", unknown)}", "yellow");
    }

    private static Row Sum(Row[] agents) =>
        new()
        {
            Name = "(all)",
            Turns = agents.Sum(a => a.Turns),
            Failed = agents.Sum(a => a.Failed),
            CostUsd = agents.Sum(a => a.CostUsd),
            DurationMs = agents.Sum(a => a.DurationMs),
            ToolCallCount = agents.Sum(a => a.ToolCallCount),
            InputTokens = agents.Sum(a => a.InputTokens),
            CacheReadInputTokens = agents.Sum(a => a.CacheReadInputTokens),
            CacheCreationInputTokens = agents.Sum(a => a.CacheCreationInputTokens),
            OutputTokens = agents.Sum(a => a.OutputTokens),
        };

    private static Screen.Cell[] Cells(Row row) =>
        [
            row.Name,
            Count(row.Turns),
            new Screen.Cell(Count(row.Failed), row.Failed > 0 ? "red bold" : "grey"),
            string.Create(CultureInfo.InvariantCulture, $"${row.CostUsd:0.00}"),
            Time(row.DurationMs),
            Count(row.ToolCallCount),
            Tokens(row.InputTokens),
            Tokens(row.CacheReadInputTokens + row.CacheCreationInputTokens),
            Tokens(row.OutputTokens),
        ];

    private static string Count(long many) => many.ToString(CultureInfo.InvariantCulture);

    private static string Time(long milliseconds) =>
        TimeSpan.FromMilliseconds(milliseconds) switch
        {
            { TotalMinutes: < 1 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s"),
            { TotalHours: < 1 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.0} min"),
            var span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.0} h"),
        };

    private static string Tokens(long many) =>
        many switch
        {
            < 1_000 => Count(many),
            < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{many / 1e3:0.0}k"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{many / 1e6:0.0}M"),
        };

    // The fields that the table shows.
    private sealed record Row
    {
        public string Name { get; init; } = "";
        public long Turns { get; init; }
        public long Failed { get; init; }
        public double CostUsd { get; init; }
        public long DurationMs { get; init; }
        public long ToolCallCount { get; init; }
        public long InputTokens { get; init; }
        public long CacheReadInputTokens { get; init; }
        public long CacheCreationInputTokens { get; init; }
        public long OutputTokens { get; init; }
    }
}
