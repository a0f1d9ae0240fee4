namespace Hive.Features.Turns.Contracts;

/// <summary>One turn of an agent, with its figures; what nobody told is left out.</summary>
/// <param name="Id">Given once.</param>
/// <param name="Agent">Whose turn.</param>
/// <param name="WakeFrom">Who or what woke the agent.</param>
/// <param name="Result"><c>ok</c>, <c>failed</c>, <c>prompt_too_long</c>, <c>cancelled</c>, <c>rate_limited</c> or
/// <c>lost</c>.</param>
/// <param name="Note">The error, when there was one.</param>
/// <param name="Model">As the agent's tool names it.</param>
/// <param name="StartedAt">When it began; by the host's clock where the harness did not say.</param>
/// <param name="EndedAt">When it ended; the same.</param>
/// <param name="DurationMs">How long it took, by a monotonic clock.</param>
/// <param name="InputTokens">Of the whole turn.</param>
/// <param name="OutputTokens">Of the whole turn.</param>
/// <param name="CacheReadInputTokens">Of the whole turn.</param>
/// <param name="CacheCreationInputTokens">Of the whole turn.</param>
/// <param name="LastInputTokens">Of the last call to the model.</param>
/// <param name="LastOutputTokens">Of the last call to the model.</param>
/// <param name="LastCacheReadInputTokens">Of the last call to the model.</param>
/// <param name="LastCacheCreationInputTokens">Of the last call to the model.</param>
/// <param name="ToolCallCount">How many.</param>
/// <param name="ToolCalls">How many of each tool.</param>
/// <param name="OpenLooseEndsCount">After the turn.</param>
/// <param name="OpenRemindersCount">After the turn.</param>
/// <param name="CostUsd">By the price table; absent for a model that it does not know.</param>
/// <param name="ReportedCostUsd">What the agent's tool says itself.</param>
internal sealed record TurnView(
    long Id,
    string Agent,
    string WakeFrom,
    string? Result = null,
    string? Note = null,
    string? Model = null,
    DateTimeOffset? StartedAt = null,
    DateTimeOffset? EndedAt = null,
    long? DurationMs = null,
    long? InputTokens = null,
    long? OutputTokens = null,
    long? CacheReadInputTokens = null,
    long? CacheCreationInputTokens = null,
    long? LastInputTokens = null,
    long? LastOutputTokens = null,
    long? LastCacheReadInputTokens = null,
    long? LastCacheCreationInputTokens = null,
    long? ToolCallCount = null,
    IReadOnlyDictionary<string, long>? ToolCalls = null,
    long? OpenLooseEndsCount = null,
    long? OpenRemindersCount = null,
    double? CostUsd = null,
    double? ReportedCostUsd = null
);
