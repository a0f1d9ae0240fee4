using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Tasks;

/// <summary>Reads and writes rows of tasks; it decides nothing.</summary>
internal static class TaskTable
{
    public static TaskRow? Find(DbConnection db, long id) =>
        db.Prepare($"SELECT {TaskRow.Columns} FROM tasks WHERE id = ?1").Bind(1, id).One<TaskRow>();

    public static TaskRow Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"task {id} not found");

    public static List<TaskRow> OfTicket(DbConnection db, long ticket) =>
        db.Prepare($"SELECT {TaskRow.Columns} FROM tasks WHERE ticket = @ticket ORDER BY id")
            .With(new { ticket })
            .All<TaskRow>();

    /// <summary>The tasks of a ticket, without descriptions, locks and results: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> OutlineOf(DbConnection db, long ticket) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.ShortColumns}, expected
                  FROM tasks INDEXED BY tasks_ticket
                 WHERE ticket = @ticket
                 ORDER BY id
                """
            )
            .With(new { ticket })
            .All<TaskRow>();

    public static long[] IdsOfTicket(DbConnection db, long ticket) =>
        [.. db.Query<long>("SELECT id FROM tasks INDEXED BY tasks_ticket WHERE ticket = @ticket", new { ticket })];

    /// <summary>The tasks of a ticket that have not ended, without their long texts: not for
    /// <see cref="Update"/>.</summary>
    public static List<TaskRow> OpenOfTicket(DbConnection db, long ticket) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.ShortColumns}
                  FROM tasks INDEXED BY tasks_ticket_open
                 WHERE ticket = @ticket AND completed_at IS NULL
                 ORDER BY id
                """
            )
            .With(new { ticket })
            .All<TaskRow>();

    /// <summary>The first tasks of a ticket, without their long texts: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> FirstOfTicket(DbConnection db, long ticket, int most) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.ShortColumns}
                  FROM tasks INDEXED BY tasks_ticket
                 WHERE ticket = @ticket
                 ORDER BY id
                 LIMIT @most
                """
            )
            .With(new { ticket, most })
            .All<TaskRow>();

    /// <summary>Tasks by id, without their long texts: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> Among(DbConnection db, IEnumerable<long> ids) =>
        db.Prepare(
                $"SELECT {TaskRow.ShortColumns} FROM tasks WHERE id IN (SELECT value FROM json_each(@ids)) ORDER BY id"
            )
            .With(new { ids = TaskRow.Json(ids) })
            .All<TaskRow>();

    /// <summary>The tasks of tickets that have failed, without their long texts: not for
    /// <see cref="Update"/>.</summary>
    public static List<TaskRow> FailedOf(DbConnection db, IEnumerable<long> tickets) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.ShortColumns}
                  FROM tasks INDEXED BY tasks_ticket
                 WHERE ticket IN (SELECT value FROM json_each(@tickets)) AND status = 'failed'
                 ORDER BY id
                """
            )
            .With(new { tickets = TaskRow.Json(tickets) })
            .All<TaskRow>();

    /// <summary>The tasks of tickets that the host may hold for a person, without their long texts: not for
    /// <see cref="Update"/>.</summary>
    public static List<TaskRow> HeldOf(DbConnection db, IEnumerable<long> tickets) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.ShortColumns}
                  FROM tasks INDEXED BY tasks_ticket_open
                 WHERE ticket IN (SELECT value FROM json_each(@tickets)) AND completed_at IS NULL
                   AND status = 'pending' AND hold_reason IS NOT NULL
                 ORDER BY id
                """
            )
            .With(new { tickets = TaskRow.Json(tickets) })
            .All<TaskRow>();

    /// <summary>The tasks of a ticket that agents have now.</summary>
    public static List<TaskRow> WithAgents(DbConnection db, long ticket) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.Columns}
                  FROM tasks INDEXED BY tasks_ticket_open
                 WHERE ticket = @ticket AND completed_at IS NULL AND status IN ('assigned', 'running')
                 ORDER BY id
                """
            )
            .With(new { ticket })
            .All<TaskRow>();

    /// <summary>The tasks that an agent has now.</summary>
    public static List<TaskRow> OfAgent(DbConnection db, string agent) =>
        db.Prepare(
                $"""
                SELECT {TaskRow.Columns}
                  FROM tasks INDEXED BY tasks_agent
                 WHERE agent = @agent AND completed_at IS NULL AND status IN ('assigned', 'running')
                 ORDER BY id
                """
            )
            .With(new { agent })
            .All<TaskRow>();

    /// <summary>True for an agent that has or had a task of the ticket.</summary>
    public static bool HasWorkedOn(DbConnection db, string agent, long ticket) =>
        db.ExecuteScalar<bool>(
            """
            SELECT EXISTS (
                SELECT 1
                  FROM tasks t INDEXED BY tasks_ticket
                  JOIN runs r INDEXED BY runs_task ON r.task = t.id
                 WHERE t.ticket = @ticket AND r.agent = @agent)
            """,
            new { agent, ticket }
        );

    /// <summary>The tasks that budgets hold, with what budgets ask of them: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> HeldByBudget(DbConnection db) =>
        db.Prepare(
                """
                SELECT id, budget_hold
                  FROM tasks INDEXED BY tasks_budget
                 WHERE budget_hold IS NOT NULL AND completed_at IS NULL
                 ORDER BY id
                """
            )
            .All<TaskRow>();

    /// <summary>All tasks that have not ended, without their long texts: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> Open(DbConnection db) =>
        db.Prepare(
                $"SELECT {TaskRow.ShortColumns} FROM tasks INDEXED BY tasks_open WHERE completed_at IS NULL ORDER BY id"
            )
            .All<TaskRow>();

    /// <summary>The open tasks that the queue may hold, with what it keeps of them: not for
    /// <see cref="Update"/>.</summary>
    public static void Queued(DbConnection db, Action<TaskRow> take) =>
        db.Prepare(
                """
                SELECT id, ticket, phase_id, kind, priority, status, holds, capabilities, wants_agent, prefers,
                       excludes, agent, run, dependents, retry_count, max_retries, deadline_at, ready_at, budget_hold,
                       iif(budget_hold IS NULL, '', task_type) AS task_type
                  FROM tasks INDEXED BY tasks_open
                 WHERE completed_at IS NULL
                   AND ((status = 'pending' AND holds = 0) OR status IN ('assigned', 'running', 'reviewing')
                        OR budget_hold IS NOT NULL)
                 ORDER BY id
                """
            )
            .Each(take);

    /// <summary>The tasks that are tried again after a pause, with its end: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> Paused(DbConnection db) =>
        db.Prepare(
                """
                SELECT id, not_before
                  FROM tasks INDEXED BY tasks_open
                 WHERE completed_at IS NULL AND status = 'pending' AND holds & @Retry <> 0
                 ORDER BY id
                """
            )
            .With(new { Retry = (long)Hold.Retry })
            .All<TaskRow>();

    /// <summary>The barriers and merges that wait, with their deadlines: not for <see cref="Update"/>.</summary>
    public static List<TaskRow> OpenJoins(DbConnection db) =>
        db.Prepare(
                """
                SELECT id, deadline_at, timeout_seconds
                  FROM tasks INDEXED BY tasks_open
                 WHERE completed_at IS NULL AND status = 'pending' AND kind IN ('barrier', 'merge')
                 ORDER BY id
                """
            )
            .All<TaskRow>();

    public static TaskRow Insert(IWrite write, TaskRow row) =>
        row with
        {
            Id = write.Prepare(InsertSql).With(row).Number()!.Value,
        };

    public static void Update(IWrite write, TaskRow row) => write.Prepare(UpdateSql).With(row).Run();

    /// <summary>Replaces the holds of a task alone.</summary>
    public static void UpdateHolds(IWrite write, TaskRow row) =>
        write
            .Prepare("UPDATE tasks SET holds = @Holds, ready_at = @ReadyAt, budget_hold = @BudgetHold WHERE id = @Id")
            .With(row)
            .Run();

    /// <summary>Replaces the end of the run whose result was reviewed: it was not completed after all.</summary>
    public static void SetEnd(IWrite write, TaskRow row, string end, string note) =>
        write
            .Prepare("UPDATE runs SET end = ?2, note = ?3 WHERE id = ?1")
            .Bind(1, row.Run)
            .Bind(2, end)
            .Bind(3, note)
            .Run();

    /// <summary>Cancels all open tasks of a ticket, and counts that in those that wait for them.</summary>
    public static void CancelOpen(IWrite write, long ticket, string error, long now)
    {
        var args = new
        {
            ticket,
            error,
            now,
        };
        foreach (var sql in CancelOpenSql)
            write.Db.Execute(sql, args);
    }

    /// <summary>Counts an ended or reopened task in those that wait for it.</summary>
    public static List<TaskRow> CountInDependents(IWrite write, long task, int done, int dead, long now) =>
        write
            .Prepare(DependentsSql)
            .With(
                new
                {
                    task,
                    done,
                    dead,
                    now,
                }
            )
            .All<TaskRow>();

    /// <summary>Counts a task in those that it waits for.</summary>
    public static List<TaskRow> CountInDependencies(IWrite write, long task, int change) =>
        write
            .Prepare(
                $"""
                UPDATE tasks
                   SET dependents = dependents + @change
                 WHERE id IN (SELECT depends_on FROM task_deps WHERE task = @task)
                RETURNING {TaskRow.Columns}
                """
            )
            .With(new { task, change })
            .All<TaskRow>();

    /// <summary>Counts a new task in those that it waits for.</summary>
    public static void CountAsDependent(IWrite write, long task) =>
        write.Db.Execute(
            """
            UPDATE tasks
               SET dependents = dependents + 1
             WHERE id IN (SELECT depends_on FROM task_deps WHERE task = @task)
            """,
            new { task }
        );

    /// <summary>The tasks that a task waits for.</summary>
    public static List<long> DependenciesOf(DbConnection db, long task) =>
        db.Query<long>("SELECT depends_on FROM task_deps WHERE task = @task ORDER BY depends_on", new { task })
            .AsList();

    /// <summary>The edges of a ticket: what waits, and for what.</summary>
    public static List<(long Task, long DependsOn)> EdgesOf(DbConnection db, long ticket) =>
        db.Query<(long, long)>(
                """
                SELECT d.task, d.depends_on
                  FROM tasks t INDEXED BY tasks_ticket
                  JOIN task_deps d ON d.task = t.id
                 WHERE t.ticket = @ticket
                 ORDER BY d.task, d.depends_on
                """,
                new { ticket }
            )
            .AsList();

    /// <summary>Adds an edge behind those that the task has.</summary>
    public static void AddEdge(IWrite write, long task, long dependsOn) =>
        write.Db.Execute(
            """
            INSERT INTO task_deps (task, depends_on, need, place)
            SELECT @task, @dependsOn, 'completed', coalesce(max(place) + 1, 0)
              FROM task_deps
             WHERE task = @task
            """,
            new { task, dependsOn }
        );

    /// <summary>The results of the completed tasks that a task waits for, in the order in which they were
    /// named.</summary>
    public static List<(long Id, string Title, string? Result)> ResultsFor(DbConnection db, long task) =>
        db.Query<(long, string, string?)>(
                """
                SELECT t.id, t.title, t.result
                  FROM task_deps d
                  JOIN tasks t ON t.id = d.depends_on
                 WHERE d.task = @task AND t.status = 'completed'
                 ORDER BY d.place
                """,
                new { task }
            )
            .AsList();

    // As TaskRow.Needed.
    private const string Needed = """
        min(deps_total,
            CASE WHEN quorum IS NULL THEN deps_total WHEN quorum = 0 THEN deps_total / 2 + 1 ELSE quorum END)
        """;

    private const string InsertSql = """
        INSERT INTO tasks (
            ticket, phase_id, kind, task_type, title, description, priority, status, holds, hold_reason, capabilities,
            wants_agent, prefers, excludes, deps_total, deps_done, deps_dead, quorum, max_retries, timeout_seconds,
            deadline_at, review, locks, expected, template, parent, discovery, depth, pattern, merge_strategy,
            fields, ref, created_by, created_at, ready_at)
        VALUES (
            @Ticket, @PhaseId, @Kind, @TaskType, @Title, @Description, @Priority, @Status, @Holds, @HoldReason,
            @Capabilities, @WantsAgent, @Prefers, @Excludes, @DepsTotal, @DepsDone, @DepsDead, @Quorum, @MaxRetries,
            @TimeoutSeconds, @DeadlineAt, @Review, @Locks, @Expected, @Template, @Parent, @Discovery, @Depth, @Pattern,
            @MergeStrategy, @Fields, @Ref, @CreatedBy, @CreatedAt, @ReadyAt)
        RETURNING id
        """;

    // Not the counts of dependents and the cost, which change beside it.
    private const string UpdateSql = """
        UPDATE tasks
           SET title = @Title, description = @Description, priority = @Priority, status = @Status, holds = @Holds,
               hold_reason = @HoldReason, hold_note = @HoldNote, lock_reason = @LockReason,
               lock_held_at = @LockHeldAt, wants_agent = @WantsAgent, prefers = @Prefers, agent = @Agent, run = @Run,
               deps_total = @DepsTotal, deps_done = @DepsDone, deps_dead = @DepsDead, retry_count = @RetryCount,
               faults = @Faults, not_before = @NotBefore, timeout_seconds = @TimeoutSeconds, deadline_at = @DeadlineAt,
               iteration = @Iteration, progress = @Progress, progress_percent = @ProgressPercent,
               progress_at = @ProgressAt, result = @Result, error_message = @ErrorMessage, error_kind = @ErrorKind,
               ready_at = @ReadyAt, started_at = @StartedAt, completed_at = @CompletedAt, budget_hold = @BudgetHold
         WHERE id = @Id
        """;

    private static readonly string[] CancelOpenSql =
    [
        """
            INSERT INTO task_ends (task, status, at)
            SELECT id, 'cancelled', @now
              FROM tasks INDEXED BY tasks_ticket_open
             WHERE ticket = @ticket AND completed_at IS NULL
             ORDER BY id
            """,
        """
            UPDATE tasks INDEXED BY tasks_ticket_open
               SET status = 'cancelled', completed_at = @now, ready_at = NULL, error_message = @error, error_kind = NULL
             WHERE ticket = @ticket AND completed_at IS NULL
            """,
        """
            UPDATE tasks INDEXED BY tasks_ticket
               SET dependents = 0,
                   deps_dead = (SELECT count(*)
                                  FROM task_deps d
                                  JOIN tasks o ON o.id = d.depends_on
                                 WHERE d.task = tasks.id AND o.status IN ('failed', 'cancelled'))
             WHERE ticket = @ticket
            """,
        $"""
            UPDATE tasks INDEXED BY tasks_ticket
               SET holds = (holds & ~3)
                       | (CASE WHEN deps_done < {Needed} THEN 1 ELSE 0 END)
                       | (CASE WHEN deps_dead > deps_total - {Needed} THEN 2 ELSE 0 END)
             WHERE ticket = @ticket AND deps_total > 0
            """,
    ];

    private const string NewHolds = $"""
        (holds & ~3)
            | (CASE WHEN deps_done + @done < {Needed} THEN 1 ELSE 0 END)
            | (CASE WHEN deps_dead + @dead > deps_total - {Needed} THEN 2 ELSE 0 END)
        """;

    private const string DependentsSql = $"""
        UPDATE tasks
           SET deps_done = deps_done + @done,
               deps_dead = deps_dead + @dead,
               holds = {NewHolds},
               ready_at = CASE WHEN status = 'pending' AND ({NewHolds}) = 0 THEN coalesce(ready_at, @now) END
         WHERE id IN (SELECT task FROM task_deps WHERE depends_on = @task)
        RETURNING {TaskRow.Columns}
        """;
}
