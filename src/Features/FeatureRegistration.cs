using Hive.Common;
using Hive.Common.Backups;
using Hive.Common.Doctor;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents;
using Hive.Features.Agents.Contracts;
using Hive.Features.Approvals;
using Hive.Features.Backups;
using Hive.Features.Containers;
using Hive.Features.Containers.Contracts;
using Hive.Features.Dashboard;
using Hive.Features.Doctor;
using Hive.Features.Forge;
using Hive.Features.Messages;
using Hive.Features.Messages.Contracts;
using Hive.Features.Meta;
using Hive.Features.Meta.Contracts;
using Hive.Features.Questions;
using Hive.Features.Reminders;
using Hive.Features.StateFiles;
using Hive.Features.StateFiles.Contracts;
using Hive.Features.Turns;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features;

/// <summary>Everything the features bring, in one list that can be read.</summary>
internal static class FeatureRegistration
{
    public static IServiceCollection AddHiveFeatures(this IServiceCollection services) =>
        services
            .AddHiveMessaging(typeof(FeatureRegistration).Assembly)
            .AddHiveCommon(
                HiveVersion.Text,
                typeof(AgentsModule),
                typeof(MessagesModule),
                typeof(QuestionsModule),
                typeof(RemindersModule),
                typeof(MetaModule),
                typeof(ContainersModule),
                typeof(ApprovalsModule),
                typeof(TurnsModule),
                typeof(ForgeModule),
                typeof(StateFilesModule),
                typeof(DashboardModule),
                typeof(DoctorModule),
                typeof(BackupsModule)
            )
            .AddAgents()
            .AddStateFiles()
            .AddMessages()
            .AddTurns()
            .AddQuestions()
            .AddReminders()
            .AddApprovals()
            .AddMeta()
            .AddContainers()
            .AddForge()
            .AddDashboard();

