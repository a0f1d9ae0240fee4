using System.Text.Json;

namespace Hive.Agent.Drivers.Claude;

/// <summary>The tokens of one or more calls to the model.</summary>
internal readonly record struct Usage(long Input, long Output, long CacheRead, long CacheCreation)
{
    public long Context => Input + Output + CacheRead + CacheCreation;

    public static Usage operator +(Usage a, Usage b) =>
        new(a.Input + b.Input, a.Output + b.Output, a.CacheRead + b.CacheRead, a.CacheCreation + b.CacheCreation);

    /// <summary>The maximum of each figure, since the figures of a call only grow.</summary>
    public static Usage Max(Usage a, Usage b) =>
        new(
            Math.Max(a.Input, b.Input),
            Math.Max(a.Output, b.Output),
            Math.Max(a.CacheRead, b.CacheRead),
            Math.Max(a.CacheCreation, b.CacheCreation)
        );

    public static Usage Sum(IEnumerable<Usage> all) => all.Aggregate(default(Usage), (a, b) => a + b);

    /// <summary>Reads the API's <c>usage</c> object.</summary>
    public static Usage Of(JsonElement usage) =>
        new(
            Count(usage, "input_tokens"),
            Count(usage, "output_tokens"),
            Count(usage, "cache_read_input_tokens"),
            Count(usage, "cache_creation_input_tokens")
        );

    /// <summary>Reads the tool's usage by model and adds up all models.</summary>
    public static Usage OfModels(JsonElement models) =>
        Sum(
            models
                .EnumerateObject()
                .Select(model => new Usage(
                    Count(model.Value, "inputTokens"),
                    Count(model.Value, "outputTokens"),
                    Count(model.Value, "cacheReadInputTokens"),
                    Count(model.Value, "cacheCreationInputTokens")
                ))
        );

    private static long Count(JsonElement of, string name) => JsonFields.Number(of, name) ?? 0;
}
