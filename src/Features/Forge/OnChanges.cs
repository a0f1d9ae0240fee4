using Hive.Features.Agents.Contracts;
using Hive.Features.Approvals.Contracts;
using Hive.Features.Meta.Contracts;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Queues work for the forge when agents or their configurations change. The sweep at start does what was
/// missed.</summary>
internal sealed class OnChanges(ForgeQueue queue, ForgeStatus status, IRoster roster)
    : INotificationHandler<AgentChanged>,
        INotificationHandler<AgentDestroyed>,
        INotificationHandler<DeployedChanged>,
        INotificationHandler<ApprovalAdded>,
        INotificationHandler<ApprovalChanged>,
        INotificationHandler<ApprovalResolved>
{
    public Task Handle(AgentChanged notification, CancellationToken cancellationToken)
    {
        // Also raised for an agent that is destroyed.
        if (roster.Find(notification.Agent) is not null)
            queue.AddAgent(notification.Agent);
        return Task.CompletedTask;
    }

    public Task Handle(AgentDestroyed notification, CancellationToken cancellationToken)
    {
        queue.ForgetAgent(notification.Agent);
        return status.Forget(notification.Agent);
    }

    // Raised by each commit of the lock.
    public Task Handle(DeployedChanged notification, CancellationToken cancellationToken)
    {
        queue.AddRepository(null);
        queue.AddRepository(notification.Agent);
        return Task.CompletedTask;
    }

    // Proposals, decisions and results are tags.
    public Task Handle(ApprovalAdded notification, CancellationToken cancellationToken) =>
        Tagged(notification.Approval.Agent);

    public Task Handle(ApprovalChanged notification, CancellationToken cancellationToken) =>
        Tagged(notification.Approval.Agent);

    public Task Handle(ApprovalResolved notification, CancellationToken cancellationToken) =>
        Tagged(notification.Approval.Agent);

    private Task Tagged(string agent)
    {
        queue.AddRepository(agent);
        return Task.CompletedTask;
    }
}
