using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs.Contracts;

/// <summary>Raised with a budget that was set, booked on, reserved on or rolled.</summary>
internal sealed record BudgetChanged(BudgetView Budget) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("budget_changed", "budget", Budget);
}

/// <summary>Raised when a budget was deleted.</summary>
internal sealed record BudgetRemoved(long Id) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("budget_removed", "id", Id);
}
