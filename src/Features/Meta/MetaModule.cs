using Hive.Common.Doors;

namespace Hive.Features.Meta;

/// <summary>The doors of the swarm's lock.</summary>
internal sealed class MetaModule : FeatureModule
{
    public MetaModule() => Post<UpdateInputs.Command>("/meta-update");
}
