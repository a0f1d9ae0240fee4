using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Agents;

/// <summary>The doors of the roster.</summary>
internal sealed class AgentsModule : FeatureModule
{
    public AgentsModule()
    {
        Schema<AgentsSchema>();
        RowFields<AgentRowFields>();
        Post<PauseAgent.Command>("/api/agents/{name}/pause", alias: "/pause/{name}");
        Host<PauseAgent.Command>("set_paused");
        Host<ListAgents.Query>("list");
        Tool<WhoAmI.Query>(
            "whoami",
            "Your own name, role and state folder as you can open it, and whom you may write to: name, role, status.",
            ToolHints.ReadOnly
        );
        Tool<SetStatus.Command>(
            "set_status",
            "Say in a few words what you are doing; it shows on your row of the operator's dashboard.",
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
