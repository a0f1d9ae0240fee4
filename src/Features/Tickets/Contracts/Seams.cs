using System.Data.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Tickets.Contracts;

// Filled by the slices that know tasks and gates. Each call is made inside the caller's write where it takes one,
// touches nothing but it, and takes memory back with IWrite.OnRollback.

/// <summary>Told that a ticket entered a phase.</summary>
internal interface IPhaseEntered
{
    /// <summary>A ticket entered a phase, also a terminal one: templates that have made no task yet make one, tasks of
    /// later phases are held, and a terminal phase ends what is open as its workflow says.</summary>
    void Entered(IWrite write, TicketEntry ticket, Phase phase, string actor);
}

/// <summary>Told that the tasks of a ticket may run, or may not.</summary>
internal interface ITicketHeld
{
    /// <summary><see cref="TicketEntry.Runs"/> of a ticket has changed, or whether it is held.</summary>
    void Changed(IWrite write, TicketEntry ticket);
}

/// <summary>Told that a ticket is deleted; the slices above the others first.</summary>
internal interface ITicketRemoved
{
    /// <summary>Its open tasks are cancelled, and everything of it is removed.</summary>
    void Removed(IWrite write, TicketEntry ticket, string actor);
}

/// <summary>Makes the tasks that come with a ticket, and changes them with it.</summary>
internal interface ITicketTasks
{
    /// <summary>Checks the tasks that come with a ticket to be made.</summary>
    /// <exception cref="Problem">Something is wrong with them.</exception>
    void Check(Workflow workflow, IReadOnlyList<TaskSpec> tasks);

    /// <summary>Makes tasks, all or none. Those that a caller named were checked.</summary>
    void Add(IWrite write, TicketEntry ticket, IReadOnlyList<TaskSpec> tasks, string actor);

    /// <summary>A block has ended: cancels the open tasks that were made to end it.</summary>
    void BlockEnded(IWrite write, TicketEntry ticket, string actor);

    /// <summary>The ticket has another repository: the tasks that lock it lock that one.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: an agent works on one of them.</exception>
    void RepositoryChanged(IWrite write, TicketEntry ticket);
}

/// <summary>Tells what is being done for tickets, for their cards.</summary>
internal interface ITicketWork
{
    /// <summary>The work on each of the tickets; those without tasks are left out. On any connection.</summary>
    IReadOnlyDictionary<long, TicketWork> Of(DbConnection db, IReadOnlyCollection<long> tickets);
}

/// <summary>The work on a ticket.</summary>
/// <param name="Tasks">Its tasks, counted.</param>
/// <param name="Agents">The agents that have one of them now.</param>
/// <param name="CostUsd">What they have cost; null while that is nothing.</param>
internal sealed record TicketWork(TaskCounts Tasks, IReadOnlyList<string> Agents, double? CostUsd = null)
{
    public static TicketWork None { get; } = new(TaskCounts.None, []);
}

/// <summary>Tells which tickets stand still until the operator decides something, for their cards. Filled by the list
/// of what waits.</summary>
internal interface ITicketWaits
{
    /// <summary>Called with tickets that may wait for something else now; it must be quick.</summary>
    event Action<IReadOnlyCollection<long>>? TicketsChanged;

    /// <summary>For each ticket that stands still, the key of the most urgent thing that the operator has to decide for
    /// it. From memory, and from any thread; never changed.</summary>
    IReadOnlyDictionary<long, string> Keys { get; }
}

/// <summary>Tells what evidence is bound to a ticket's repository.</summary>
internal interface ITicketEvidence
{
    /// <summary>The commits that were handed in for a ticket, also those that newer ones have replaced.</summary>
    IReadOnlyList<string> Commits(DbConnection db, long ticket);
}

/// <summary>Tells whether a gate has passed.</summary>
internal interface IGateVerdicts
{
    /// <summary>True when the newest verdict about the gate's evidence as it is says so. Reads little.</summary>
    bool HasPassed(DbConnection db, TicketEntry ticket, Phase phase);

    /// <summary>Why the ticket may not leave the phase forward; empty when its gate has passed. Reads all
    /// of the gate's evidence: not for a write.</summary>
    IReadOnlyList<string> Blocking(DbConnection db, TicketEntry ticket, Phase phase);
}
