using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Tasks.Contracts;

/// <summary>Raised with a task that changed, or whose ticket has ended.</summary>
/// <param name="Task">The task.</param>
/// <param name="TicketEnded">Its ticket has ended.</param>
/// <param name="IsHeldByHost">The host holds it because a person has to look.</param>
internal sealed record TaskChanged(TaskView Task, bool TicketEnded = false, bool IsHeldByHost = false)
    : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("task_changed", "task", Task);
}

/// <summary>Raised when a task was removed with its ticket.</summary>
internal sealed record TaskRemoved(long Id) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("task_removed", "id", Id);
}

/// <summary>Raised when a discovery was recorded, began, was resolved or marked invalid.</summary>
internal sealed record DiscoveryChanged(DiscoveryView Discovery) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("discovery_changed", "discovery", Discovery);
}

/// <summary>Raised when an agent was given a task, or its run of one has ended.</summary>
internal sealed record AgentTasksChanged(string Agent) : IAgentRowNotification;
