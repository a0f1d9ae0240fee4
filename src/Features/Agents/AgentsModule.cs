using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Agents;

/// <summary>The roster and the registry: which agents there are, what they can do, and their status texts.</summary>
internal sealed class AgentsModule : FeatureModule
{
    public AgentsModule()
    {
        Schema<AgentsSchema>();
        Restored<RestoredAgents>();
        RowFields<AgentRowFields>();
        Activity<PausedActivity>();
        Post<PauseAgent.Command>("/api/agents/{name}/pause", alias: "/pause/{name}");
        Host<PauseAgent.Command>("set_paused");
        Host<ListAgents.Query>("list");
        Get<ListRegistry.Query>("/api/v1/agents");
        Get<SearchAgents.Query>("/api/v1/agents/search");
        Get<FindBestAgent.Query>("/api/v1/agents/best-fit");
        Get<ListHealth.Query>("/api/v1/agents/health");
        Get<CountAgents.Query>("/api/v1/agents/statistics");
        Get<ListStaleAgents.Query>("/api/v1/agents/stale");
        Get<ShowAgent.Query>("/api/v1/agents/{name}");
        Get<ShowHealth.Query>("/api/v1/agents/{name}/health");
        Post<Heartbeat.Command>("/api/v1/agents/{name}/heartbeat");
        Post<CleanUpStale.Command>("/api/v1/agents/cleanup-stale");
        Patch<ChangeAgent.Command>("/api/v1/agents/{name}");
        Post<SetAvailability.Command>("/api/v1/agents/{name}/availability");
        Host<ListFits.Query>("agents_search", noun: "agents");
        Host<ShowBestFit.Query>("agents_best_fit", noun: "match");
        Host<ChangeWork.Command>("agent_change", noun: "agent");
        Tool<WhoAmI.Query>(
            "whoami",
            "Get your own name, role and state folder, and the name, role, state and status of everybody you may "
                + "write to.",
            ToolHints.ReadOnly
        );
        Tool<SetStatus.Command>(
            "set_status",
            "Set the status text on your row of the operator's dashboard: a few words on what you are doing.",
            ToolHints.Idempotent
        );
        Agent<ListTools.Query>("tools");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingletonAs<Roster, IRoster, IAgentDirectory>()
            .AddSingleton<IAgentNames, AgentNames>()
            .AddSingleton<IAgentStanding, AgentStanding>()
            .AddSingleton<ICallerDuties, CallerDuties>()
            .AddSingleton<PauseAgent.Steps>()
            .AddSingletonAs<Registry, IAgentRegistry>()
            .AddSingleton<WorkChanges>()
            .AddSingleton<Liveness>()
            .AddSingleton<AgentFolders>();
}
