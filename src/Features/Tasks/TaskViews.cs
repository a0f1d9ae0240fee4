using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Makes the views of rows.</summary>
internal static class TaskViews
{
    private const int NamedTasks = 10;

    /// <summary>The views of rows, in their order.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="live">What is not in the rows: the places of ready tasks, and what others wait for now.</param>
    public static IReadOnlyList<TaskView> Of(
        DbConnection db,
        IReadOnlyCollection<TaskRow> rows,
        TaskChanges? live = null
    )
    {
        if (rows.Count == 0)
            return [];
        var edges = rows.Any(row => row.DepsTotal > 0)
            ? db.Prepare(EdgesSql)
                .With(new { ids = TaskRow.Json(rows.Select(row => row.Id)) })
                .All<Edge>()
                .ToLookup(e => e.Task)
            : null;
        return
        [
            .. rows.Select(row =>
                Of(
                    row,
                    edges?[row.Id].ToArray() ?? [],
                    row.IsReady ? live?.ScoreOf(row.Id) : null,
                    row.Held.HasFlag(Hold.Lock) ? live?.LockReasonOf(row.Id) ?? row.LockReason : null,
                    row.Held.HasFlag(Hold.Ticket) ? live?.TicketReasonOf(db, row) : null
                )
            ),
        ];
    }

    /// <summary>The runs of a task, the newest first.</summary>
    public static IReadOnlyList<TaskRun> Runs(DbConnection db, long task) =>
        [
            .. db.Query<RunRow>(
                    $"SELECT {RunRow.Columns} FROM runs WHERE task = @task ORDER BY id DESC LIMIT 200",
                    new { task }
                )
                .Select(run => run.ToView()),
        ];

    /// <summary>A task with its long texts.</summary>
    public static TaskDetail Detail(DbConnection db, TaskRow row, TaskChanges? live = null) =>
        new(
            Of(db, [row], live)[0],
            row.Description,
            TaskRow.List<ExpectedOutput>(row.Expected),
            Runs(db, row.Id),
            row.ReadResult(),
            row.Locks is null ? null : TaskRow.List<string>(row.Locks),
            row.Template,
            row.Ref,
            row.Fields is null ? null : TaskRow.List<string>(row.Fields),
            row.IsReady ? live?.UnservableReason(row.Id) : null
        );

    public static DateTimeOffset? Instant(long? milliseconds) =>
        milliseconds is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null;

    private static TaskView Of(
        TaskRow row,
        IReadOnlyList<Edge> edges,
        double? score,
        string? lockReason,
        string? ticketReason
    ) =>
        new(
            row.Id,
            row.Ticket,
            row.PhaseId,
            row.Kind,
            row.TaskType,
            row.Title,
            Priorities.Word((int)row.Priority),
            row.Status,
            row.IsPending ? [.. Holds(row, edges, lockReason, ticketReason)] : [],
            TaskRow.List<string>(row.Capabilities),
            [.. edges.Select(e => e.DependsOn)],
            new TaskDeps((int)row.DepsTotal, (int)row.DepsDone, (int)row.DepsDead, TaskRow.QuorumWord(row.Quorum)),
            (int)row.RetryCount,
            (int)row.MaxRetries,
            (int)row.Faults,
            (int)row.Iteration,
            row.TimeoutSeconds,
            row.CreatedBy,
            DateTimeOffset.FromUnixTimeMilliseconds(row.CreatedAt),
            row.Agent,
            row.WantsAgent,
            row.Run,
            row.Progress,
            (int?)row.ProgressPercent,
            Instant(row.ProgressAt),
            row.ErrorMessage,
            row.ErrorKind,
            score,
            Instant(row.NotBefore),
            Instant(row.DeadlineAt),
            Instant(row.ReadyAt),
            Instant(row.StartedAt),
            Instant(row.CompletedAt),
            row.Parent,
            row.Review,
            row.Discovery,
            row.Depth == 0 ? null : (int)row.Depth,
            row.Pattern,
            row.MergeStrategy,
            row.CostMicro == 0 ? null : Money.Usd(row.CostMicro)
        );

