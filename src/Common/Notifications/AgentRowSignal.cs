namespace Hive.Common.Notifications;

/// <summary>Reports that an agent's row may have changed without a write.</summary>
public sealed class AgentRowSignal
{
    /// <summary>Raised with the agent's name. The observer must be quick and not throw.</summary>
    public event Action<string>? Changed;

    /// <summary>Reports a change.</summary>
    public void Mark(string agent) => Changed?.Invoke(agent);
}

/// <summary>Raised when something changed that shows on an agent's row.</summary>
public sealed record AgentRowChanged(string Agent) : IAgentRowNotification;
