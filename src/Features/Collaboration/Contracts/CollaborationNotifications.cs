using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Collaboration.Contracts;

/// <summary>Raised when a thread was opened, posted to or ended.</summary>
internal sealed record ThreadChanged(ThreadView Thread) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("thread_changed", "thread", Thread);
}

/// <summary>Raised when a handoff was asked for or has ended.</summary>
internal sealed record HandoffChanged(HandoffView Handoff) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("handoff_changed", "handoff", Handoff);
}
