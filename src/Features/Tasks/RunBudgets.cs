using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Asks the budgets before a task is given to an agent. Without budgets it reads nothing.</summary>
internal sealed class RunBudgets(IBudgets budgets, ITickets tickets, IWorkflows workflows, TaskChanges changes)
{
    private const int NamedAgents = 3;

    /// <summary>The estimate of a run, refused or not; null without budgets.</summary>
    public RunQuote? Quote(IWrite write, TaskRow row, string agent)
    {
        if (!budgets.HasAny || tickets.Find(write.Db, row.Ticket) is not { } ticket)
            return null;
        var subject = SubjectOf(row, ticket, agent);
        return new RunQuote(subject, budgets.Quote(write, subject, TemplateMicro(row, ticket)));
    }

    /// <summary>Keeps a task back that was refused, until budgets have more left; a budget of this agent alone leaves
    /// it to others.</summary>
    public ClaimResult Hold(IWrite write, TaskRow row, BudgetQuote refused)
    {
        if (refused.IsOfAgent)
            return ClaimResult.OtherAgent;
        changes.Set(write, row, Held(row, HoldOf([(null, refused)], row.ReadyAt)));
        return ClaimResult.Held;
    }

    /// <summary>Keeps a task back that the own budgets of all its agents refuse.</summary>
    public void Hold(IWrite write, TaskRow row, IReadOnlyList<(string? Agent, BudgetQuote Refused)> refused) =>
        changes.Set(write, row, Held(row, HoldOf(refused, row.ReadyAt)));

    /// <summary>Lets tasks that budgets hold name the ones that do so now; they keep their places in the
    /// order.</summary>
    public void HoldOn(
        IWrite write,
        IEnumerable<(long Task, IReadOnlyList<(string? Agent, BudgetQuote Refused)> Refused)> tasks
    )
    {
        List<TaskRow> changed = [];
        foreach (var (task, refused) in tasks)
        {
            if (TaskTable.Find(write.Db, task) is not { BudgetHold: not null, IsOpen: true } row)
                continue;
            var hold = HoldOf(refused, BudgetHold.Of(row)!.ReadyAt);
            var after = row with { BudgetHold = TaskRow.Json(hold) };
            TaskTable.UpdateHolds(write, after);
            changed.Add(after);
        }

        changes.Publish(write, changed);
    }

    // A budget that agents share keeps the task from all of them.
    private static BudgetHold HoldOf(IReadOnlyList<(string? Agent, BudgetQuote Refused)> refused, long? readyAt) =>
        refused.FirstOrDefault(one => !one.Refused.IsOfAgent) is (_, { } shared)
            ? new BudgetHold(shared.Refusal!, shared.Micro, shared.Tokens, shared.Lacking, readyAt)
            : new BudgetHold(
                "no agent that fits has budget left: "
                    + string.Join("; ", refused.Take(NamedAgents).Select(one => one.Refused.Refusal))
                    + (refused.Count > NamedAgents ? $"; and {refused.Count - NamedAgents} more agents" : ""),
                // The least: the claim asks each agent's budgets again.
                refused.Min(one => one.Refused.Micro),
                refused.Min(one => one.Refused.Tokens),
                [.. refused.SelectMany(one => one.Refused.Lacking).Distinct()],
                readyAt,
                [.. refused.Select(one => one.Agent!)]
            );

    /// <summary>A task that budgets hold.</summary>
    public static TaskRow Held(TaskRow row, BudgetHold hold) =>
        row with
        {
            Holds = row.Holds | (long)Tasks.Hold.Budget,
            BudgetHold = TaskRow.Json(hold),
            LockReason = null,
            LockHeldAt = null,
        };

    /// <summary>Ends the holds of budgets on tasks, which keep their places in the order.</summary>
    /// <returns>How many of them had such a hold.</returns>
    public int Free(IWrite write, IEnumerable<long> tasks)
    {
        List<TaskRow> freed = [];
        foreach (var task in tasks)
        {
            if (TaskTable.Find(write.Db, task) is not { BudgetHold: not null, IsOpen: true } row)
                continue;
            var after = row with { Holds = row.Holds & ~(long)Tasks.Hold.Budget, BudgetHold = null };
            after = after with { ReadyAt = after.IsReady ? BudgetHold.Of(row)!.ReadyAt ?? changes.Now : null };
            TaskTable.UpdateHolds(write, after);
            freed.Add(after);
        }

        changes.Publish(write, freed);
        return freed.Count;
    }

    /// <summary>Reserves what was quoted; does nothing without budgets.</summary>
    public void Reserve(IWrite write, long run, RunQuote? quote)
    {
        if (quote is not null)
            budgets.Reserve(write, run, quote.Subject, quote.Quote);
    }

    /// <summary>The US dollars that the task's run may spend before a budget is used up; null without such a
    /// budget.</summary>
    public double? LeftUsd(TaskRow row, TicketEntry ticket) =>
        budgets.HasAny && budgets.LeftMicro(SubjectOf(row, ticket, row.Agent), row.Run ?? 0) is { } micro
            ? Money.Usd(Math.Max(0, micro))
            : null;

    /// <summary>The things that budgets may cover of a task.</summary>
    public static BudgetSubject SubjectOf(TaskRow row, TicketEntry ticket, string? agent) =>
        new(agent, row.Ticket, BudgetSubject.PhaseOf(ticket.Workflow, row.PhaseId), row.TaskType);

    private long? TemplateMicro(TaskRow row, TicketEntry ticket) =>
        row.Template is null
        || workflows.Find(ticket.Workflow)?.Phases.FirstOrDefault(p => p.Id == row.PhaseId) is not { } phase
        || phase.Tasks.FirstOrDefault(t => TaskMaking.KeyOf(phase, t) == row.Template)?.EstimateUsd is not { } usd
            ? null
            : (long)Math.Ceiling(usd * Money.PerUsd);
}

/// <summary>The estimate of a run and what budgets may cover of it.</summary>
internal sealed record RunQuote(BudgetSubject Subject, BudgetQuote Quote)
{
    /// <summary>The quote when it was refused.</summary>
    public BudgetQuote? Refusal => Quote.Refusal is null ? null : Quote;
}

/// <summary>Why budgets hold a task, and how much they must have left for it.</summary>
/// <param name="Reason">In words.</param>
/// <param name="Micro">In millionths of a US dollar.</param>
/// <param name="Tokens">In tokens of all kinds.</param>
/// <param name="Budgets">The ids of those that have too little left.</param>
/// <param name="ReadyAt">Since when the task was ready, in ms since 1970; null when it was not.</param>
/// <param name="Agents">The agents whose own budgets they are; null when another agent could not have it
/// either.</param>
internal sealed record BudgetHold(
    string Reason,
    long Micro,
    long Tokens,
    IReadOnlyList<long> Budgets,
    long? ReadyAt = null,
    IReadOnlyList<string>? Agents = null
)
{
    /// <summary>The hold as the budgets know it.</summary>
    public HeldTask ToHeld() => new(Budgets, Micro, Tokens);

    /// <summary>The hold of a row; null when no budget holds it.</summary>
    public static BudgetHold? Of(TaskRow row) =>
        row is { BudgetHold: null } or { IsOpen: false }
            ? null
            : JsonSerializer.Deserialize<BudgetHold>(row.BudgetHold, WireJson.Options);
}
