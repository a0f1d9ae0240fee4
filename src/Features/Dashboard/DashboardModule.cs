using Hive.Common.Doors;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Dashboard;

/// <summary>The doors of the dashboard.</summary>
internal sealed class DashboardModule : FeatureModule
{
    public DashboardModule()
    {
        Post<OpenSession.Command>("/api/session");
        Post<ProveKey.Query>("/api/session/proof");
        Delete<EndSession.Command>("/api/session");
        Get(
            "/api/state",
            "application/json",
            http => http.RequestServices.GetRequiredService<Snapshot>().Write(http),
            nameof(Snapshot)
        );
        Get(
            "/dashboard/stream",
            "text/event-stream",
            http => http.RequestServices.GetRequiredService<EventStream>().Write(http)
        );
        Tool<ListLooseEnds.Query>(
            "loose_ends",
            "What you wait for (questions you asked, your reminders) and what you owe (questions put to "
                + "you), oldest first.",
            ToolHints.ReadOnly
        );
        Host<AgentStatus.Query>("agent_status");
        Host<SubscribeAgentStatus.Query>("subscribe_agent_status");
        Host<OpenLink.Command>("open_link");
        Host<ListUrls.Query>("urls");
    }
}
