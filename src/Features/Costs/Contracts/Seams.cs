using System.Data.Common;
using Hive.Common.Storage;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Costs.Contracts;

// Filled by the slice that knows tasks. Each call is made inside the caller's write where it takes one, touches nothing
// but it, and takes memory back with IWrite.OnRollback.

/// <summary>Tells what a turn worked on.</summary>
internal interface ITurnSubjects
{
    /// <summary>The tasks among which the cost of an ended turn is split evenly; empty when its agent alone bears
    /// it.</summary>
    IReadOnlyList<TurnSubject> Of(IWrite write, TurnView turn);
}

/// <summary>A task that a turn worked on.</summary>
/// <param name="Ticket">Its ticket.</param>
/// <param name="Phase">Its phase, as <c>workflow/PHASE_…</c>.</param>
/// <param name="Task">The task.</param>
/// <param name="TaskType">Its type.</param>
/// <param name="Run">The run that the turn worked on.</param>
/// <param name="GoesOn">The run is open, or another turn works on it: its reservation does not end yet.</param>
internal sealed record TurnSubject(long Ticket, string Phase, long Task, string TaskType, long Run, bool GoesOn)
{
    /// <summary>Earlier runs of the task in this turn, whose reservations end with it.</summary>
    public IReadOnlyList<long> EndedRuns { get; init; } = [];
}

/// <summary>The work that budgets hold, free and cancel.</summary>
internal interface IBudgetedWork
{
    /// <summary>Budgets have more left than before: the tasks that they held and that fit now are free.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="budgets">The budgets.</param>
    void Freed(IWrite write, IReadOnlyList<(string Scope, string ScopeId)> budgets);

    /// <summary>Ends the runs of a scope as cancelled, counting nothing against their tasks, and cancels its
    /// turns.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="budget">The budget that wants it.</param>
    /// <param name="scope">The scope of a budget.</param>
    /// <param name="scopeId">What of that scope; empty for <c>global</c>.</param>
    /// <param name="reason">Why, in words.</param>
    void Cancel(IWrite write, long budget, string scope, string scopeId, string reason);

    /// <summary>The runs that have not ended, from memory.</summary>
    IReadOnlyList<long> OpenRuns { get; }

    /// <summary>The cost of tasks has changed.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="costs">Each task with the change in millionths of a US dollar.</param>
    void Booked(IWrite write, IReadOnlyList<(long Task, long Micro)> costs);

    /// <summary>The types of a ticket's tasks that are still to be done, each with their number.</summary>
    IReadOnlyList<(string TaskType, int Count)> Pending(DbConnection db, long ticket);
}
