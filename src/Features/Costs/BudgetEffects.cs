using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Costs;

/// <summary>Does what follows from changed budgets: publishes them, tells the operator of a level that has risen, holds
/// or releases agents, and ends runs.</summary>
internal sealed class BudgetEffects(IRoster roster, IOutbox outbox, Lazy<IEnumerable<IBudgetedWork>> work)
{
    /// <summary>Follows changes: the budgets before, null for new ones, and after, null for deleted ones.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="changes">The changes.</param>
    /// <param name="crossed">Those whose level is higher than the operator knows.</param>
    /// <param name="all">All budgets.</param>
    public void Follow(
        IWrite write,
        IReadOnlyList<(Budget? Before, Budget? After)> changes,
        IReadOnlySet<long> crossed,
        IEnumerable<Budget> all
    )
    {
        foreach (var (before, after) in changes)
        {
            if (after is not null && after != before)
                write.Raise(new BudgetChanged(after.ToView()));
            if (after is not null && crossed.Contains(after.Id))
                Tell(write, after);
        }

        if (changes.Any(c => HeldBy(c.Before) != HeldBy(c.After)))
            HoldAgents(write, all);
        foreach (var (before, after) in changes)
        {
            if (after is not null && Cancels(after) && !Cancels(before))
            {
                foreach (var one in work.Value)
                    one.Cancel(write, after.Id, after.Scope, after.ScopeId, $"{after.Words} is used up");
            }
        }
    }

    /// <summary>Holds the agents whose own budget or the global one is exceeded, and releases the others that a budget
    /// held.</summary>
    public void HoldAgents(IWrite write, IEnumerable<Budget> all)
    {
        var holding = all.Where(b => HeldBy(b) is not null).ToArray();
        foreach (var agent in roster.All)
        {
            if (agent.Held is { } held && !held.StartsWith(BudgetHolds.Start, StringComparison.Ordinal))
                continue;
            var reason = ReasonOf(holding, agent.Name);
            if (reason != agent.Held)
                roster.Change(write, agent.Name, entry => entry with { Held = reason });
        }
    }

    /// <summary>Why an agent is to be held; null when no budget wants that.</summary>
    public static string? ReasonOf(IEnumerable<Budget> all, string agent) =>
        all.Where(b => HeldBy(b) is not null && (b.Scope == BudgetScope.Global || b.ScopeId == agent))
            .MinBy(b => b.Id)
            ?.Words;

    private static string? HeldBy(Budget? budget) =>
        budget is { IsExceeded: true, Holds: true, Scope: BudgetScope.Global or BudgetScope.Agent }
            ? budget.Words
            : null;

    private static bool Cancels(Budget? budget) => budget is { IsExceeded: true, OnExceed: BudgetWords.Cancel };

    private void Tell(IWrite write, Budget budget)
    {
        var view = budget.ToView();
        outbox.Append(
            write,
            Principals.System,
            Principals.Operator,
            JsonSerializer.Serialize(
                new
                {
                    @event = budget.IsExceeded ? "budget_exceeded" : "budget_warning",
                    text = $"{budget.Words}: {Money.Words(budget.SpentMicro)} USD and {budget.SpentTokens} tokens are "
                        + "spent",
                    budget = view,
                    next = budget.IsExceeded ? "raise the limit, delete the budget, or wait for its next period" : null,
                },
                WireJson.Options
            )
        );
    }
}
