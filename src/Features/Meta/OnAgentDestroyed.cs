using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>
/// Removes a destroyed agent from the swarm's lock. It queues for the lock as soon as the destruction is committed, so
/// that a new agent with the same name comes behind it; the next start removes agents that were missed.
/// </summary>
internal sealed class OnAgentDestroyed(SwarmLock swarm) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = swarm.TryForget(destroyed.Agent, CancellationToken.None);
    }
}
