using System.Text.Json;

namespace Hive.Agent.Drivers.Claude;

/// <summary>Adds up what one run of the program used, by its results and by calls that no result tells of.</summary>
/// <param name="resumed">The run goes on with a conversation.</param>
internal sealed class RunUsage(bool resumed)
{
    // A tool that never ends may name any number of calls.
    private const int MostCalls = 10_000;

    // A resumed process starts with the totals of its conversation since 2.1.277, and with zero before.
    private static readonly Version FirstCumulative = new(2, 1, 277);

    private readonly Dictionary<string, Call> calls = [];
    private Usage results,
        totals;
    private Usage? differences;
    private double differenceCost;
    private double? totalCost;
    private bool hasResult;

    /// <summary>The tool's own version, as it names it at its start.</summary>
    public string? Version { get; set; }

    /// <summary>All of the run; null before the first call.</summary>
    public Usage? Used
    {
        get
        {
            if (!hasResult)
                return calls.Count == 0 ? null : Sum(_ => true);
            var told =
                differences ?? Usage.Max(IsTotalOfRun ? totals : default, Usage.Max(results, Sum(call => call.Told)));
            // Calls after the last result, in a run that was ended.
            return told + Sum(call => !call.Told);
        }
    }

    /// <summary>Its cost as the tool says; null where the tool did not say it of the whole run.</summary>
    public double? Cost =>
        !hasResult || calls.Values.Any(call => !call.Told) ? null
        : differences is not null ? differenceCost
        : IsTotalOfRun ? totalCost
        : null;

    private bool IsTotalOfRun =>
        !resumed || (System.Version.TryParse(Version, out var version) && version < FirstCumulative);

    /// <summary>Takes what a line says of a call; the call's figures as they are known now.</summary>
    public Usage Add(string id, Usage used)
    {
        if (!calls.TryGetValue(id, out var call))
        {
            if (calls.Count >= MostCalls)
                return used;
            calls[id] = call = new Call();
        }

        return call.Used = Usage.Max(call.Used, used);
    }

    /// <summary>Takes a result; a run in which something went on in the background has several.</summary>
    public void AddResult(JsonElement result)
    {
        hasResult = true;
        foreach (var call in calls.Values)
            call.Told = true;
        if (JsonFields.Member(result, "usage") is { } usage)
            results += Usage.Of(usage);
        if (JsonFields.Member(result, "modelUsage") is { } models)
            totals = Usage.OfModels(models);
        totalCost = JsonFields.Real(result, "total_cost_usd") ?? totalCost;
        if (JsonFields.Member(result, "model_usage_since_last_result") is not { } since)
            return;
        differences = (differences ?? default) + Usage.OfModels(since);
        differenceCost += since.EnumerateObject().Sum(model => JsonFields.Real(model.Value, "costUSD") ?? 0);
    }

    private Usage Sum(Func<Call, bool> which) => Usage.Sum(calls.Values.Where(which).Select(call => call.Used));

    private sealed class Call
    {
        public Usage Used { get; set; }

        public bool Told { get; set; }
    }
}
