using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Features.Costs.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Budgets that are used up, so that work stands still or costs more than it should, and those whose rest is
/// too little for any task that they hold.</summary>
internal sealed class WaitingBudgets : IWaiting
{
    public string Kind => "budget_exceeded";

    public string Decision => "raise the limit, delete the budget, or wait for its next period";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        Budget.Read(db).Select(b => b.ToView()).Where(Waits).Select(Thing);

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is BudgetChanged { Budget: var budget } && Waits(budget))
            changes.Put(Thing(budget));
        else if (notification is BudgetChanged changed)
            changes.Remove(Id(changed.Budget.Id));
        else if (notification is BudgetRemoved removed)
            changes.Remove(Id(removed.Id));
    }

    public string? Outcome(DbConnection db, string id) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && Budget.Read(db).FirstOrDefault(b => b.Id == number)?.ToView() is { } budget
        && !Waits(budget)
            ? $"budget {id} has enough left now ({budget.Level})"
            : null;

    private static bool Waits(BudgetView budget) => budget is { Level: BudgetLevel.Exceeded } or { Held.Stuck: true };

    private static string Id(long id) => id.ToString(CultureInfo.InvariantCulture);

    private static WaitingThing Thing(BudgetView budget)
    {
        var limit = string.Join(
            " and ",
            new[]
            {
                budget.LimitUsd is { } usd
                    ? string.Create(CultureInfo.InvariantCulture, $"{budget.SpentUsd:0.00####} of {usd:0.00####} USD")
                    : null,
                budget.LimitTokens is { } tokens
                    ? string.Create(CultureInfo.InvariantCulture, $"{budget.SpentTokens} of {tokens} tokens")
                    : null,
            }.OfType<string>()
        );
        return new WaitingThing(
            Id(budget.Id),
            $"the budget of {(budget.ScopeId is null ? "all agents" : $"{budget.Scope} {budget.ScopeId}")} "
                + (
                    budget.Level == BudgetLevel.Exceeded ? "is used up"
                    : budget.Held!.Tasks == 1 ? "has too little left for a task"
                    : $"has too little left for {budget.Held.Tasks} tasks"
                ),
            budget.PeriodStart,
            WaitingUrgency.Soon,
            "/stats#budgets"
        )
        {
            Agent = budget.Scope == BudgetScope.Agent ? budget.ScopeId : null,
            Detail = $"{limit}, {budget.Period}{(budget.Held is { } held ? $"; {Words(held)}" : "")}",
            // A raised limit that is used up again is to be noticed, and so is one of which only a rest was left.
            Version =
                budget.UpdatedAt.ToUnixTimeMilliseconds()
                + budget.PeriodStart.ToUnixTimeMilliseconds()
                + (budget.Level == BudgetLevel.Exceeded ? 1 : 0),
        };
    }

    private static string Words(BudgetHeld held)
    {
        var (left, least) = (Amount(held.LeftUsd, held.LeftTokens), Amount(held.LeastUsd, held.LeastTokens));
        return (held.Tasks == 1 ? "holds 1 task" : $"holds {held.Tasks} tasks")
            + $": {left} left"
            + (least.Length == 0 ? "" : $", and the smallest needs about {least}");
    }

    private static string Amount(double? usd, long? tokens) =>
        string.Join(
            " and ",
            new[]
            {
                usd is { } dollars ? string.Create(CultureInfo.InvariantCulture, $"{dollars:0.00####} USD") : null,
                tokens is { } count ? string.Create(CultureInfo.InvariantCulture, $"{count} tokens") : null,
            }.OfType<string>()
        );
}
