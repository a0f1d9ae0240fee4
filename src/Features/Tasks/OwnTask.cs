using System.Data.Common;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Tasks;

/// <summary>A task as the tools of a worker answer it.</summary>
/// <param name="Id">The task.</param>
/// <param name="Status">Its status now.</param>
internal sealed record TaskMark(long Id, string Status)
{
    public static TaskMark Of(TaskRow row) => new(row.Id, row.Status);
}

/// <summary>Finds the task that a worker's call is about, and refuses calls about ended runs.</summary>
internal sealed class OwnTask(OpenRuns runs, RunEnds ends)
{
    /// <summary>The caller's task, which the call begins when it was not begun.</summary>
    public TaskRow Begin(IWrite write, Caller caller, long? task, long? run)
    {
        var row = Require(write.Db, caller, task, run);
        row = ends.Start(write, row, turn: null);
        ends.Seen(write, row);
        return row;
    }

    /// <summary>True when <see cref="Begin"/> would change nothing: the task is begun, and its agent at work.</summary>
    public bool IsBegun(TaskRow row) =>
        row is { Status: TaskState.Running, Run: { } run } && runs.Find(run) is { IsLost: false, Waits: false };

    /// <summary>The caller's task.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="caller">The agent.</param>
    /// <param name="task">The task; null for the only one that it has.</param>
    /// <param name="run">The run that the call is about; null for the current one.</param>
    /// <exception cref="Problem">It is not the caller's, or its run has ended.</exception>
    public TaskRow Require(DbConnection db, Caller caller, long? task, long? run) =>
        Require(db, caller, task is { } id ? TaskTable.Require(db, id) : Only(db, caller.Name), run);

    /// <summary>The same, of a task that was read.</summary>
    public TaskRow Require(DbConnection db, Caller caller, TaskRow row, long? run)
    {
        if (row.Agent != caller.Name || !row.IsWithAgent)
            throw NotYours(db, row, caller.Name);
        if (run is { } given && given != row.Run)
            throw Problem.Conflict(
                $"run {given} of task {row.Id} has ended; its run is {row.Run} now; stop working on run {given}"
            );
        if (row.Status == TaskState.Assigned && runs.IsInTurn(caller.Name))
        {
            var all = db.Query<long>("SELECT id FROM runs INDEXED BY runs_task WHERE task = @Id", new { row.Id })
                .AsList();
            if (runs.IsInEarlierRun(caller.Name, all, row.Run!.Value))
                throw Problem.Conflict(
                    $"the run of task {row.Id} that this turn began with has ended; end the turn, run {row.Run} comes "
                        + "with a message of its own"
                );
        }

        return row;
    }

    /// <summary>True when an agent has or had a run of a task.</summary>
    public static bool HadRun(DbConnection db, string agent, long task) =>
        db.ExecuteScalar<bool>(
            "SELECT EXISTS (SELECT 1 FROM runs INDEXED BY runs_task WHERE task = @task AND agent = @agent)",
            new { task, agent }
        );

    private static TaskRow Only(DbConnection db, string agent) =>
        TaskTable.OfAgent(db, agent) switch
        {
            [] => throw Problem.Conflict($"{agent} has no task now; a task comes as a message 'task_assigned'"),
            [var only] => only,
            var several => throw Problem.Invalid(
                $"{agent} has several tasks; name one with 'task': {string.Join(", ", several.Select(row => row.Id))}"
            ),
        };

    private static Problem NotYours(DbConnection db, TaskRow row, string caller)
    {
        var since = row.Run is { } run
            ? db.QuerySingleOrDefault<RunRow>($"SELECT {RunRow.Columns} FROM runs WHERE id = @run", new { run })
            : null;
        var text = row.Status switch
        {
            TaskState.Assigned or TaskState.Running =>
                $"is {row.Agent}'s since {TaskViews.Instant(since?.ClaimedAt):u}",
            TaskState.Reviewing => "is being reviewed",
            TaskState.Pending when since is not null =>
                $"is nobody's since {TaskViews.Instant(since.EndedAt):u} (run {since.Id} ended: {since.End})",
            TaskState.Pending => "was given to nobody yet",
            TaskState.Completed => $"was completed by {row.Agent ?? row.CreatedBy} at "
                + $"{TaskViews.Instant(row.CompletedAt):u}",
            TaskState.Failed => $"failed at {TaskViews.Instant(row.CompletedAt):u}",
            _ => $"was cancelled at {TaskViews.Instant(row.CompletedAt):u}",
        };
        return Problem.Conflict($"task {row.Id} {text}; it is not {caller}'s to end, so stop working on it");
    }
}

/// <summary>The rules for the fields that all tools of a worker have.</summary>
internal static class OwnTaskRules
{
    public static void MustBeTaskId<T>(this IRuleBuilder<T, long?> rule, string field = "task") =>
        rule.Must(id => id is null or > 0).WithMessage($"'{field}' must be a positive id");
}
