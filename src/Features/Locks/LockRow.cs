using Hive.Protocol;

namespace Hive.Features.Locks;

/// <summary>The modes of a lock.</summary>
internal static class LockModes
{
    /// <summary>Conflicts with every other lock on the resource.</summary>
    public const string Exclusive = "exclusive";

    /// <summary>Conflicts with exclusive locks only.</summary>
    public const string Shared = "shared";
}

/// <summary>A row of <c>locks</c>, read with <see cref="Columns"/>: held, waiting or ended.</summary>
internal sealed record LockRow
{
    public const string Columns =
        "id, resource_type, resource_id, mode, task, agent, count, ttl_seconds, notify, asked_at, acquired_at, "
        + "expires_at, released_at, release_reason";

    private string? resource;

    /// <summary>0 for the place that a held task reserves, which has no row.</summary>
    public long Id { get; init; }

    public required string ResourceType { get; init; }

    public required string ResourceId { get; init; }

    public required string Mode { get; init; }

    public required long Task { get; init; }

    public required string Agent { get; init; }

    public long Count { get; init; }

    public long? TtlSeconds { get; init; }

    /// <summary>1 when the agent is told by message once it is granted.</summary>
    public long Notify { get; init; }

    public required long AskedAt { get; init; }

    public long? AcquiredAt { get; init; }

    public long? ExpiresAt { get; init; }

    public long? ReleasedAt { get; init; }

    public string? ReleaseReason { get; init; }

    /// <summary>When it expires by the monotonic clock; of the memory alone.</summary>
    public long? Until { get; init; }

    public string Resource => resource ??= $"{ResourceType}:{ResourceId}";

    public bool IsReservation => Id == 0;

    public bool IsExclusive => Mode == LockModes.Exclusive;

    public LockView ToView() =>
        new(
            Id,
            ResourceType,
            ResourceId,
            Mode,
            (AcquiredAt, ReleasedAt) switch
            {
                (null, null) => "waiting",
                (not null, null) => "granted",
                (null, _) => "withdrawn",
                _ => "released",
            },
            Task,
            Agent,
            (int)Count,
            DateTimeOffset.FromUnixTimeMilliseconds(AskedAt),
            Instant(AcquiredAt),
            Instant(ExpiresAt),
            Instant(ReleasedAt),
            ReleaseReason
        );

    private static DateTimeOffset? Instant(long? at) =>
        at is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;
}
