using System.Collections.Frozen;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Turns;

/// <summary>The prices of a model, in US dollars per million tokens.</summary>
/// <param name="Model">As the agent's tool names it; a <c>*</c> at the end stands for any ending.</param>
/// <param name="Input">Input that is not in the cache.</param>
/// <param name="Output">Output.</param>
/// <param name="CacheRead">Input read from the cache.</param>
/// <param name="CacheCreation">Input written to the cache.</param>
internal sealed record ModelPrice(string Model, double Input, double Output, double CacheRead, double CacheCreation);

/// <summary>The price table. An exact name wins over a prefix, a longer prefix over a shorter one.</summary>
internal sealed class PriceTable(IReadOnlyList<ModelPrice> models)
{
    /// <summary>The most models in a table.</summary>
    public const int MostModels = 500;

    private const int NameBytes = 100;
    private const double MostUsd = 100_000;

    private readonly FrozenDictionary<string, ModelPrice> exact = models
        .Where(m => !m.Model.EndsWith('*'))
        .ToFrozenDictionary(m => m.Model, StringComparer.Ordinal);
    private readonly (string Start, ModelPrice Price)[] starts =
    [
        .. models
            .Where(m => m.Model.EndsWith('*'))
            .Select(m => (m.Model[..^1], m))
            .OrderByDescending(m => m.Item1.Length),
    ];

    /// <summary>
    /// The initial table: Anthropic's list prices of October 2026
    /// (https://platform.claude.com/docs/en/about-claude/pricing), with the cache writes of five minutes. Haiku 5.5
    /// costs five times as much for prompts of more than 100,000 tokens, which a table of this form cannot express.
    /// </summary>
    public static PriceTable First { get; } =
        new([
            new("claude-fable-5-1*", 10, 50, 0.25, 12.5),
            new("claude-fable-5*", 10, 50, 1, 12.5),
            new("claude-mythos-5-1*", 10, 50, 0.25, 12.5),
            new("claude-mythos-5*", 10, 50, 1, 12.5),
            new("claude-opus-5-5*", 4, 20, 0.2, 5),
            new("claude-opus-5*", 5, 25, 0.5, 6.25),
            new("claude-opus-4-8*", 5, 25, 0.5, 6.25),
            new("claude-opus-4-7*", 5, 25, 0.5, 6.25),
            new("claude-opus-4-6*", 5, 25, 0.5, 6.25),
            new("claude-opus-4-5*", 5, 25, 0.5, 6.25),
            new("claude-opus-4*", 15, 75, 1.5, 18.75),
            new("claude-sonnet-5-5*", 2, 10, 0.1, 2.5),
            new("claude-sonnet-5*", 2, 10, 0.2, 2.5),
            new("claude-sonnet-4*", 3, 15, 0.3, 3.75),
            new("claude-haiku-5-5*", 0.1, 0.5, 0.01, 0.125),
            new("claude-haiku-4-5*", 1, 5, 0.1, 1.25),
        ]);

    public IReadOnlyList<ModelPrice> Models => models;

    /// <summary>The fault of a table; null when it is valid.</summary>
    public static string? Fault(IReadOnlyList<ModelPrice?> models)
    {
        if (models.Count > MostModels)
            return $"'models' has {models.Count} entries, the limit is {MostModels}";
        HashSet<string> names = new(StringComparer.Ordinal);
        for (var i = 0; i < models.Count; i++)
        {
            if (models[i] is not { } price)
                return $"models[{i}] is null";
            var name = price.Model;
            if (
                string.IsNullOrWhiteSpace(name)
                || System.Text.Encoding.UTF8.GetByteCount(name) > NameBytes
                || name.Any(char.IsControl)
            )
                return $"models[{i}] needs a name of at most {NameBytes} bytes";
            if (name.AsSpan(0, name.Length - 1).Contains('*'))
                return $"'{name}': '*' is allowed at the end only";
            if (!names.Add(name))
                return $"'{name}' is listed twice";
            foreach (
                var (field, usd) in new[]
                {
                    ("input", price.Input),
                    ("output", price.Output),
                    ("cache_read", price.CacheRead),
                    ("cache_creation", price.CacheCreation),
                }
            )
            {
                if (!(usd is >= 0 and <= MostUsd))
                    return $"'{name}': '{field}' must be 0 to {MostUsd} US dollars per million tokens";
            }
        }

        return null;
    }

    /// <summary>The prices of a model; null when it is not in the table.</summary>
    public ModelPrice? Of(string? model)
    {
        if (model is null)
            return null;
        if (exact.TryGetValue(model, out var price))
            return price;
        foreach (var (start, ofThose) in starts)
        {
            if (model.StartsWith(start, StringComparison.Ordinal))
                return ofThose;
        }

        return null;
    }

    /// <summary>The cost in US dollars; null when the model is not in the table.</summary>
    public double? CostOf(string? model, Tokens tokens) => MillionthsOf(model, tokens) / 1_000_000;

    /// <summary>The cost in millionths of a US dollar; null when the model is not in the table.</summary>
    public long? MicroOf(string? model, Tokens tokens) =>
        MillionthsOf(model, tokens) is { } millionths
            ? (long)Math.Round(millionths, MidpointRounding.AwayFromZero)
            : null;

    // A price per million tokens is one in millionths per token.
    private double? MillionthsOf(string? model, Tokens tokens) =>
        Of(model) is not { } price
            ? null
            : (tokens.Input * price.Input)
                + (tokens.Output * price.Output)
                + (tokens.CacheRead * price.CacheRead)
                + (tokens.CacheCreation * price.CacheCreation);
}
