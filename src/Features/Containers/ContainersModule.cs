using Hive.Common;
using Hive.Common.Doctor;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Lifecycle;
using Hive.Features.Containers.Limits;
using Hive.Features.Containers.Logs;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Tombstones;
using Hive.Features.Containers.Verbs;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Runtimes;
using Hive.Runtimes.Checks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers;

/// <summary>Agents' containers: their life cycle, their logs and the data kept of destroyed agents.</summary>
internal sealed class ContainersModule : FeatureModule
{
    public ContainersModule()
    {
        Uses(nameof(Agents), nameof(Egress), nameof(Messages), nameof(Runtimes), nameof(StateFiles));
        Schema<ContainersSchema>();
        Restored<RestoredRuns>();
        Event<Transient>("transient_set", "transient");
        Event<string>("transient_cleared", "name");
        Event<IReadOnlyList<Tombstone>>("tombstones_changed", "tombstones");
        Section<TransientsSection>();
        Section<TombstonesSection>();
        RowFields<ContainerRowFields>();
        Activity<ContainerActivity>();
        Waiting<WaitingCrashes>();
        Check<RuntimesCheck>();
        Check<KernelCheck>();
        Check<ClaudeCheck>();
        Check<RunsCheck>();
        Check<QuotasCheck>();
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
        Host<SpawnAgent.Command>("spawn");
        Host<StartAgent.Command>("start");
        Host<StopAgent.Command>("stop");
        Host<RestartAgent.Command>("restart");
        Host<RebuildAgent.Command>("rebuild");
        Host<KillAgent.Command>("kill");
        Host<DestroyAgent.Command>("destroy");
        Host<UpdateAll.Command>("update_all");
        Host<ListTombstones.Query>("tombstones");
        Host<PurgeTombstone.Command>("purge_tombstone");
        Host<ReviveTombstone.Command>("revive_tombstone");
        Host<FollowLogs.Query>("logs");
        Post<StartAgent.Command>("/api/agents/{name}/start", alias: "/start/{name}");
        Post<StopAgent.Command>("/api/agents/{name}/stop", alias: "/stop/{name}");
        Post<RestartAgent.Command>("/api/agents/{name}/restart", alias: "/restart/{name}");
        Post<RebuildAgent.Command>("/api/agents/{name}/rebuild", alias: "/rebuild/{name}");
        Post<UpdateAll.Command>("/api/agents/update-all", alias: "/update-all");
        Post<KillAgent.Command>("/api/agents/{name}/kill", alias: "/kill/{name}");
        Post<DestroyAgent.Command>("/api/agents/{name}/destroy", alias: "/destroy/{name}");
        Post<ReviveTombstone.Command>("/api/tombstones/{name}/revive");
        Post<PurgeTombstone.Command>("/api/tombstones/{name}/purge", alias: "/purge-tombstone/{name}");
        Get<ReadLogs.Query>("/api/logs/{name}");
        Get<Health.Query>("/health");
        Host<ShowVersion.Query>("version");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddRuntimes()
            // Runs
            .AddSingleton<AgentGit>()
            .AddSingleton<AgentLauncher>()
            .AddSingleton<AppliedState>()
            .AddSingleton<Blueprints>()
            .AddSingletonAs<ContainerStates, IConnectionObserver, IRunsOn>()
            .AddSingleton<CrashWatch>()
            .AddSingleton<Restarts>()
            .AddSingleton<StartupWatch>()
            .AddSingleton<Transients>()
            .AddSingletonAs<WakeNotes, IAgentDataCleanup, IWakeNotes, IHostedService>()
            // Limits
            .AddSingleton<DiskUse>()
            .AddSingletonAs<DiskLimits, IHandoverRoom>()
            .AddSingletonAs<SharedFolder, ITrouble>()
            .AddSingleton<ProjectQuotas>()
            // Logs
            .AddSingleton<AgentLogs>()
            .AddSingletonAs<LastWords, ILastWords>()
            // Tombstones
            .AddSingleton<AgentFiles>()
            .AddSingleton<AgentRecords>()
            .AddSingleton<AgentRemoval>()
            .AddSingleton<Cleanup>()
            .AddSingleton<OrphanContainers>()
            .AddSingleton<Removals>()
            .AddSingleton<TombstoneList>()
            .AddSingleton<Trash>()
            // Verbs
            .AddSingleton<AgentCreation>()
            .AddSingleton<DestroyAgent.Steps>()
            .AddSingleton<ManagerMounts>()
            .AddSingleton<NewOutput>()
            .AddSingleton<RebuildAgent.Steps>()
            .AddSingleton<RestartAgent.Steps>()
            .AddSingleton<SpawnAgent.Steps>()
            .AddSingleton<StartAgent.Steps>()
            .AddSingleton<StopAgent.Steps>()
            .AddSingleton<UpdateRound>()
            .AddSingleton<VerbRunner>()
            // Lifecycle
            .AddSingletonAs<AgentLifecycle, IAgentLifecycle>()
            .AddSingleton<ContainerRows>()
            .AddSingleton<ContainerSweep>()
            .AddSingleton<MissingStarts>()
            .AddSingleton<RunFinder>()
            .AddSingleton<UnfinishedWork>()
            .AddHostedService<Reconciler>()
            .AddHostedService<SpecWatch>()
            .AddHostedService<AgentDiskWatch>()
            .AddHostedService<AutoUpdate>();
}
