using Hive.Common.Notifications;

namespace Hive.Features.Containers.Contracts;

/// <summary>Raised when an agent's container was started or has ended, or its note changed.</summary>
internal sealed record ContainerChanged(string Agent) : IAgentRowNotification;

/// <summary>An operation on an agent that is in progress. Shown until cleared, never stored.</summary>
/// <param name="Name">The agent.</param>
/// <param name="Kind"><c>spawning</c>, <c>starting</c>, <c>stopping</c>, <c>restarting</c>, <c>rebuilding</c> or
/// <c>destroying</c>.</param>
/// <param name="SinceAt">The time of its begin.</param>
internal sealed record Transient(string Name, string Kind, DateTimeOffset SinceAt);

/// <summary>Raised when an operation begins.</summary>
internal sealed record TransientSet(Transient Transient) : IDashboardNotification, IAgentRowNotification
{
    string IAgentRowNotification.Agent => Transient.Name;

    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("transient_set", "transient", Transient);
}

/// <summary>Raised when an operation is over, however it ended.</summary>
internal sealed record TransientCleared(string Name) : IDashboardNotification, IAgentRowNotification
{
    string IAgentRowNotification.Agent => Name;

    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("transient_cleared", "name", Name);
}
