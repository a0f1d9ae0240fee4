using Hive.Common.Notifications;

namespace Hive.Features.Containers.Contracts;

/// <summary>Raised when an agent's container began or ceased to run, or its note changed.</summary>
internal sealed record ContainerChanged(string Agent) : IAgentRowNotification;

/// <summary>Something is under way with an agent. Shown until cleared, and never stored.</summary>
/// <param name="Name">The agent.</param>
/// <param name="Kind"><c>spawning</c>, <c>starting</c>, <c>stopping</c>, <c>restarting</c>, <c>rebuilding</c> or
/// <c>destroying</c>.</param>
/// <param name="SinceAt">When it began.</param>
internal sealed record Transient(string Name, string Kind, DateTimeOffset SinceAt);

/// <summary>Raised when something began.</summary>
internal sealed record TransientSet(Transient Transient) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("transient_set", "transient", Transient);
}

/// <summary>Raised when it is over, however it ended.</summary>
internal sealed record TransientCleared(string Name) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("transient_cleared", "name", Name);
}
