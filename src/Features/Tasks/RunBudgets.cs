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
        changes.Set(write, row, Held(row, refused.Refusal!, refused.Micro, refused.Tokens));
        return ClaimResult.Held;
    }

    /// <summary>A task that a budget holds.</summary>
    public static TaskRow Held(TaskRow row, string reason, long micro, long tokens) =>
        row with
        {
            Holds = row.Holds | (long)Tasks.Hold.Budget,
            BudgetHold = TaskRow.Json(new BudgetHold(reason, micro, tokens)),
            LockReason = null,
            LockHeldAt = null,
        };

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
internal sealed record BudgetHold(string Reason, long Micro, long Tokens)
{
    /// <summary>The hold of a row; null when no budget holds it.</summary>
    public static BudgetHold? Of(TaskRow row) =>
        row.BudgetHold is null ? null : JsonSerializer.Deserialize<BudgetHold>(row.BudgetHold, WireJson.Options);
}
