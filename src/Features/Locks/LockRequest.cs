using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Features.Locks;

/// <summary>A request for a lock.</summary>
/// <param name="Task">The task that is to hold it.</param>
/// <param name="Agent">Its agent.</param>
/// <param name="Resource">A name without faults.</param>
/// <param name="Mode">One of <see cref="LockModes"/>.</param>
/// <param name="TtlSeconds">How long it lasts after it is granted.</param>
/// <param name="Notify">Keeps its place in the queue after the call, and tells the agent by message.</param>
internal sealed record LockRequest(long Task, string Agent, string Resource, string Mode, long TtlSeconds, bool Notify);

/// <summary>The answer to a request.</summary>
/// <param name="Granted">The task has the lock.</param>
/// <param name="Lock">The lock, when it is granted.</param>
/// <param name="Holders">The locks that keep the task from it, when it is not.</param>
/// <param name="Position">The place in the queue, 1 for the next one; null when the request does not wait.</param>
/// <param name="Reason">Why it is not granted, in words.</param>
internal sealed record LockAnswer(
    bool Granted,
    LockView? Lock = null,
    IReadOnlyList<LockView>? Holders = null,
    int? Position = null,
    string? Reason = null
)
{
    /// <summary>The request waits, and the call with it; the door does not see this.</summary>
    public long Waiting { get; init; }

    /// <summary>The grant, when there is one; the door does not see this.</summary>
    public LockGrant? Grant { get; init; }
}

/// <summary>The grant of a call, so that it can be taken back when its answer is not delivered.</summary>
/// <param name="Id">The lock.</param>
/// <param name="Before">The task's lock on the resource before the call; null when it had none.</param>
/// <param name="Notify">The agent has asked to be told by message.</param>
internal sealed record LockGrant(long Id, LockRow? Before, bool Notify);

/// <summary>A call that waits for a lock.</summary>
internal sealed class LockWaiter
{
    // The call continues where it is answered: a pool thread of the publisher, see IWrite.AfterCommit.
    private readonly TaskCompletionSource<LockAnswer> completion = new();

    public Task<LockAnswer> Task => completion.Task;

    public void Answer(LockAnswer answer) => completion.TrySetResult(answer);

    public void Refuse(Problem problem) => completion.TrySetException(problem);
}
