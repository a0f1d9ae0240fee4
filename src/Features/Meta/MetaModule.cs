using Hive.Common.Doors;

namespace Hive.Features.Meta;

/// <summary>The doors of agents' configurations and of the swarm's lock.</summary>
internal sealed class MetaModule : FeatureModule
{
    public MetaModule()
    {
        Get<ReadAgentConfig.Query>("/api/agent-config/{name}");
        Post<UpdateInputs.Command>("/meta-update");
    }
}
