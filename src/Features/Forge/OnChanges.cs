using Hive.Features.Agents.Contracts;
using Hive.Features.Approvals.Contracts;
using Hive.Features.Meta.Contracts;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>What happens to agents and their configurations is passed on to the worker. Its sweep at start does what
/// was missed.</summary>
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
        // It is raised for what goes, too.
        if (roster.Find(notification.Agent) is not null)
            queue.AddAgent(notification.Agent);
        return Task.CompletedTask;
    }

    public Task Handle(AgentDestroyed notification, CancellationToken cancellationToken)
    {
        queue.ForgetAgent(notification.Agent);
        return status.Forget(notification.Agent);
    }

    // Each commit of the lock raises it.
    public Task Handle(DeployedChanged notification, CancellationToken cancellationToken)
    {
        queue.AddRepository(null);
        queue.AddRepository(notification.Agent);
        return Task.CompletedTask;
    }

    // Proposals, decisions and ends are tags.
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
