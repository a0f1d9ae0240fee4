using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <summary>A row of <c>turns</c>.</summary>
internal sealed record TurnRow
{
    public const string Columns =
        "id, agent, wake_from AS WakeFrom, started_at AS StartedAt, ended_at AS EndedAt, result, note, acked, requeued, parked, lost";

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

    /// <summary>It was given up before it was said to have ended.</summary>
    public bool Lost { get; init; }

    /// <summary>The same for the slice that counts turns.</summary>
    public EndedTurn ToEnded(bool isNews) =>
        new(
            Id,
            Agent,
            WakeFrom,
            DateTimeOffset.FromUnixTimeMilliseconds(StartedAt),
            DateTimeOffset.FromUnixTimeMilliseconds(EndedAt!.Value),
            Result!,
            Note,
            Acked,
            Requeued,
            Parked,
            isNews
        );
}
