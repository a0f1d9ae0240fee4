using System.Text.Json;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;

namespace Hive.Features.Turns;

/// <summary>A row of <c>turn_stats</c>.</summary>
internal sealed record TurnRow
{
    public const string Columns = """
        id, agent, wake_from AS WakeFrom, result, note, at, model, started_at AS StartedAt, ended_at AS EndedAt, duration_ms AS DurationMs,
        input_tokens AS InputTokens, output_tokens AS OutputTokens, cache_read_input_tokens AS CacheReadInputTokens, cache_creation_input_tokens AS CacheCreationInputTokens,
        last_input_tokens AS LastInputTokens, last_output_tokens AS LastOutputTokens,
        last_cache_read_input_tokens AS LastCacheReadInputTokens, last_cache_creation_input_tokens AS LastCacheCreationInputTokens,
        tool_call_count AS ToolCallCount, tool_calls AS ToolCalls, open_loose_ends_count AS OpenLooseEndsCount, open_reminders_count AS OpenRemindersCount,
        reported_cost_usd AS ReportedCostUsd
        """;

    public required long Id { get; init; }

    public required string Agent { get; init; }

    public required string WakeFrom { get; init; }

    public required string Result { get; init; }

    public string? Note { get; init; }

    public required long At { get; init; }

    public string? Model { get; init; }

    public required long StartedAt { get; init; }

    public required long EndedAt { get; init; }

    public long? DurationMs { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? CacheReadInputTokens { get; init; }

    public long? CacheCreationInputTokens { get; init; }

    public long? LastInputTokens { get; init; }

    public long? LastOutputTokens { get; init; }

    public long? LastCacheReadInputTokens { get; init; }

    public long? LastCacheCreationInputTokens { get; init; }

    public long? ToolCallCount { get; init; }

    public string? ToolCalls { get; init; }

    public long? OpenLooseEndsCount { get; init; }

    public long? OpenRemindersCount { get; init; }

    public double? ReportedCostUsd { get; init; }

    public Tokens? Tokens =>
        InputTokens is null && OutputTokens is null && CacheReadInputTokens is null && CacheCreationInputTokens is null
            ? null
            : new(InputTokens ?? 0, OutputTokens ?? 0, CacheReadInputTokens ?? 0, CacheCreationInputTokens ?? 0);

    public TurnView ToView(PriceTable prices) =>
        new(
            Id,
            Agent,
            WakeFrom,
            Result,
            Note,
            Model,
            DateTimeOffset.FromUnixTimeMilliseconds(StartedAt),
            DateTimeOffset.FromUnixTimeMilliseconds(EndedAt),
            DurationMs,
            InputTokens,
            OutputTokens,
            CacheReadInputTokens,
            CacheCreationInputTokens,
            LastInputTokens,
            LastOutputTokens,
            LastCacheReadInputTokens,
            LastCacheCreationInputTokens,
            ToolCallCount,
            ToolCalls is null
                ? null
                : JsonSerializer.Deserialize<Dictionary<string, long>>(ToolCalls, WireJson.Options),
            OpenLooseEndsCount,
            OpenRemindersCount,
            Tokens is { } tokens ? prices.CostOf(Model, tokens) : null,
            ReportedCostUsd
        );
}

/// <summary>What a turn, or several, took of a model.</summary>
internal readonly record struct Tokens(long Input, long Output, long CacheRead, long CacheCreation);
