using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>
/// Takes a destroyed agent out of the lock. It takes its turn at the lock as soon as the end of the agent is committed,
/// so a new agent of the same name comes behind it; the start of the host does what was missed.
/// </summary>
internal sealed partial class OnAgentDestroyed(SwarmLock swarm, ILogger<OnAgentDestroyed> log) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = Forget(destroyed.Agent);
    }

    private async Task Forget(string agent)
    {
        try
        {
            await swarm.Forget(agent, CancellationToken.None);
        }
        catch (Exception e)
        {
            LogFailed(log, agent, e);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Agent}, which was destroyed, could not be taken out of the swarm's lock; the next start tries again"
    )]
    private static partial void LogFailed(ILogger logger, string agent, Exception error);
}
