using Hive.Protocol;

namespace Hive.Common.Notifications;

/// <summary>One slice's knowledge of what agents do. Of the states that all slices name, <see cref="IActivities"/>
/// shows the first in the table of states.</summary>
public interface IActivitySource
{
    /// <summary>The states that apply to an agent as far as the slice knows. Must be quick and from memory: it runs for
    /// each change of a row.</summary>
    IEnumerable<Activity> Read(string agent);
}

/// <summary>Tells what agents do, in the same words at every door.</summary>
public interface IActivities
{
    /// <summary>The activity of an agent; null when it does not exist.</summary>
    Activity? Of(string agent);
}

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
