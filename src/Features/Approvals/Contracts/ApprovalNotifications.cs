using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Approvals.Contracts;

/// <summary>Raised when an approval begins to wait for the operator's decision.</summary>
internal sealed record ApprovalAdded(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_added", "approval", Approval);
}

/// <summary>Raised when an approval was approved and its work begins.</summary>
internal sealed record ApprovalChanged(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_changed", "approval", Approval);
}

/// <summary>Raised when an approval was resolved: approved, denied or failed.</summary>
internal sealed record ApprovalResolved(Approval Approval, bool WasApproved) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_resolved", "approval", Approval);
}
