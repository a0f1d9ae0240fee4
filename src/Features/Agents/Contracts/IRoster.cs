using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Agents.Contracts;

/// <summary>The agents of this Hive: read from memory at any time, changed only inside a write.</summary>
internal interface IRoster : IAgentDirectory
{
    /// <summary>All agents, in the order of <see cref="IAgentDirectory.Names"/>.</summary>
    IReadOnlyList<AgentEntry> All { get; }

    /// <summary>The agent of that name, or null.</summary>
    AgentEntry? Find(string name);

    /// <summary>The agent of that name.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, with agents of similar names.</exception>
    AgentEntry Require(string name);

    /// <summary>Adds an agent.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the name is taken.</exception>
    void Add(IWrite write, AgentEntry agent);

    /// <summary>Replaces an agent's entry.</summary>
    AgentEntry Change(IWrite write, string name, Func<AgentEntry, AgentEntry> change);

    /// <summary>Removes an agent.</summary>
    void Remove(IWrite write, string name);
}

/// <summary>Raised when an agent was added, removed or changed in the roster.</summary>
internal sealed record AgentChanged(string Agent) : IAgentRowNotification;

/// <summary>Raised when an agent may receive again: neither a pause nor a hold keeps it back.</summary>
internal sealed record AgentResumed(string Agent) : INotification;
