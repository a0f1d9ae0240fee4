using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Approvals.Contracts;

/// <summary>Raised when something waits for the operator's decision.</summary>
internal sealed record ApprovalAdded(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_added", "approval", Approval);
}

/// <summary>Raised when it was approved and is under way.</summary>
internal sealed record ApprovalChanged(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_changed", "approval", Approval);
}

/// <summary>Raised when it came to its end, whichever that is.</summary>
internal sealed record ApprovalResolved(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_resolved", "approval", Approval);
}
