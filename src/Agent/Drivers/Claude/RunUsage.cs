using System.Text.Json;

namespace Hive.Agent.Drivers.Claude;

/// <summary>Adds up the usage of one run: its results, and the calls that no result includes.</summary>
/// <param name="resumed">Whether the run continues a conversation.</param>
internal sealed class RunUsage(bool resumed)
{
    // Bounds memory: a run may have any number of calls.
    private const int MostCalls = 10_000;

    // Since 2.1.277, a resumed process starts with the totals of its conversation; before, with zero.
    private static readonly Version FirstCumulative = new(2, 1, 277);

    private readonly Dictionary<string, Call> calls = [];
    private Usage results,
        totals;
    private Usage? differences;
    private double differenceCost;
    private double? totalCost;
    private bool hasResult;

    /// <summary>The version that the tool prints at its start.</summary>
    public string? Version { get; set; }

    /// <summary>The usage of the run; null before the first call.</summary>
    public Usage? Used
    {
        get
        {
            if (!hasResult)
                return calls.Count == 0 ? null : Sum(_ => true);
            var reported =
                differences
                ?? Usage.Max(IsTotalOfRun ? totals : default, Usage.Max(results, Sum(call => call.IsReported)));
            // Calls after the last result, when the run was ended.
            return reported + Sum(call => !call.IsReported);
        }
    }

    /// <summary>The cost that the tool reports; null when it does not cover the whole run.</summary>
    public double? Cost =>
        !hasResult || calls.Values.Any(call => !call.IsReported) ? null
        : differences is not null ? differenceCost
        : IsTotalOfRun ? totalCost
        : null;

    private bool IsTotalOfRun =>
        !resumed || (System.Version.TryParse(Version, out var version) && version < FirstCumulative);

    /// <summary>Adds figures of a call and returns its figures so far.</summary>
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

    /// <summary>Adds a result; a run with background tasks has several.</summary>
    public void AddResult(JsonElement result)
    {
        hasResult = true;
        foreach (var call in calls.Values)
            call.IsReported = true;
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

        public bool IsReported { get; set; }
    }
}
