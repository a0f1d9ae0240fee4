using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Features.Turns.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Meta;

/// <summary>Agents' deployed configurations and the swarm's lock, with the inputs it pins.</summary>
internal sealed class MetaModule : FeatureModule
{
    public MetaModule()
    {
        Uses(nameof(Agents), nameof(Turns), nameof(Containers), nameof(Egress));
        Schema<MetaSchema>();
        Event<IReadOnlyList<MetaInput>>("meta_inputs_changed", "meta_inputs");
        Section<MetaInputsSection>();
        RowFields<DeployedRowFields>();
        Backup<RepositoriesBackup>();
        Restore<RepositoriesRestore>();
        Host<ListInputs.Query>("inputs");
        Host<ReadAgentConfig.Query>("agent_config");
        Host<UpdateInputs.Command>("update_inputs");
        Get<ReadAgentConfig.Query>("/api/agent-config/{name}");
        Post<UpdateInputs.Command>("/api/inputs/update", alias: "/meta-update");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<InputUrls>()
            .AddSingleton<AgentYaml>()
            .AddSingleton<ConfigRepositories>()
            .AddSingleton<ConfigReader>()
            .AddSingleton<IConfigDrafts, ConfigDrafts>()
            .AddSingleton<InputStore>()
            .AddSingleton<NixFlake>()
            .AddSingleton<MetaRepository>()
            .AddSingletonAs<SwarmLock, ISwarmLock>()
            .AddSingletonAs<QuietLimits, IQuietLimits>()
            .AddSingleton<IAgentSpecs, AgentSpecs>()
            .AddSingleton<InputUpdates>()
            .AddSingletonAs<MetaInputs, IMetaInputs>()
            .AddSingleton<ICommitObserver, OnAgentDestroyed>()
            .AddHostedService<MetaStartup>();
}
