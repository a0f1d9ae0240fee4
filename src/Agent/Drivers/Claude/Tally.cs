namespace Hive.Agent.Drivers.Claude;

/// <summary>
/// Adds up the usage of all runs of a turn, within the host's limits (docs/turns.md). An impossible figure becomes
/// null, so that it never costs the turn its report.
/// </summary>
internal sealed class Tally
{
    private const int MostTools = 200,
        ModelBytes = 200;
    private const long MostTokens = 1_000_000_000_000;
    private const double MostDollars = 1_000_000;

    private readonly List<StreamJson> runs = [];

    public bool HasRun => runs.Any(run => run.Started);

    public void Add(StreamJson run) => runs.Add(run);

    public TurnFigures ToFigures()
    {
        var total = Sum(runs.Select(run => run.Spent.Used));
        var last = runs.LastOrDefault(run => run.Last is not null)?.Last;
        var tools = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (tool, count) in runs.SelectMany(run => run.Tools))
            tools[tool] = tools.GetValueOrDefault(tool) + count;
        return new TurnFigures
        {
            Model = runs.LastOrDefault(run => run.Model is { Length: > 0 })?.Model is { } model
                ? WireText.Cut(model, ModelBytes)
                : null,
            InputTokens = Tokens(total?.Input),
            OutputTokens = Tokens(total?.Output),
            CacheReadInputTokens = Tokens(total?.CacheRead),
            CacheCreationInputTokens = Tokens(total?.CacheCreation),
            LastInputTokens = Tokens(last?.Input),
            LastOutputTokens = Tokens(last?.Output),
            LastCacheReadInputTokens = Tokens(last?.CacheRead),
            LastCacheCreationInputTokens = Tokens(last?.CacheCreation),
            ToolCallCount = HasRun ? tools.Values.Sum() : null,
            ToolCalls = HasRun
                ? new SortedDictionary<string, long>(
                    tools.Where(t => t.Key.Length > 0).OrderByDescending(t => t.Value).Take(MostTools).ToDictionary(),
                    StringComparer.Ordinal
                )
                : null,
            CostUsd = Cost is >= 0 and <= MostDollars and var cost ? cost : null,
        };
    }

    // Null unless the cost of every run is known; the host then computes it from the tokens.
    private double? Cost =>
        HasRun && runs.Where(run => run.Started).All(run => run.Spent.Cost is not null)
            ? runs.Sum(run => run.Spent.Cost ?? 0)
            : null;

    private static long? Tokens(long? count) => count is >= 0 and <= MostTokens ? count : null;

    private static Usage? Sum(IEnumerable<Usage?> used)
    {
        Usage? sum = null;
        foreach (var one in used)
            sum = one is { } known ? (sum ?? default) + known : sum;
        return sum;
    }
}
