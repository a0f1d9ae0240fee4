using Hive.Common.Storage;

namespace Hive.Features.Costs.Contracts;

/// <summary>The budgets, for the slice that gives tasks to agents. From memory; inside the caller's write where a
/// method takes one.</summary>
internal interface IBudgets
{
    /// <summary>False while there are no budgets and no holds of any, so that nothing has to be asked.</summary>
    bool HasAny { get; }

    /// <summary>Estimates a run, and says whether every budget that covers it has enough left.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="subject">The run's task and agent.</param>
    /// <param name="templateMicro">What the task's template expects one run to cost; null when it does not say.</param>
    BudgetQuote Quote(IWrite write, BudgetSubject subject, long? templateMicro);

    /// <summary>Reserves a quote without a refusal for a run, on every budget that covers it.</summary>
    void Reserve(IWrite write, long run, BudgetSubject subject, BudgetQuote quote);

    /// <summary>Ends the reservation of a run; does nothing when it has none.</summary>
    void Release(IWrite write, long run);

    /// <summary>The runs that have a reservation.</summary>
    IReadOnlyList<long> ReservedRuns { get; }

    /// <summary>The least that is left on the budgets of a run, its own reservation included, in millionths of a US
    /// dollar; null without a budget that has such a limit.</summary>
    long? LeftMicro(BudgetSubject subject, long run);

    /// <summary>Notes which tasks the budgets hold, so that each shows how many wait for it. Does nothing for a task
    /// whose hold is known.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="tasks">Each task with its hold; null for one that no budget holds.</param>
    void Hold(IWrite write, IReadOnlyList<(long Task, HeldTask? Hold)> tasks);

    /// <summary>Replaces all holds, at start.</summary>
    void LoadHolds(IWrite write, IEnumerable<(long Task, HeldTask Hold)> tasks);

    /// <summary>A sketch of what is left now, in which several tasks can be tried one after another.</summary>
    IBudgetRoom Room();
}

/// <summary>The holds of budgets on agents.</summary>
internal static class BudgetHolds
{
    /// <summary>Every hold of a budget begins so; one that does not is somebody else's.</summary>
    public const string Start = "budget ";
}

/// <summary>A sketch of what is left on budgets. It changes nothing.</summary>
internal interface IBudgetRoom
{
    /// <summary>The most that a task may need of the budgets of a scope once nothing is reserved on them, in millionths
    /// of a US dollar and in tokens; negative when nothing more is to be taken from them.</summary>
    (long Micro, long Tokens) Most(string scope, string scopeId);

    /// <summary>Takes an estimate out of the sketch for the first subject that all its budgets have enough for. A task
    /// that waits for the end of reservations has its turn before all that is tried after it.</summary>
    /// <param name="subjects">The task with each agent that may have it, or with none.</param>
    /// <param name="micro">The estimate in millionths of a US dollar.</param>
    /// <param name="tokens">The same in tokens of all kinds.</param>
    /// <returns>False when the budgets of every subject have too little.</returns>
    bool TryTake(IReadOnlyList<BudgetSubject> subjects, long micro, long tokens);

    /// <summary>A budget has too little for an estimate, or is kept for a task that was tried before; false for one
    /// that was deleted.</summary>
    bool Lacks(long budget, long micro, long tokens);

    /// <summary>An estimate as the sketch refuses it, or has enough for it.</summary>
    BudgetQuote Quote(BudgetSubject subject, long micro, long tokens);
}

/// <summary>The things that budgets may cover.</summary>
/// <param name="Agent">The agent; null when it is not known yet.</param>
/// <param name="Ticket">The ticket; null for an agent's turn without tasks.</param>
/// <param name="Phase">The phase, as <c>workflow/PHASE_…</c>.</param>
/// <param name="TaskType">The type of the task.</param>
internal sealed record BudgetSubject(string? Agent, long? Ticket = null, string? Phase = null, string? TaskType = null)
{
    /// <summary>A phase as budgets name it.</summary>
    public static string PhaseOf(string workflow, string phase) => $"{workflow}/{phase}";

    /// <summary>True when a budget of that scope covers it.</summary>
    public bool IsIn(string scope, string scopeId) => BudgetScope.Of(this).Contains((scope, scopeId));
}

/// <summary>The estimate of a run.</summary>
/// <param name="Micro">In millionths of a US dollar.</param>
/// <param name="Tokens">In tokens of all kinds.</param>
/// <param name="Refusal">Why a budget has too little left for it; null when all have enough.</param>
/// <param name="IsOfAgent">Only budgets of this agent have too little: another agent may have the task.</param>
internal sealed record BudgetQuote(long Micro, long Tokens, string? Refusal = null, bool IsOfAgent = false)
{
    /// <summary>The ids of the budgets that have too little left; those of this agent alone only when no other
    /// has.</summary>
    public IReadOnlyList<long> Lacking { get; init; } = [];
}

/// <summary>A task that budgets hold.</summary>
/// <param name="Budgets">Their ids.</param>
/// <param name="Micro">What one run of it needs, in millionths of a US dollar.</param>
/// <param name="Tokens">The same in tokens of all kinds.</param>
internal sealed record HeldTask(IReadOnlyList<long> Budgets, long Micro, long Tokens)
{
    /// <inheritdoc />
    public bool Equals(HeldTask? other) =>
        other is not null && (Micro, Tokens) == (other.Micro, other.Tokens) && Budgets.SequenceEqual(other.Budgets);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Budgets.Count, Micro, Tokens);
}
