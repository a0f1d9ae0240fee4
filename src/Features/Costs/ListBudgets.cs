using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Lists the budgets.</summary>
internal static class ListBudgets
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<BudgetView> Budgets);

    internal sealed class Handler(Budgets budgets) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result([.. budgets.All.Select(b => b.ToView())]));
    }
}

/// <summary>The budgets in the snapshot.</summary>
internal sealed class BudgetsSection : IDashboardSection
{
    public string Name => "budgets";

    public Type Type => typeof(IReadOnlyList<BudgetView>);

    // From the rows: memory may be ahead of the state of the database that the other sections read.
    public object Read(DbConnection db) =>
        (IReadOnlyList<BudgetView>)
            [
                .. Dapper
                    .SqlMapper.Query<Budget>(db, $"SELECT {Budget.Columns} FROM budgets ORDER BY id")
                    .Select(b => b.ToView()),
            ];
}

/// <summary>The cost of an agent's turns of today; absent while that is nothing.</summary>
internal sealed class AgentCostsPart(CostsToday today) : IAgentRowPart
{
    public string Name => "costs";

    public Type Type => typeof(AgentCosts);

    public object? Read(string agent) => today.Of(agent) is > 0 and var micro ? new AgentCosts(Money.Usd(micro)) : null;
}
