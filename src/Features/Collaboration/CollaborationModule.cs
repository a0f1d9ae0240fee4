using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Collaboration;

/// <summary>Collaboration: threads of agents over the broker's messages, and handoffs of running tasks.</summary>
internal sealed class CollaborationModule : FeatureModule
{
    public CollaborationModule()
    {
        Uses(nameof(Agents), nameof(StateFiles), nameof(Messages), nameof(Tickets), nameof(Tasks));
        Schema<CollaborationSchema>();
        Event<ThreadView>("thread_changed", "thread");
        Event<HandoffView>("handoff_changed", "handoff");
        LooseEnds<HandoffLooseEnds>();
        Tool<UseThread.Command>(
            "thread",
            "Talk with several agents about your work: open a thread, post to it, read it, close it. Each post comes "
                + "to every other participant as a message.",
            Duty.Worker | Duty.Validator
        );
        Tool<UseHandoff.Command>(
            "handoff",
            "Ask another worker to take over your running task, with what is locked and handed in for it, or answer "
                + "such a request. The task stays yours until the other one accepts.",
            Duty.Worker
        );
        Host<UseThread.Command>("thread");
        Host<ListThreads.Query>("threads");
        Host<UseHandoff.Command>("handoff");
        Host<ListHandoffs.Query>("handoffs");
        Post<V1.CreateThread.Command>("/api/v1/collaboration/threads");
        Get<V1.ListThreads.Query>("/api/v1/collaboration/threads");
        Post<V1.CloseThread.Command>("/api/v1/collaboration/threads/{id}/close");
        Post<V1.PostMessage.Command>("/api/v1/collaboration/messages");
        Get<V1.ListMessages.Query>("/api/v1/collaboration/threads/{id}/messages");
        Post<V1.ReadMessage.Command>("/api/v1/collaboration/messages/{id}/read");
        Post<V1.RequestHandoff.Command>("/api/v1/collaboration/handoff/request");
        Post<V1.AcceptHandoff.Command>("/api/v1/collaboration/handoff/{thread}/accept");
        Post<V1.DeclineHandoff.Command>("/api/v1/collaboration/handoff/{thread}/decline");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<CollaborationDeadlines>()
            .AddSingleton<ThreadTable>()
            .AddSingleton(ThreadTable.LeftPosts)
            .AddSingleton<Threads>()
            .AddSingleton<Handoffs>()
            .AddSingleton<V1.AnswerHandoff>()
            .AddSingletonAs<HandoffSeams, IRunEnded, ITicketRemoved, IBriefPart>()
            .AddSingletonAs<LeavingAgents, ICommitObserver, IAgentDataCleanup>()
            .AddHostedService<CollaborationTimers>();
}
