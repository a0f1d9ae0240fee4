using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Costs.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tasks.Rest;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Tasks;

/// <summary>Tasks: the work on tickets, what waits for what, and the runs of agents.</summary>
internal sealed class TasksModule : FeatureModule
{
    public TasksModule()
    {
        Uses(
            nameof(Agents),
            nameof(Messages),
            nameof(Turns),
            nameof(Workflows),
            nameof(Tickets),
            nameof(Locks),
            nameof(Costs)
        );
        Schema<TasksSchema>();
        Event<TaskView>("task_changed", "task");
        Event<long>("task_removed", "id");
        Event<DiscoveryView>("discovery_changed", "discovery");
        Section<TasksSection>();
        LooseEnds<TaskLooseEnds>();
        Waiting<WaitingFailed>();
        Waiting<WaitingHeld>();
        Waiting<WaitingUnservable>();
        Tools();
        Sockets();
        Routes();
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton(provider => new Lazy<IEnumerable<ITaskChecks>>(provider.GetServices<ITaskChecks>))
            .AddSingleton(provider => new Lazy<IEnumerable<IBriefPart>>(provider.GetServices<IBriefPart>))
            .AddSingleton(provider => new Lazy<IEnumerable<IRunEnded>>(provider.GetServices<IRunEnded>))
            .AddSingleton(provider => new Lazy<IWaitingReports>(provider.GetRequiredService<IWaitingReports>))
            .AddSingleton<OpenRuns>()
            .AddSingletonAs<RunClocks, ICommitObserver>()
            .AddSingleton<AgentWaits>()
            .AddSingleton<TaskChanges>()
            .AddSingleton<TaskMaking>()
            .AddSingleton<RunBudgets>()
            .AddSingletonAs<BudgetSeams, ITurnSubjects, IBudgetedWork>()
            .AddSingleton<RunEnds>()
            .AddSingleton(provider => new Lazy<RunEnds>(provider.GetRequiredService<RunEnds>))
            .AddSingleton<RunAlarms>()
            .AddSingleton<Brief>()
            .AddSingleton<OwnTask>()
            .AddSingleton<GivenTasks>()
            .AddSingleton<Discoveries>()
            .AddSingleton<HandIns>()
            .AddSingleton<ReadyList>()
            .AddSingleton<RunTimes>()
            .AddSingleton<RestActs>()
            .AddSingleton<RestJoins>()
            .AddSingletonAs<Claims, IClaims>()
            .AddSingletonAs<ReadyTasksLoader, IReadyTasksLoader>()
            .AddSingletonAs<TaskActs, ITasks, ITaskRuns>()
            .AddSingleton<IReviewTasks, ReviewTasks>()
            .AddSingletonAs<TaskTurns, ITurnHolds>()
            .AddSingletonAs<LockSeams, ILockTasks>()
            .AddSingletonAs<TicketSeams, IPhaseEntered, ITicketHeld, ITicketRemoved>()
            .AddSingleton<ITicketTasks>(provider => provider.GetRequiredService<TicketSeams>())
            .AddSingleton<ITicketWork>(provider => provider.GetRequiredService<TicketSeams>())
            .AddHostedService<TasksAtStart>()
            .AddHostedService<VacuumResults>()
            .AddScheduler();

    private void Tools()
    {
        Tool<GetWork.Query>(
            "get_work",
            "Get your task whole, or another task or ticket that you work on: what to do, what it must leave behind, "
                + "and what came before it.",
            Duty.Worker | Duty.Validator | Duty.Manager
        );
        Tool<ReportProgress.Command>(
            "report_progress",
            "Say how far your task is. The operator sees it. The answer tells whether the task is still yours; stop "
                + "when it is not.",
            Duty.Worker | Duty.Validator
        );
        Tool<CompleteTask.Command>(
            "complete_task",
            "Complete your task, with what it leaves behind. The task is done only when this has succeeded; when it is "
                + "refused, correct what the error names and call it again.",
            Duty.Worker
        );
        Tool<FailTask.Command>(
            "fail_task",
            "End your run of a task without a result, with an honest reason. Then it is tried again, or a person "
                + "decides.",
            Duty.Worker
        );
        Tool<Discover.Command>(
            "discover",
            "Record what you found in your task and does not belong to it, such as a bug; with 'spawn', another agent "
                + "gets it as a task. Do not do that work yourself.",
            Duty.Worker
        );
        ManagerTool<AddTasks.Command>(
            "add_tasks",
            "Make tasks of a ticket, all or none. Agents get them by themselves as soon as what they wait for is done."
        );
        ManagerTool<ChangeTask.Command>(
            "change_task",
            "Cancel, retry, skip, hold or release a task, change its priority, its agent or its time, or what it waits "
                + "for.",
            ToolHints.Destructive
        );
        ManagerTool<ListWork.Query>(
            "list_work",
            "List tickets, tasks, the queue of ready tasks, the board, or the agents that take tasks.",
            ToolHints.ReadOnly
        );
    }

    private void Sockets()
    {
        Host<GetWork.Query>("get_work");
        Host<AddTasks.Command>("add_tasks");
        Host<ChangeTask.Command>("change_task");
        Host<ListWork.Query>("list_work");
        Host<ShowTask.Query>("task");
        Host<ListTasks.Query>("tasks");
        Host<ShowGraph.Query>("task_graph");
        Host<ShowGraph.Query>("graph");
        Host<DagStatus.Query>("dag_status");
        Host<ApplyPattern.Command>("apply_pattern");
        Host<ListRuns.Query>("runs");
        Host<ListDiscoveries.Query>("discoveries");
        Host<Discover.Command>("discover");
        Host<ResolveDiscovery.Command>("discovery_resolve");
    }

    private void Routes()
    {
        Get<RestListTasks.Query>("/api/v1/tasks");
        Post<RestCreateTask.Command>("/api/v1/tasks");
        Get<RestTimedOut.Query>("/api/v1/tasks/timed-out");
        Get<RestCancellable.Query>("/api/v1/tasks/cancellable");
        Post<RestCleanUp.Command>("/api/v1/tasks/cleanup-timed-out");
        Get<RestShowTask.Query>("/api/v1/tasks/{id}");
        Patch<RestChangeTask.Command>("/api/v1/tasks/{id}");
        Get<RestShowEdges.Query>("/api/v1/tasks/{id}/dependencies");
        Post<RestAddDependencies.Command>("/api/v1/tasks/{id}/dependencies");
        Delete<RestRemoveDependency.Command>("/api/v1/tasks/{id}/dependencies/{dep}");
        Post<RestCheckCircular.Query>("/api/v1/tasks/{id}/check-circular");
        Get<RestListRuns.Query>("/api/v1/tasks/{id}/runs");
        Post<RestCancelTask.Command>("/api/v1/tasks/{id}/cancel");
        Post<RestRetryTask.Command>("/api/v1/tasks/{id}/retry");
        Post<RestSkipTask.Command>("/api/v1/tasks/{id}/skip");
        Post<RestHoldTask.Command>("/api/v1/tasks/{id}/hold");
        Post<RestReleaseTask.Command>("/api/v1/tasks/{id}/release");
        Post<RestAssignTask.Command>("/api/v1/tasks/{id}/assign");
        Get<RestTimeoutStatus.Query>("/api/v1/tasks/{id}/timeout-status");
        Post<RestSetTimeout.Command>("/api/v1/tasks/{id}/set-timeout");
        Get<RestTicketTasks.Query>("/api/v1/tickets/{id}/tasks");
        Get<RestTicketGraph.Query>("/api/v1/tickets/{id}/graph");
        Get<RestTicketGraph.Query>("/api/v1/graph/{id}");
        Post<RestGenerateTasks.Command>("/api/v1/tickets/{id}/generate-tasks");
        Get<RestListDiscoveries.Query>("/api/v1/discoveries");
        Post<RestRecordDiscovery.Command>("/api/v1/discoveries/record");
        Post<RestBranchDiscovery.Command>("/api/v1/discoveries/branch");
        Post<RestResolveDiscovery.Command>("/api/v1/discoveries/{id}/resolve");
        Post<RestSync.Command>("/api/v1/coordination/sync");
        Post<RestSplit.Command>("/api/v1/coordination/split");
        Post<RestJoin.Command>("/api/v1/coordination/join");
        Post<RestMerge.Command>("/api/v1/coordination/merge");
        Post<RestApplyPattern.Command>("/api/v1/coordination/patterns/{name}/apply");
        Get<RestReadyTasks.Query>("/api/v1/scheduler/ready-tasks");
        Get<DagStatus.Query>("/api/v1/scheduler/dag-status");
        Post<RestAssignReady.Command>("/api/v1/scheduler/assign");
    }
}
