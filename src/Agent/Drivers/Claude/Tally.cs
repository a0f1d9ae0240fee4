namespace Hive.Agent.Drivers.Claude;

/// <summary>What the runs of one turn used together.</summary>
internal sealed class Tally
{
    private readonly List<StreamJson> runs = [];

    public bool HasRun => runs.Any(run => run.Started);

    public void Add(StreamJson run) => runs.Add(run);

    public TurnFigures ToFigures()
    {
        var total = Sum(runs.Select(run => run.Used));
        var last = runs.LastOrDefault(run => run.Last is not null)?.Last;
        var tools = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (tool, count) in runs.SelectMany(run => run.Tools))
            tools[tool] = tools.GetValueOrDefault(tool) + count;
        return new TurnFigures
        {
            Model = runs.LastOrDefault(run => run.Model is not null)?.Model,
            InputTokens = total?.Input,
            OutputTokens = total?.Output,
            CacheReadInputTokens = total?.CacheRead,
            CacheCreationInputTokens = total?.CacheCreation,
            LastInputTokens = last?.Input,
            LastOutputTokens = last?.Output,
            LastCacheReadInputTokens = last?.CacheRead,
            LastCacheCreationInputTokens = last?.CacheCreation,
            ToolCallCount = HasRun ? tools.Values.Sum() : null,
            ToolCalls = HasRun ? tools : null,
            CostUsd = runs.Any(run => run.Cost is not null) ? runs.Sum(run => run.Cost ?? 0) : null,
        };
    }

    private static StreamJson.Usage? Sum(IEnumerable<StreamJson.Usage?> used)
    {
        StreamJson.Usage? sum = null;
        foreach (var one in used)
            sum = one is { } known ? (sum ?? default) + known : sum;
        return sum;
    }
}
