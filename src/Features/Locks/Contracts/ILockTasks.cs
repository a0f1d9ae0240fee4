using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Locks.Contracts;

/// <summary>The tasks that hold locks. Filled by the slice that knows tasks; called inside the caller's
/// write.</summary>
internal interface ILockTasks
{
    /// <summary>The caller's task that its call is about; the call begins it when it was not begun.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="caller">The agent.</param>
    /// <param name="task">The task; null for the only one that it has.</param>
    /// <param name="run">The run that the call is about; null for the current one.</param>
    /// <exception cref="Problem">It is not the caller's, or its run has ended.</exception>
    long Begin(IWrite write, Caller caller, long? task, long? run);

    /// <summary>The agent that has a task now.</summary>
    /// <exception cref="Problem">No agent has it.</exception>
    string RequireAgent(IWrite write, long task);

    /// <summary>All resources that a held task declares are free: it may be given to an agent.</summary>
    void Freed(IWrite write, long task);

    /// <summary>Held tasks, the one that is to go first before others.</summary>
    IReadOnlyList<long> InOrder(IWrite write, IReadOnlyCollection<long> tasks);

    /// <summary>Nobody has taken a freed task for a minute: when it is held again, its time begins then.</summary>
    void Lapsed(IWrite write, long task);

    /// <summary>The agent of a task is sent a message about it, which it cannot have had yet.</summary>
    void Told(IWrite write, long task, long message);
}
