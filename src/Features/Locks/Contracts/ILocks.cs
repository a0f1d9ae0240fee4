using Hive.Common.Storage;

namespace Hive.Features.Locks.Contracts;

/// <summary>The locks that tasks declare, as part of another slice's write. The holder is the task; its agent is
/// noted.</summary>
internal interface ILocks
{
    /// <summary>Takes all resources that a task declares, exclusively and for as long as its run lasts, or none. A task
    /// that cannot have them is remembered: <see cref="ILockTasks.Freed"/> tells when all of them are free and it goes
    /// first, and after ten minutes nobody who asks later passes it.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task.</param>
    /// <param name="agent">Its agent.</param>
    /// <param name="wanted">Names of resources without faults.</param>
    /// <returns>Null when the task has them all; otherwise which one it waits for, and who has that.</returns>
    string? TryTakeAll(IWrite write, long task, string agent, IReadOnlyList<string> wanted);

    /// <summary>Remembers a task that was held for its declared resources, or freed and not yet taken, when the host
    /// stopped.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task.</param>
    /// <param name="wanted">Names of resources without faults.</param>
    /// <param name="heldAt">When it was first held, in ms since 1970.</param>
    /// <returns>Null when they are all free; otherwise which one it waits for, and who has that.</returns>
    string? Restore(IWrite write, long task, IReadOnlyList<string> wanted, long heldAt);

    /// <summary>Which declared resource a held task waits for now, and who has that; null for another task. From any
    /// thread.</summary>
    string? ReasonOf(long task);

    /// <summary>Releases everything that a task holds, withdraws what it waits for, and forgets what it
    /// declared.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task; nothing happens when it has none of these.</param>
    /// <param name="reason">Stored with each lock, such as <c>task completed</c>.</param>
    void ReleaseAll(IWrite write, long task, string reason);

    /// <summary>Releases the locks of all tasks but some. At start: the others have no run.</summary>
    void ReleaseExcept(IWrite write, IReadOnlySet<long> keep, string reason);

    /// <summary>Lets another agent have the locks of a task that is handed off. Requests that wait are withdrawn: they
    /// were calls of the former agent.</summary>
    void Reassign(IWrite write, long task, string agent);
}
