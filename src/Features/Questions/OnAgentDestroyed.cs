using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>
/// Takes back what a destroyed agent asked, and what it was asked: nobody waits for its answers. <see cref="ExpireQuestions"/> does at start what was missed.
/// It sees the commit itself, before whoever destroyed the agent has an answer, so that its write is queued before any of another agent's of that name.
/// </summary>
internal sealed class OnAgentDestroyed(IStore store, Resolution resolution, TimeProvider clock, IHostApplicationLifetime lifetime) : ICommitObserver
{
    public void OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = store.WriteUntilStored(write => resolution.CancelOf(write, destroyed.Agent), clock, lifetime.ApplicationStopping);
    }
}
