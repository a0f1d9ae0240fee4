using System.Text.Json;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;

namespace Hive.Features.Turns;

/// <summary>A row of <c>turn_stats</c>: an ended turn with its figures.</summary>
internal sealed record TurnRow : TurnFigures
{
    public const string Columns = """
        id, agent, wake_from, result, note, at, model, started_at, ended_at, duration_ms,
        input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,
        last_input_tokens, last_output_tokens, last_cache_read_input_tokens, last_cache_creation_input_tokens,
        tool_call_count, tool_calls AS ToolCallsJson, open_loose_ends_count, open_reminders_count, reported_cost_usd
        """;

    /// <summary>A row to be filled from the database.</summary>
    public TurnRow() { }

    /// <summary>A row with these figures.</summary>
    public TurnRow(TurnFigures figures)
        : base(figures) { }

    public required long Id { get; init; }

    public required string Agent { get; init; }

    public required string WakeFrom { get; init; }

    public required string Result { get; init; }

    public string? Note { get; init; }

    /// <summary>When the turn counts as ended: the reported end, kept within the host's own times.</summary>
    public required long At { get; init; }

    public required long StartedAt { get; init; }

    public required long EndedAt { get; init; }

    public double? ReportedCostUsd { get; init; }

    public string? ToolCallsJson
    {
        get => ToolCalls is null ? null : JsonSerializer.Serialize(ToolCalls, WireJson.Options);
        init =>
            ToolCalls = value is null
                ? null
                : JsonSerializer.Deserialize<Dictionary<string, long>>(value, WireJson.Options);
    }

    public Tokens? Tokens =>
        InputTokens is null && OutputTokens is null && CacheReadInputTokens is null && CacheCreationInputTokens is null
            ? null
            : new(InputTokens ?? 0, OutputTokens ?? 0, CacheReadInputTokens ?? 0, CacheCreationInputTokens ?? 0);

    public TurnView ToView(PriceTable prices) =>
        new(this)
        {
            Id = Id,
            Agent = Agent,
            WakeFrom = WakeFrom,
            Result = Result,
            Note = Note,
            StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(StartedAt),
            EndedAt = DateTimeOffset.FromUnixTimeMilliseconds(EndedAt),
            CostUsd = Tokens is { } tokens ? prices.CostOf(Model, tokens) : null,
            ReportedCostUsd = ReportedCostUsd,
        };
}
