using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <summary>A row of <c>turns</c>.</summary>
internal sealed record TurnRow
{
    public const string Columns = "id, agent, wake_from AS WakeFrom, started_at AS StartedAt, ended_at AS EndedAt, result, note, acked, requeued, parked";

    public required long Id { get; init; }

    public required string Agent { get; init; }

    public required string WakeFrom { get; init; }

    public required long StartedAt { get; init; }

    public long? EndedAt { get; init; }

    public string? Result { get; init; }

    public string? Note { get; init; }

    public int Acked { get; init; }

    public int Requeued { get; init; }

    public int Parked { get; init; }

    public TurnView ToView() => new(
        Id, Agent, WakeFrom, DateTimeOffset.FromUnixTimeMilliseconds(StartedAt), EndedAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null, Result, Note);
}

/// <summary>How a turn can end.</summary>
internal static class TurnResult
{
    public const string Ok = "ok";
    public const string Cancelled = "cancelled";

    public static readonly string[] All = [Ok, "failed", "prompt_too_long", Cancelled, "rate_limited"];
}
