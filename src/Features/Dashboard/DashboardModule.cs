using Hive.Common;
using Hive.Common.Activities;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Dashboard;

/// <summary>The dashboard: its sessions, its snapshot and stream, agents' rows and their loose ends.</summary>
internal sealed class DashboardModule : FeatureModule
{
    public DashboardModule()
    {
        Uses(nameof(Audit));
        Event<ContainerView>("container_state_changed", "container");
        Event<string>("container_removed", "name");
        Section<LooseEndsSection>();
        Restored<RestoredSessions>();
        Post<OpenSession.Command>("/api/session");
        Post<ProveKey.Query>("/api/session/proof");
        Delete<EndSession.Command>("/api/session");
        Get<ListSessions.Query>("/api/sessions");
        Post<EndSessionById.Command>("/api/sessions/{id}/end");
        Post<EndSessions.Command>("/api/sessions/end");
        Post<RotateToken.Command>("/api/token/rotate");
        Get(
            "/api/state",
            "application/json",
            http => http.RequestServices.GetRequiredService<Snapshot>().Write(http),
            nameof(Snapshot)
        );
        GetEvents("/dashboard/stream", http => http.RequestServices.GetRequiredService<EventStream>().Write(http));
        Tool<ListLooseEnds.Query>(
            "loose_ends",
            "List what you wait for (questions you asked, your reminders) and what you owe (questions put to you), "
                + "oldest first.",
            ToolHints.ReadOnly
        );
        Host<AgentStatus.Query>("agent_status");
        Host<SubscribeAgentStatus.Query>("subscribe_agent_status");
        Host<OpenLink.Command>("open_link");
        Host<ListSessions.Query>("sessions");
        Host<EndSessionById.Command>("session_end");
        Host<EndSessions.Command>("sessions_end");
        Host<RotateToken.Command>("token_rotate");
        Host<ListUrls.Query>("urls");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddHttpContextAccessor()
            .AddSingletonAs<OperatorKeys, IOperatorKeys, ISchema>()
            .AddSingleton<Visitor>()
            .AddSingleton<OtherSessions>()
            .AddSingleton<RotateToken.Rotations>()
            .AddSingleton<DashboardUrls>()
            .AddSingletonAs<Snapshot, IComposedSchema>()
            .AddSingleton<IComposedSchema, RowPartsSchema>()
            .AddSingleton<IActivities, Activities>()
            .AddSingleton<EventStream>()
            .AddSingletonAs<AgentRows, ICommitObserver, IHostedService, IAgentRowFeed>();
}
