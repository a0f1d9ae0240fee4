using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Lists the budgets.</summary>
internal static class ListBudgets
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<BudgetView> Budgets);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result([.. Budget.Read(db).Select(b => b.ToView())]), cancellationToken);
    }
}

/// <summary>The budgets in the snapshot.</summary>
internal sealed class BudgetsSection : IDashboardSection
{
    public string Name => "budgets";

    public Type Type => typeof(IReadOnlyList<BudgetView>);

    public object Read(DbConnection db) => (IReadOnlyList<BudgetView>)[.. Budget.Read(db).Select(b => b.ToView())];
}

/// <summary>The cost of an agent's turns of today; absent while that is nothing.</summary>
internal sealed class AgentCostsPart(CostsToday today) : IAgentRowPart
{
    public string Name => "costs";

    public Type Type => typeof(AgentCosts);

    public object? Read(string agent) => today.Of(agent) is > 0 and var micro ? new AgentCosts(Money.Usd(micro)) : null;
}
