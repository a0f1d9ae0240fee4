using Hive.Common.Doors;

namespace Hive.Features.Agents;

/// <summary>The doors of the roster.</summary>
internal sealed class AgentsModule : FeatureModule
{
    public AgentsModule()
    {
        Post<PauseAgent.Command>("/pause/{name}");
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
}
