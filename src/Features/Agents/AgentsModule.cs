using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Agents;

/// <summary>The roster: which agents there are, who they are, and their status texts.</summary>
internal sealed class AgentsModule : FeatureModule
{
    public AgentsModule()
    {
        Schema<AgentsSchema>();
        RowFields<AgentRowFields>();
        Activity<PausedActivity>();
        Post<PauseAgent.Command>("/api/agents/{name}/pause", alias: "/pause/{name}");
        Host<PauseAgent.Command>("set_paused");
        Host<ListAgents.Query>("list");
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
            .AddSingleton<AgentFolders>();
}