    private static IEnumerable<TaskHold> Holds(
        TaskRow row,
        IReadOnlyList<Edge> edges,
        string? lockReason,
        string? ticketReason
    )
    {
        var held = row.Held;
        if (held.HasFlag(Hold.Dependency) && edges.Where(e => e.IsOpen).ToArray() is { Length: > 0 } open)
            yield return new TaskHold("dependency", $"waits for {Some(row, row.Needed - row.DepsDone)}{Named(open)}");
        if (held.HasFlag(Hold.FailedDependency))
        {
            var dead = edges.Where(e => e.IsDead).ToArray();
            yield return new TaskHold(
                "failed_dependency",
                $"needs {Some(row, row.DepsDead - row.DepsTotal + row.Needed)}{Named(dead)}, which "
                    + $"{(dead.Length == 1 ? "has" : "have")} failed or were cancelled; retry or skip the failed task, "
                    + "or remove the dependency"
            );
        }

        if (held.HasFlag(Hold.Retry))
            yield return new TaskHold("retry", $"is tried again at {Instant(row.NotBefore):u}");
        if (held.HasFlag(Hold.Ticket))
            yield return new TaskHold("ticket", ticketReason ?? $"ticket {row.Ticket} does not run");
        if (held.HasFlag(Hold.Phase))
            yield return new TaskHold("phase", $"ticket {row.Ticket} has not reached {row.PhaseId}");
        if (held.HasFlag(Hold.Budget))
            yield return new TaskHold("budget", BudgetHold.Of(row)?.Reason ?? "a budget is used up");
        if (held.HasFlag(Hold.Lock))
            yield return new TaskHold("lock", lockReason ?? "another task has its resource");
        if (held.HasFlag(Hold.Operator))
            yield return new TaskHold(
                "operator",
                row.HoldReason ?? row.HoldNote ?? "held by a person until it is released"
            );
    }

    // With a quorum, some of them are enough.
    private static string Some(TaskRow row, long count) =>
        row.Needed < row.DepsTotal ? $"{Math.Max(1, count)} of " : "";

    private static string Named(IReadOnlyCollection<Edge> tasks) =>
        (tasks.Count == 1 ? "task " : "tasks ")
        + string.Join(", ", tasks.Take(NamedTasks).Select(t => t.DependsOn))
        + (tasks.Count > NamedTasks ? $" and {tasks.Count - NamedTasks} more" : "");

    private const string EdgesSql = """
        SELECT d.task, d.depends_on, t.status
          FROM json_each(@ids) i
          JOIN task_deps d ON d.task = i.value
          JOIN tasks t ON t.id = d.depends_on
         ORDER BY d.task, d.depends_on
        """;

    private sealed record Edge
    {
        public required long Task { get; init; }

        public required long DependsOn { get; init; }

        public required string Status { get; init; }

        public bool IsDead => Status is TaskState.Failed or TaskState.Cancelled;

        public bool IsOpen => !IsDead && Status != TaskState.Completed;
    }
}

/// <summary>A row of <c>runs</c>, read with <see cref="Columns"/>.</summary>
internal sealed record RunRow
{
    public const string Columns =
        "id, task, agent, turn, claimed_at, started_at, ended_at, end, note, nudges, estimate_micro, spent_ms";

    public required long Id { get; init; }

    public required long Task { get; init; }

    public required string Agent { get; init; }

    public long? Turn { get; init; }

    public required long ClaimedAt { get; init; }

    public long? StartedAt { get; init; }

    public long? EndedAt { get; init; }

    public string? End { get; init; }

    public string? Note { get; init; }

    public required long Nudges { get; init; }

    public long? EstimateMicro { get; init; }

    public required long SpentMs { get; init; }

    public TaskRun ToView() =>
        new(
            Id,
            Task,
            Agent,
            DateTimeOffset.FromUnixTimeMilliseconds(ClaimedAt),
            (int)Nudges,
            TaskViews.Instant(StartedAt),
            TaskViews.Instant(EndedAt),
            End,
            Note,
            Turn,
            EstimateMicro is { } micro ? Money.Usd(micro) : null
        );
}
