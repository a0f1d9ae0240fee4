using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>Takes back what a destroyed agent asked, and what it was asked: nobody waits for its answers. <see cref="ExpireQuestions"/> does at start what was missed.</summary>
internal sealed class OnAgentDestroyed(IStore store, Resolution resolution, TimeProvider clock, IHostApplicationLifetime lifetime) : INotificationHandler<AgentDestroyed>
{
    public Task Handle(AgentDestroyed notification, CancellationToken cancellationToken) =>
        store.WriteUntilStored(write => resolution.CancelOf(write, notification.Agent), clock, lifetime.ApplicationStopping);
}