    private static IServiceCollection AddAgents(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, AgentsSchema>()
            .AddSingleton<Roster>()
            .AddSingleton<IRoster>(p => p.GetRequiredService<Roster>())
            .AddSingleton<IAgentDirectory>(p => p.GetRequiredService<Roster>())
            .AddSingleton<IAgentNames, AgentNames>()
            .AddSingleton<AgentFolders>()
            .AddSingleton<IAgentRowPart, AgentRowPart>();

    private static IServiceCollection AddStateFiles(this IServiceCollection services) =>
        services
            .AddSingleton<StateFileOpener>()
            .AddSingleton<IFileReferences, FileReferences>()
            .AddSingleton<StateFileWriter>()
            .AddSingleton<IStateFileWriter>(p => p.GetRequiredService<StateFileWriter>())
            .AddSingleton<IFileHandover, FileHandover>()
            .AddSingleton<IForgeTokenFile, ForgeTokenFile>()
            .AddSingleton<ICheck, Openat2Check>();

    private static IServiceCollection AddMessages(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, MessagesSchema>()
            .AddSingleton<IdempotencyKeys>()
            .AddSingleton<ISchema>(p => p.GetRequiredService<IdempotencyKeys>())
            .AddSingleton<Inboxes>()
            .AddSingleton<Watchers>()
            .AddSingleton<Delivery>()
            .AddSingleton<IOutbox>(p => p.GetRequiredService<Delivery>())
            .AddSingleton<Redelivery>()
            .AddSingleton<Receivers>()
            .AddSingleton<BackoffTimer>()
            .AddSingleton<FailedMessages>()
            .AddSingleton<Leases>()
            .AddSingleton<ILeases>(p => p.GetRequiredService<Leases>())
            .AddSingleton<AbandonedLeases>()
            .AddSingleton<IInflight>(p => p.GetRequiredService<AbandonedLeases>())
            .AddSingleton<HarnessStartups>()
            .AddSingleton<IHarnessStartups>(p => p.GetRequiredService<HarnessStartups>())
            .AddSingleton<BrokerTimers>()
            .AddSingleton<IConnectionObserver>(p => p.GetRequiredService<BrokerTimers>())
            .AddHostedService(p => p.GetRequiredService<BrokerTimers>())
            .AddHostedService<VacuumMessages>()
            .AddSingleton<IDashboardSection, InboxSection>()
            .AddSingleton<IDashboardSection, InboxUnreadSection>()
            .AddSingleton<IDashboardSection, ParkedSection>()
            .AddSingleton<IAgentRowPart, UnreadRowPart>();

    // Before the containers, whose harnesses hear first of all what the operator wants.
    private static IServiceCollection AddTurns(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, TurnsSchema>()
            .AddSingleton<Prices>()
            .AddHostedService(p => p.GetRequiredService<Prices>())
            .AddSingleton<AgentEvents>()
            .AddSingleton<TurnLedger>()
            .AddSingleton<ILeaseHolders, LostTurns>()
            .AddSingleton<EventFlood>()
            .AddSingleton<ICommitObserver, AgentEventForwarder>()
            .AddSingleton<ModelOverrides>()
            .AddHostedService(p => p.GetRequiredService<ModelOverrides>())
            .AddSingleton<Harnesses>()
            .AddSingleton<IConnectionObserver>(p => p.GetRequiredService<Harnesses>())
            .AddSingleton<Controls>()
            .AddSingleton<IConnectionObserver>(p => p.GetRequiredService<Controls>())
            .AddSingleton<AgentDataCleanup>()
            .AddSingleton<IAgentDataCleanup>(p => p.GetRequiredService<AgentDataCleanup>())
            .AddHostedService<VacuumTurns>()
            .AddSingleton<IDashboardSection, StatsSection>()
            .AddSingleton<ICheck, DriversCheck>()
            .AddSingleton<IAgentRowPart, HarnessRowPart>();

    // Before the containers, whose agents could ask: what was missed is in the queue first.
    private static IServiceCollection AddQuestions(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, QuestionsSchema>()
            .AddSingleton<Deadlines>()
            .AddSingleton<Resolution>()
            .AddSingleton<HostAnswers>()
            .AddHostedService<ExpireQuestions>()
            .AddSingleton<ICommitObserver, Questions.OnAgentDestroyed>()
            .AddSingleton<IDashboardSection, QuestionsSection>()
            .AddSingleton<IDashboardSection, QuestionHistorySection>()
            .AddSingleton<ILooseEnds, QuestionLooseEnds>();

    private static IServiceCollection AddReminders(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, RemindersSchema>()
            .AddSingleton<PendingReminders>()
            .AddSingleton<ReminderScheduler>()
            .AddHostedService(p => p.GetRequiredService<ReminderScheduler>())
            .AddSingleton<Reminders.OnAgentDestroyed>()
            .AddSingleton<ICommitObserver>(p => p.GetRequiredService<Reminders.OnAgentDestroyed>())
            .AddSingleton<IDashboardSection, RemindersSection>()
            .AddSingleton<IAgentRowPart, PendingRemindersRowPart>()
            .AddSingleton<ILooseEnds, ReminderLooseEnds>();

    // Before Meta and the containers: what is to be rolled back at a start must not be locked, nor an agent be started
    // on it.
    private static IServiceCollection AddApprovals(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, ApprovalsSchema>()
            .AddSingleton<ApprovalQueue>()
            .AddSingleton<ApprovalEnds>()
            .AddSingleton<ICommitObserver>(p => p.GetRequiredService<ApprovalEnds>())
            .AddSingleton<Approvals.OnAgentDestroyed>()
            .AddSingleton<ICommitObserver>(p => p.GetRequiredService<Approvals.OnAgentDestroyed>())
            .AddSingleton<RequestSpawn.NewAgents>()
            .AddSingleton<AppliedRepository>()
            .AddSingleton<RequestApplyCommit.Proposals>()
            .AddSingleton<IApprovedWork, SpawnWork>()
            .AddSingleton<IApprovedWork, ApplyCommitWork>()
            .AddSingleton<IApprovedWork, UpdateInputsWork>()
            .AddSingleton<Decisions>()
            .AddHostedService<ApprovalRecovery>()
            .AddSingleton<IDashboardSection, ApprovalsSection>()
            .AddSingleton<IDashboardSection, ApprovalHistorySection>()
            .AddSingleton<ILooseEnds, ApprovalLooseEnds>();

    // Before the containers, which are built from what is applied.
    private static IServiceCollection AddMeta(this IServiceCollection services) =>
        services
            .AddSingleton<InputUrls>()
            .AddSingleton<AgentYaml>()
            .AddSingleton<ConfigRepositories>()
            .AddSingleton<InputStore>()
            .AddSingleton<NixFlake>()
            .AddSingleton<SwarmLock>()
            .AddSingleton<ISwarmLock>(p => p.GetRequiredService<SwarmLock>())
            .AddSingleton<IAgentSpecs, AgentSpecs>()
            .AddSingleton<MetaInputs>()
            .AddSingleton<IMetaInputs>(p => p.GetRequiredService<MetaInputs>())
            .AddSingleton<ICommitObserver, Meta.OnAgentDestroyed>()
            .AddHostedService<MetaStartup>()
            .AddSingleton<IBackupPart, RepositoriesBackup>()
            .AddSingleton<IDashboardSection, MetaInputsSection>()
            .AddSingleton<IAgentRowPart, DeployedRowPart>();

    private static IServiceCollection AddContainers(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, ContainersSchema>()
            .AddSingleton<IRuntime, NixosRuntime>()
            .AddSingleton<IRuntime>(p =>
                ActivatorUtilities.CreateInstance<ContainerApiRuntime>(
                    p,
                    ContainerDaemon.Podman(p.GetRequiredService<HiveOptions>())
                )
            )
            .AddSingleton<IRuntime>(p =>
                ActivatorUtilities.CreateInstance<ContainerApiRuntime>(
                    p,
                    ContainerDaemon.Docker(p.GetRequiredService<HiveOptions>())
                )
            )
            .AddSingleton<IRuntime, NspawnRuntime>()
            .AddSingleton<IRuntime, SandboxRuntime>()
            .AddSingleton<IRuntime, ProcessRuntime>()
            .AddSingleton<SweepBell>()
            .AddSingleton<LocalProcesses>()
            .AddSingleton<ResourceLimits>()
            .AddSingleton<Blueprints>()
            .AddSingleton<Runtimes>()
            .AddSingleton<AgentLifecycle>()
            .AddSingleton<IAgentLifecycle>(services => services.GetRequiredService<AgentLifecycle>())
            .AddSingleton<ContainerLog>()
            .AddSingleton<ProcessWatch>()
            .AddSingleton<Restarts>()
            .AddSingleton<Trash>()
            .AddSingleton<Tombstones>()
            .AddSingleton<Transients>()
            .AddSingleton<Verb>()
            .AddSingleton<ContainerStates>()
            .AddSingleton<IConnectionObserver>(p => p.GetRequiredService<ContainerStates>())
            .AddSingleton<IRecipientStates>(p => p.GetRequiredService<ContainerStates>())
            .AddSingleton<IRunsOn>(p => p.GetRequiredService<ContainerStates>())
            .AddSingleton<AppliedState>()
            .AddSingleton<AgentLauncher>()
            .AddSingleton<AgentLogs>()
            .AddSingleton<LastWords>()
            .AddSingleton<ILastWords>(p => p.GetRequiredService<LastWords>())
            .AddSingleton<AgentGit>()
            .AddSingleton<WakeNotes>()
            .AddSingleton<IAgentDataCleanup>(p => p.GetRequiredService<WakeNotes>())
            .AddSingleton<IWakeNotes>(p => p.GetRequiredService<WakeNotes>())
            .AddHostedService(p => p.GetRequiredService<WakeNotes>())
            .AddSingleton<CrashWatch>()
            .AddSingleton<AgentContainers>()
            .AddSingleton<ManagersView>()
            .AddHostedService<Reconcile>()
            .AddHostedService<SpecWatch>()
            .AddSingleton<UpdateRound>()
            .AddHostedService<AutoUpdate>()
            .AddSingleton<ICheck, RuntimesCheck>()
            .AddSingleton<ICheck, KernelCheck>()
            .AddSingleton<ICheck, ClaudeCheck>()
            .AddSingleton<IDashboardSection, TransientsSection>()
            .AddSingleton<IDashboardSection, TombstonesSection>()
            .AddSingleton<IAgentRowPart, ContainerRowPart>();

    // After all whose work it pushes.
    private static IServiceCollection AddForge(this IServiceCollection services) =>
        services
            .AddSingleton<ISchema, ForgeSchema>()
            .AddSingleton<ForgeSettings>()
            .AddSingleton<ForgeApi>()
            .AddSingleton<HttpAdmin>()
            .AddSingleton<ContainerAdmin>()
            .AddSingleton<CoreToken>()
            .AddSingleton<ForgeRepositories>()
            .AddSingleton<WebhookSecret>()
            .AddSingleton<Webhook>()
            .AddSingleton<ForgeHook>()
            .AddSingleton<ForgeStanding>()
            .AddSingleton<ForgeWorker>()
            .AddHostedService(p => p.GetRequiredService<ForgeWorker>())
            .AddSingleton<ICheck, ForgeCheck>()
            .AddSingleton<IDashboardSection, ForgeSection>();

    private static IServiceCollection AddDashboard(this IServiceCollection services) =>
        services
            .AddSingleton<IDashboardSection, LooseEndsSection>()
            .AddHttpContextAccessor()
            .AddSingleton<OperatorKeys>()
            .AddSingleton<IOperatorKeys>(p => p.GetRequiredService<OperatorKeys>())
            .AddSingleton<ISchema>(p => p.GetRequiredService<OperatorKeys>())
            .AddSingleton<DashboardUrls>()
            .AddSingleton<Snapshot>()
            .AddSingleton<IComposedSchema>(p => p.GetRequiredService<Snapshot>())
            .AddSingleton<EventStream>()
            .AddSingleton<AgentRows>()
            .AddSingleton<ICommitObserver>(p => p.GetRequiredService<AgentRows>())
            .AddHostedService(p => p.GetRequiredService<AgentRows>());
}
