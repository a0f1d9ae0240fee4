using Hive.Features.Costs.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Costs;

/// <summary>The ways to know the price of tokens.</summary>
internal static class CostBasis
{
    public const string Table = "table";
    public const string Reported = "reported";
    public const string Assumed = "assumed";

    /// <summary>Nothing was reported: shown as not counted, and not as free.</summary>
    public const string Uncounted = "uncounted";
}

/// <summary>The price of tokens.</summary>
/// <param name="Micro">In millionths of a US dollar.</param>
/// <param name="CompletionMicro">The part of the output; null when only the whole is known.</param>
/// <param name="Basis">One of <see cref="CostBasis"/>.</param>
internal readonly record struct PricedTokens(long Micro, long? CompletionMicro, string Basis);

/// <summary>Prices tokens: by the price table, else as the agent's tool reports, else by an assumed price, so that a
/// model without a price is never free.</summary>
internal static class TurnPrices
{
    /// <summary>The assumed price of input and of output, in US dollars per million tokens, which is millionths per
    /// token. Source: the defaults of OmoiOS's <c>cost_models.yaml</c>.</summary>
    public const long AssumedInput = 3;

    /// <inheritdoc cref="AssumedInput" />
    public const long AssumedOutput = 15;

    // As much as a tool may report; sums of it stay far below what 64 bits hold.
    private const long MostMicro = 1_000_000 * Money.PerUsd;

    /// <summary>The price of tokens.</summary>
    /// <param name="prices">The price table.</param>
    /// <param name="model">The model; null when it is not known.</param>
    /// <param name="tokens">The tokens; null when none were reported.</param>
    /// <param name="reportedMicro">What the agent's tool reported.</param>
    public static PricedTokens Of(IPrices prices, string? model, Tokens? tokens, long? reportedMicro)
    {
        if (tokens is { } known && prices.Micro(model, known) is { } micro)
            return Of(micro, prices.Micro(model, Output(known)), CostBasis.Table);
        if (reportedMicro is { } reported)
            return Of(reported, null, CostBasis.Reported);
        return tokens is { } unpriced && TokensOf(unpriced) > 0
            ? Of(Assumed(unpriced), Assumed(Output(unpriced)), CostBasis.Assumed)
            : new PricedTokens(0, null, CostBasis.Uncounted);
    }

    /// <summary>All tokens, cached ones too.</summary>
    public static long TokensOf(Tokens tokens) =>
        tokens.Input + tokens.Output + tokens.CacheRead + tokens.CacheCreation;

    /// <summary>The provider that a model's name tells.</summary>
    public static string ProviderOf(string? model) =>
        model?.Split('/') is [{ Length: > 0 } provider, _, ..] ? provider
        : Begins(model, "claude") ? "anthropic"
        : Begins(model, "gpt") || Begins(model, "o1") || Begins(model, "o3") || Begins(model, "o4") ? "openai"
        : Begins(model, "gemini") ? "google"
        : "unknown";

    private static bool Begins(string? model, string start) =>
        model?.StartsWith(start, StringComparison.OrdinalIgnoreCase) == true;

    private static PricedTokens Of(long micro, long? completion, string basis) =>
        new(Math.Min(micro, MostMicro), completion is { } part ? Math.Min(part, MostMicro) : null, basis);

    // Input that comes from the cache or goes there counts as input.
    private static long Assumed(Tokens tokens) =>
        ((TokensOf(tokens) - tokens.Output) * AssumedInput) + (tokens.Output * AssumedOutput);

    private static Tokens Output(Tokens tokens) => new(0, tokens.Output, 0, 0);
}
