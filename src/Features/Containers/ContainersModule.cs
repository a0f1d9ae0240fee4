using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers;

/// <summary>Agents' containers: their life cycle, their logs and what is kept of destroyed agents.</summary>
internal sealed class ContainersModule : FeatureModule
{
    public ContainersModule()
    {
        Uses(nameof(Agents), nameof(Messages));
        Schema<ContainersSchema>();
        Event<Transient>("transient_set", "transient");
        Event<string>("transient_cleared", "name");
        Event<IReadOnlyList<Tombstone>>("tombstones_changed", "tombstones");
        Section<TransientsSection>();
        Section<TombstonesSection>();
        RowFields<ContainerRowFields>();
        Check<RuntimesCheck>();
        Check<KernelCheck>();
        Check<ClaudeCheck>();
        ManagerTool<StartAgent.Command>("start", "Start an agent that is not running.", ToolHints.Idempotent);
        ManagerTool<StopAgent.Command>(
            "stop",
            "Stop an agent. Its messages are kept until it is started again.",
            ToolHints.Destructive | ToolHints.Idempotent
        );
        ManagerTool<RestartAgent.Command>("restart", "Stop an agent and start it again.", ToolHints.Destructive);
        ManagerTool<RebuildAgent.Command>(
            "rebuild",
            "Recreate an agent from its current configuration and start it; you receive a 'rebuilt' message with the "
                + "result.",
            ToolHints.Destructive
        );
        ManagerTool<GetLogs.Query>(
            "get_logs",
            "Get the last lines that an agent's program has printed.",
            ToolHints.ReadOnly
        );
        Host<Spawn.Command>("spawn");
        Host<StartAgent.Command>("start");
        Host<StopAgent.Command>("stop");
        Host<RestartAgent.Command>("restart");
        Host<RebuildAgent.Command>("rebuild");
        Host<KillAgent.Command>("kill");
        Host<DestroyAgent.Command>("destroy");
        Host<PurgeTombstone.Command>("purge_tombstone");
        Host<FollowLogs.Query>("logs");
        Post<StartAgent.Command>("/api/agents/{name}/start", alias: "/start/{name}");
        Post<StopAgent.Command>("/api/agents/{name}/stop", alias: "/stop/{name}");
        Post<RestartAgent.Command>("/api/agents/{name}/restart", alias: "/restart/{name}");
        Post<RebuildAgent.Command>("/api/agents/{name}/rebuild", alias: "/rebuild/{name}");
        Post<UpdateAll.Command>("/api/agents/update-all", alias: "/update-all");
        Post<KillAgent.Command>("/api/agents/{name}/kill", alias: "/kill/{name}");
        Post<DestroyAgent.Command>("/api/agents/{name}/destroy", alias: "/destroy/{name}");
        Post<PurgeTombstone.Command>("/api/tombstones/{name}/purge", alias: "/purge-tombstone/{name}");
        Get<ReadLogs.Query>("/api/logs/{name}");
        Get<Health.Query>("/health");
        Host<Health.Query>("version");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<IRuntime, NixosRuntime>()
            .AddSingleton(Daemon(ContainerDaemon.Podman))
            .AddSingleton(Daemon(ContainerDaemon.Docker))
            .AddSingleton<IRuntime, NspawnRuntime>()
            .AddSingleton<IRuntime, SandboxRuntime>()
            .AddSingleton<IRuntime, ProcessRuntime>()
            .AddSingleton<SweepBell>()
            .AddSingleton<LocalProcesses>()
            .AddSingleton<ResourceLimits>()
            .AddSingleton<Blueprints>()
            .AddSingleton<Runtimes>()
            .AddSingletonAs<AgentLifecycle, IAgentLifecycle>()
            .AddSingleton<ContainerLog>()
            .AddSingleton<ProcessWatch>()
            .AddSingleton<Restarts>()
            .AddSingleton<Trash>()
            .AddSingleton<Tombstones>()
            .AddSingleton<Transients>()
            .AddSingleton<Verb>()
            .AddSingletonAs<ContainerStates, IConnectionObserver, IRecipientStates, IRunsOn>()
            .AddSingleton<AppliedState>()
            .AddSingleton<AgentLauncher>()
            .AddSingleton<AgentLogs>()
            .AddSingletonAs<LastWords, ILastWords>()
            .AddSingleton<AgentGit>()
            .AddSingletonAs<WakeNotes, IAgentRemains, IWakeNotes, IHostedService>()
            .AddSingleton<CrashWatch>()
            .AddSingleton<AgentContainers>()
            .AddSingleton<ManagersView>()
            .AddHostedService<Reconcile>()
            .AddHostedService<SpecWatch>()
            .AddSingleton<UpdateRound>()
            .AddHostedService<AutoUpdate>();

    private static Func<IServiceProvider, IRuntime> Daemon(Func<HiveOptions, ContainerDaemon> daemon) =>
        services =>
            ActivatorUtilities.CreateInstance<ContainerApiRuntime>(
                services,
                daemon(services.GetRequiredService<HiveOptions>())
            );
}
