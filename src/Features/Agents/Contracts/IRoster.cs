using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;

namespace Hive.Features.Agents.Contracts;

/// <summary>Who there is. Read from memory at any time; changed only inside a write.</summary>
internal interface IRoster : IAgentDirectory
{
    /// <summary>All agents, in the order of <see cref="IAgentDirectory.Names"/>.</summary>
    IReadOnlyList<AgentEntry> All { get; }

    /// <summary>The agent of that name, or null.</summary>
    AgentEntry? Find(string name);

    /// <summary>The agent of that name.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, naming agents that are called nearly so.</exception>
    AgentEntry Require(string name);

    /// <summary>Adds an agent.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: there is one of that name.</exception>
    void Add(IWrite write, AgentEntry agent);

    /// <summary>Replaces an agent's entry.</summary>
    AgentEntry Change(IWrite write, string name, Func<AgentEntry, AgentEntry> change);

    /// <summary>Takes an agent off the roster.</summary>
    void Remove(IWrite write, string name);
}

/// <summary>Raised when an agent came, went, or changed in what the roster knows of it.</summary>
internal sealed record AgentChanged(string Agent) : IAgentRowNotification;

/// <summary>Raised when an agent was paused or resumed.</summary>
internal sealed record AgentPaused(string Agent, bool Paused) : IAgentRowNotification;
