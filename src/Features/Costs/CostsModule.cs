using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Costs.Contracts;
using Hive.Features.Costs.V1;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Costs;

/// <summary>Costs: what turns were booked on which tasks, and the budgets that hold work back.</summary>
internal sealed class CostsModule : FeatureModule
{
    public CostsModule()
    {
        Uses(nameof(Agents), nameof(Messages), nameof(Turns));
        Schema<CostsSchema>();
        Event<BudgetView>("budget_changed", "budget");
        Event<long>("budget_removed", "id");
        Section<BudgetsSection>();
        RowPart<AgentCostsPart>();
        Waiting<WaitingBudgets>();
        Host<SetBudget.Command>("budget_set");
        Host<DeleteBudget.Command>("budget_delete");
        Host<ListBudgets.Query>("budgets");
        Host<ShowCosts.Query>("costs");
        Host<ListCostRecords.Query>("cost_records");
        Host<ForecastCosts.Query>("forecast");
        Host<RebookCosts.Command>("costs_rebook");
        Get<V1ListRecords.Query>("/api/v1/costs/records");
        Get<V1ShowSummary.Query>("/api/v1/costs/summary");
        Get<V1ListBudgets.Query>("/api/v1/costs/budgets");
        Post<V1SetBudget.Command>("/api/v1/costs/budgets");
        Get<V1CheckBudget.Query>("/api/v1/costs/budgets/check");
        Delete<DeleteBudget.Command>("/api/v1/costs/budgets/{id}");
        Post<V1Forecast.Query>("/api/v1/costs/forecast");
        Post<RebookCosts.Command>("/api/v1/costs/rebook");
    }

    protected override void Services(IServiceCollection services) =>
        services
            // Those that fill the seams know the budgets.
            .AddSingleton(provider => new Lazy<IEnumerable<ITurnSubjects>>(provider.GetServices<ITurnSubjects>))
            .AddSingleton(provider => new Lazy<IEnumerable<IBudgetedWork>>(provider.GetServices<IBudgetedWork>))
            .AddSingleton<RunEstimates>()
            .AddSingleton<BudgetEffects>()
            .AddSingleton<CostsToday>()
            .AddSingletonAs<Budgets, IBudgets>()
            .AddSingletonAs<BookTurns, ITurnEnded>()
            .AddSingletonAs<BudgetPeriods, IHostedService>()
            .AddHostedService<VacuumBookings>();
}
