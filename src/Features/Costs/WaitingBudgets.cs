using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Costs.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Budgets that are used up, so that work stands still or costs more than it should.</summary>
internal sealed class WaitingBudgets : IWaiting
{
    public string Kind => "budget_exceeded";

    public string Decision => "raise the limit, delete the budget, or wait for its next period";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        db.Query<Budget>($"SELECT {Budget.Columns} FROM budgets WHERE level = '{BudgetLevel.Exceeded}' ORDER BY id")
            .Select(b => Thing(b.ToView()));

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is BudgetChanged { Budget: { Level: BudgetLevel.Exceeded } exceeded })
            changes.Put(Thing(exceeded));
        else if (notification is BudgetChanged { Budget: var budget })
            changes.Remove(Id(budget.Id));
        else if (notification is BudgetRemoved removed)
            changes.Remove(Id(removed.Id));
    }

    public string? Outcome(DbConnection db, string id) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && db.QuerySingleOrDefault<string>("SELECT level FROM budgets WHERE id = @number", new { number })
            is { } level
                and not BudgetLevel.Exceeded
            ? $"budget {id} is not used up any more ({level})"
            : null;

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
            $"the budget of {(budget.ScopeId is null ? "all agents" : $"{budget.Scope} {budget.ScopeId}")} is used up",
            budget.PeriodStart,
            WaitingUrgency.Soon,
            "/stats#budgets"
        )
        {
            Agent = budget.Scope == BudgetScope.Agent ? budget.ScopeId : null,
            Detail = $"{limit}, {budget.Period}",
            // A raised limit that is used up again is to be noticed.
            Version = budget.UpdatedAt.ToUnixTimeMilliseconds() + budget.PeriodStart.ToUnixTimeMilliseconds(),
        };
    }
}
