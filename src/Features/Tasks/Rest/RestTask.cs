using System.Data.Common;
using System.Text.Json.Serialization;
using Hive.Protocol;

namespace Hive.Features.Tasks.Rest;

/// <summary>A task under the names of <c>/api/v1</c>, beside those that the sockets have.</summary>
/// <param name="Task">Its members as on the sockets.</param>
/// <param name="TicketId">Its ticket.</param>
/// <param name="Description">What is to be done.</param>
/// <param name="Dependencies">The tasks that it waits for.</param>
/// <param name="AssignedAgentId">The agent that has it, or had it last.</param>
/// <param name="ParentTaskId">The task that it came from.</param>
/// <param name="ExpectedOutputs">What it leaves behind.</param>
/// <param name="Result">What its agent said at its end.</param>
/// <param name="Runs">Its runs, the newest first; only of a task that is shown alone.</param>
/// <param name="Needs">What it needs and no agent can give; only of a ready task that is shown alone.</param>
internal sealed record RestTask(
    [property: JsonIgnore] TaskView Task,
    long TicketId,
    string Description,
    RestDependencies Dependencies,
    string? AssignedAgentId = null,
    long? ParentTaskId = null,
    IReadOnlyList<ExpectedOutput>? ExpectedOutputs = null,
    TaskResult? Result = null,
    IReadOnlyList<RestRun>? Runs = null,
    string? Needs = null
) : TaskView(Task)
{
    /// <summary>Rows under these names, with their results or without.</summary>
    public static IReadOnlyList<RestTask> Of(
        DbConnection db,
        IReadOnlyCollection<TaskRow> rows,
        TaskChanges live,
        bool withResult = false
    ) => [.. rows.Zip(TaskViews.Of(db, rows, live), (row, view) => Of(row, view, withResult))];

    /// <summary>Rows with their views under these names.</summary>
    public static IReadOnlyList<RestTask> Of(IEnumerable<TaskRow> rows, IEnumerable<TaskView> views) =>
        [.. rows.Zip(views, (row, view) => Of(row, view, withResult: false))];

    /// <summary>One row under these names, whole.</summary>
    public static RestTask Of(DbConnection db, TaskRow row, TaskChanges live) =>
        Of(db, [row], live, withResult: true)[0] with
        {
            ExpectedOutputs = TaskRow.List<ExpectedOutput>(row.Expected),
            Runs = [.. TaskViews.Runs(db, row.Id).Select(run => new RestRun(run))],
            Needs = row.IsReady ? live.UnservableReason(row.Id) : null,
        };

    private static RestTask Of(TaskRow row, TaskView view, bool withResult) =>
        new(
            view,
            row.Ticket,
            row.Description,
            new RestDependencies(view.DependsOn),
            row.Agent,
            row.Parent,
            Result: withResult ? row.ReadResult() : null
        );
}

/// <summary>The tasks that a task waits for.</summary>
internal sealed record RestDependencies(IReadOnlyList<long> DependsOn);

/// <summary>A task on one line of a list of what waits.</summary>
internal sealed record RestTaskLine(long Id, string Description, string Status, string Title);

/// <summary>The edges of a task: those that it waits for, and those that wait for it.</summary>
internal sealed record RestTaskEdges(
    long TaskId,
    IReadOnlyList<long> DependsOn,
    bool DependenciesComplete,
    IReadOnlyList<RestTaskLine> BlockedTasks
);

/// <summary>The time of a task's run.</summary>
internal sealed record RestTimeout(
    bool Exists,
    long TaskId,
    string Status,
    long TimeoutSeconds,
    bool IsTimedOut,
    bool CanCancel,
    double? ElapsedSeconds = null,
    double? TimeRemaining = null
);

/// <summary>A task that runs, and for how long.</summary>
internal sealed record RestRunningTask(
    long Id,
    long TicketId,
    string PhaseId,
    string TaskType,
    string Title,
    string Status,
    string? AssignedAgentId,
    long TimeoutSeconds,
    double? ElapsedTime
);
