using Hive.Common;
using Hive.Common.Doctor;
using Hive.Common.Doors;
using Hive.Common.Messaging;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers;
using Hive.Features.Containers.Contracts;
using Hive.Features.Dashboard;
using Hive.Features.Doctor;
using Hive.Features.Messages;
using Hive.Features.Messages.Contracts;
using Hive.Features.Questions;
using Hive.Features.Reminders;
using Hive.Features.StateFiles;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features;

/// <summary>Everything the features bring, in one list that can be read.</summary>
internal static class FeatureRegistration
{
    public static IServiceCollection AddHiveFeatures(this IServiceCollection services) => services
        .AddHiveMessaging(typeof(FeatureRegistration).Assembly)
        .AddHiveCommon(
            HiveVersion.Text,
            typeof(AgentsModule),
            typeof(MessagesModule),
            typeof(QuestionsModule),
            typeof(RemindersModule),
            typeof(ContainersModule),
            typeof(StateFilesModule),
            typeof(DashboardModule),
            typeof(DoctorModule))
        .AddAgents()
        .AddStateFiles()
        .AddMessages()
        .AddQuestions()
        .AddReminders()
        .AddContainers()
        .AddDashboard();

    private static IServiceCollection AddAgents(this IServiceCollection services) => services
        .AddSingleton<ISchema, AgentsSchema>()
        .AddSingleton<Roster>()
        .AddSingleton<IRoster>(p => p.GetRequiredService<Roster>())
        .AddSingleton<IAgentDirectory>(p => p.GetRequiredService<Roster>())
        .AddSingleton<IAgentNames, AgentNames>()
        .AddSingleton<AgentFolders>()
        .AddSingleton<IAgentRowPart, AgentRowPart>();

    private static IServiceCollection AddStateFiles(this IServiceCollection services) => services
        .AddSingleton<StateFileOpener>()
        .AddSingleton<IFileReferences, FileReferences>()
        .AddSingleton<IStateFileWriter, StateFileWriter>()
        .AddSingleton<ICheck, Openat2Check>();

    private static IServiceCollection AddMessages(this IServiceCollection services) => services
        .AddSingleton<ISchema, MessagesSchema>()
        .AddSingleton<IdempotencyKeys>()
        .AddSingleton<ISchema>(p => p.GetRequiredService<IdempotencyKeys>())
        .AddSingleton<Broker>()
        .AddSingleton<IOutbox>(p => p.GetRequiredService<Broker>())
        .AddSingleton<IInflight>(p => p.GetRequiredService<Broker>())
        .AddSingleton<BrokerClockwork>()
        .AddSingleton<IConnectionObserver>(p => p.GetRequiredService<BrokerClockwork>())
        .AddHostedService(p => p.GetRequiredService<BrokerClockwork>())
        .AddHostedService<VacuumMessages>()
        .AddSingleton<IDashboardSection, InboxSection>()
        .AddSingleton<IDashboardSection, InboxUnreadSection>()
        .AddSingleton<IDashboardSection, ParkedSection>()
        .AddSingleton<IAgentRowPart, UnreadRowPart>();

    // Before the containers, whose agents could ask: what was missed is in the queue first.
    private static IServiceCollection AddQuestions(this IServiceCollection services) => services
        .AddSingleton<ISchema, QuestionsSchema>()
        .AddSingleton<Deadlines>()
        .AddSingleton<Resolution>()
        .AddSingleton<HostAnswers>()
        .AddHostedService<ExpireQuestions>()
        .AddSingleton<ICommitObserver, Questions.OnAgentDestroyed>()
        .AddSingleton<IDashboardSection, QuestionsSection>()
        .AddSingleton<IDashboardSection, QuestionHistorySection>()
        .AddSingleton<ILooseEnds, QuestionLooseEnds>();

    private static IServiceCollection AddReminders(this IServiceCollection services) => services
        .AddSingleton<ISchema, RemindersSchema>()
        .AddSingleton<PendingReminders>()
        .AddSingleton<ReminderScheduler>()
        .AddHostedService(p => p.GetRequiredService<ReminderScheduler>())
        .AddSingleton<Reminders.OnAgentDestroyed>()
        .AddSingleton<ICommitObserver>(p => p.GetRequiredService<Reminders.OnAgentDestroyed>())
        .AddSingleton<IDashboardSection, RemindersSection>()
        .AddSingleton<IAgentRowPart, PendingRemindersRowPart>()
        .AddSingleton<ILooseEnds, ReminderLooseEnds>();

    private static IServiceCollection AddContainers(this IServiceCollection services) => services
        .AddSingleton<ISchema, ContainersSchema>()
        .AddSingleton<IRuntime, NixosRuntime>()
        .AddSingleton<IRuntime>(p => ActivatorUtilities.CreateInstance<ContainerApiRuntime>(p, ContainerDaemon.Podman(p.GetRequiredService<IConfiguration>())))
        .AddSingleton<IRuntime>(p => ActivatorUtilities.CreateInstance<ContainerApiRuntime>(p, ContainerDaemon.Docker(p.GetRequiredService<IConfiguration>())))
        .AddSingleton<IRuntime, NspawnRuntime>()
        .AddSingleton<IRuntime, SandboxRuntime>()
        .AddSingleton<IRuntime, ProcessRuntime>()
        .AddSingleton<SweepBell>()
        .AddSingleton<LocalProcesses>()
        .AddSingleton<ResourceLimits>()
        .AddSingleton<Blueprints>()
        .AddSingleton<Runtimes>()
        .AddSingleton<IAgentSpecs, AppliedSpecs>()
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
        .AddSingleton<AppliedState>()
        .AddSingleton<AgentLauncher>()
        .AddSingleton<AgentLogs>()
        .AddSingleton<CrashWatch>()
        .AddSingleton<AgentContainers>()
        .AddSingleton<ManagersView>()
        .AddHostedService<Reconcile>()
        .AddHostedService<SpecWatch>()
        .AddSingleton<UpdateRound>()
        .AddSingleton<ICheck, RuntimesCheck>()
        .AddSingleton<ICheck, KernelCheck>()
        .AddSingleton<IDashboardSection, TransientsSection>()
        .AddSingleton<IDashboardSection, TombstonesSection>()
        .AddSingleton<IAgentRowPart, ContainerRowPart>();

    // The slices that fill these come later; until then there is truly nothing to list.
    private static readonly string[] NotYetFilled = ["approvals", "approval_history", "meta_inputs"];

    private static IServiceCollection AddDashboard(this IServiceCollection services) => NotYetFilled
        .Aggregate(services, (list, name) => list.AddSingleton<IDashboardSection>(new EmptySection(name)))
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
