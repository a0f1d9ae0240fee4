namespace Hive.Protocol;

/// <summary>A lock on a resource, or a request that waits for one. A lock is advice: it keeps out only those who
/// ask.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ResourceType">The kind of the resource, such as <c>repo</c>.</param>
/// <param name="ResourceId">The name of the resource among its kind.</param>
/// <param name="Mode"><c>exclusive</c> or <c>shared</c>.</param>
/// <param name="Status"><c>waiting</c>, <c>granted</c>, <c>released</c> or <c>withdrawn</c>.</param>
/// <param name="Task">The task that holds it or waits for it.</param>
/// <param name="Agent">The task's agent.</param>
/// <param name="Count">How often the task has acquired it; released as often, it is free. 0 while it waits.</param>
/// <param name="AskedAt">When it was asked for.</param>
/// <param name="AcquiredAt">When it was granted.</param>
/// <param name="ExpiresAt">When it is free by itself; absent for a lock that lasts as long as its run.</param>
/// <param name="ReleasedAt">When it ended.</param>
/// <param name="ReleaseReason">Why it ended, such as <c>released</c> or <c>expired</c>.</param>
public record LockView(
    long Id,
    string ResourceType,
    string ResourceId,
    string Mode,
    string Status,
    long Task,
    string Agent,
    int Count,
    DateTimeOffset AskedAt,
    DateTimeOffset? AcquiredAt = null,
    DateTimeOffset? ExpiresAt = null,
    DateTimeOffset? ReleasedAt = null,
    string? ReleaseReason = null
);
