using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Tasks.Contracts;

/// <summary>The runs of agents, for the slices above that act on them inside the caller's write.</summary>
internal interface ITaskRuns
{
    /// <summary>The caller's own task, begun by this call when it was not: as with each tool of a task.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="caller">The agent.</param>
    /// <param name="task">The task; null for the only one that it has.</param>
    /// <param name="run">The run that the call is about; null for the current one.</param>
    /// <exception cref="Problem">Code <c>conflict</c>: it is not the caller's, or that run has ended.</exception>
    TaskEntry Begin(IWrite write, Caller caller, long? task, long? run);

    /// <summary>The tasks that an agent has now, with their tickets. From memory, and from any thread.</summary>
    IReadOnlyList<(long Task, long Ticket)> Of(string agent);

    /// <summary>Counts all open tasks, and those of them that stand still with some tasks and tickets: these tasks, the
    /// tasks of these tickets, and the tasks that wait for one of them.</summary>
    (int Open, int Stopped) Count(DbConnection db, IEnumerable<long> tasks, IEnumerable<long> tickets);

    /// <summary>True for an agent that has or had a task of the ticket.</summary>
    bool HasWorkedOn(DbConnection db, string agent, long ticket);

    /// <summary>Ends the run of a running task as <c>handed_off</c> and begins one of another agent, which gets its
    /// own <c>task_assigned</c>. The former agent's turn goes on; calls about its run are refused.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="task">The task.</param>
    /// <param name="to">The agent that takes it over.</param>
    /// <param name="note">Why, in words.</param>
    /// <exception cref="Problem">Code <c>conflict</c>: nobody works on the task, or that agent has it.</exception>
    void Reassign(IWrite write, long task, string to, string note);
}
