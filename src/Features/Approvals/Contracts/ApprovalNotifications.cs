using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Approvals.Contracts;

/// <summary>Raised when something waits for the operator's decision.</summary>
internal sealed record ApprovalAdded(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_added", "approval", Approval, ApprovalWeight.Of(Approval));
}

/// <summary>Raised when it was approved and is under way.</summary>
internal sealed record ApprovalChanged(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_changed", "approval", Approval, ApprovalWeight.Of(Approval));
}

/// <summary>Raised when it came to its end, whichever that is.</summary>
internal sealed record ApprovalResolved(Approval Approval) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("approval_resolved", "approval", Approval, ApprovalWeight.Of(Approval));
}

/// <summary>About how many bytes a row takes in memory.</summary>
internal static class ApprovalWeight
{
    /// <summary>Two for each character of what may be long.</summary>
    public static int Of(Approval approval) => 600 + (2 * ((approval.Description?.Length ?? 0) + (approval.Note?.Length ?? 0)));
}
