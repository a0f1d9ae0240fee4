using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Tasks;

/// <summary>The rules that the rows of tasks, tickets and gates keep at every commit, whenever the host is
/// killed.</summary>
internal static class LegalRows
{
    /// <summary>Counts the tasks whose counters differ from what their dependencies say.</summary>
    public const string WrongCounters = """
        SELECT count(*)
          FROM tasks t
         WHERE deps_total <> (SELECT count(*) FROM task_deps d WHERE d.task = t.id)
            OR deps_done <> (SELECT count(*) FROM task_deps d JOIN tasks o ON o.id = d.depends_on
                              WHERE d.task = t.id AND o.status = 'completed')
            OR deps_dead <> (SELECT count(*) FROM task_deps d JOIN tasks o ON o.id = d.depends_on
                              WHERE d.task = t.id AND o.status IN ('failed', 'cancelled'))
            OR dependents <> (SELECT count(*) FROM task_deps d JOIN tasks o ON o.id = d.task
                               WHERE d.depends_on = t.id AND o.completed_at IS NULL)
        """;

    private static readonly (string Name, string Sql)[] OfTasks =
    [
        (
            "tasks with several open runs",
            "SELECT count(*) FROM (SELECT task FROM runs WHERE ended_at IS NULL GROUP BY task HAVING count(*) > 1)"
        ),
        (
            "tasks with an agent and without their open run",
            """
            SELECT count(*)
              FROM tasks t
             WHERE status IN ('assigned', 'running')
               AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = t.run AND r.agent = t.agent AND r.ended_at IS NULL)
            """
        ),
        (
            "open runs of tasks that nobody works on",
            """
            SELECT count(*)
              FROM runs r
              LEFT JOIN tasks t ON t.id = r.task
             WHERE r.ended_at IS NULL AND (t.run IS NOT r.id OR t.status NOT IN ('assigned', 'running'))
            """
        ),
        (
            "messages that another agent than that of their run gets",
            """
            SELECT count(*)
              FROM task_messages m
              JOIN runs r ON r.id = m.run
              JOIN messages b ON b.id = m.message
             WHERE b.recipient <> r.agent OR m.task <> r.task
            """
        ),
        (
            "assigned tasks that do not have exactly one message which is not dealt with",
            """
            SELECT count(*)
              FROM tasks t
             WHERE status = 'assigned'
               AND (SELECT count(*)
                      FROM task_messages m
                      JOIN messages b ON b.id = m.message
                     WHERE m.run = t.run AND b.acked_at IS NULL) <> 1
            """
        ),
        (
            "tasks whose completions in the journal do not fit their status",
            """
            SELECT count(*)
              FROM tasks t
             WHERE (SELECT count(*) FROM task_ends e WHERE e.task = t.id AND e.status = 'completed')
                   <> (status = 'completed')
            """
        ),
        (
            "tasks whose completed runs do not fit their status",
            """
            SELECT count(*)
              FROM tasks t
             WHERE (SELECT count(*) FROM runs r WHERE r.task = t.id AND r.end = 'completed')
                   <> (status IN ('completed', 'reviewing') AND run IS NOT NULL)
            """
        ),
        ("tasks with wrong counters", WrongCounters),
        (
            "locks and requests of tasks that no agent has",
            """
            SELECT count(*)
              FROM locks l
              LEFT JOIN tasks t ON t.id = l.task
             WHERE l.released_at IS NULL AND coalesce(t.status, '') NOT IN ('assigned', 'running')
            """
        ),
        (
            "resources with an exclusive lock and another one",
            """
            SELECT count(*)
              FROM (SELECT 1
                      FROM locks
                     WHERE released_at IS NULL AND acquired_at IS NOT NULL
                     GROUP BY resource_type, resource_id
                    HAVING count(*) > 1 AND sum(mode = 'exclusive') > 0)
            """
        ),
    ];

    private static readonly (string Name, string Sql)[] OfTickets =
    [
        (
            "tickets that do not stand where their history leads",
            """
            SELECT count(*)
              FROM tickets t
             WHERE phase_id IS NOT (SELECT h.to_phase
                                      FROM ticket_history h
                                     WHERE h.ticket = t.id AND h.to_phase IS NOT NULL
                                     ORDER BY h.id DESC
                                     LIMIT 1)
            """
        ),
        (
            "moves that do not begin where the move before ended",
            """
            SELECT count(*)
              FROM (SELECT from_phase, lag(to_phase) OVER (PARTITION BY ticket ORDER BY id) AS before
                      FROM ticket_history
                     WHERE to_phase IS NOT NULL)
             WHERE from_phase IS NOT before
            """
        ),
        (
            "tickets that are done with open tasks, or done by their status only",
            """
            SELECT count(*)
              FROM tickets t
             WHERE (status = 'done') <> (done_at IS NOT NULL)
                OR (done_at IS NOT NULL
                    AND EXISTS (SELECT 1 FROM tasks o WHERE o.ticket = t.id AND o.completed_at IS NULL))
            """
        ),
        (
            "gates that were judged twice as they were",
            "SELECT count(*) FROM (SELECT 1 FROM verdicts GROUP BY ticket, phase_id, rev HAVING count(*) > 1)"
        ),
        (
            "questions that are asked twice",
            """
            SELECT count(*)
              FROM (SELECT 1
                      FROM reviews
                     WHERE decided_at IS NULL AND stale = 0
                     GROUP BY ticket, phase_id, question, task
                    HAVING count(*) > 1)
            """
        ),
        (
            "tasks whose open reviews do not fit their status",
            """
            SELECT count(*)
              FROM tasks t
             WHERE (SELECT count(*) FROM reviews r WHERE r.task = t.id AND r.decided_at IS NULL AND r.stale = 0)
                   <> (t.status = 'reviewing')
            """
        ),
        (
            "open tasks of validators without an open review",
            """
            SELECT count(*)
              FROM tasks t
             WHERE t.kind = 'review' AND t.completed_at IS NULL
               AND NOT EXISTS (SELECT 1
                                 FROM reviews r
                                WHERE r.review_task = t.id AND r.decided_at IS NULL AND r.stale = 0)
            """
        ),
        (
            "reviews that those decided who did the work",
            """
            SELECT count(*)
              FROM reviews v
             WHERE v.verdict IN ('passed', 'failed')
               AND EXISTS (SELECT 1
                             FROM tasks t
                             JOIN runs r ON r.task = t.id
                            WHERE t.ticket = v.ticket AND t.phase_id = v.phase_id AND t.kind <> 'review'
                              AND r.agent = v.reviewer)
            """
        ),
        (
            "phases with more rework than failed verdicts",
            """
            SELECT count(*)
              FROM (SELECT ticket, phase_id, count(*) AS made
                      FROM tasks
                     WHERE task_type = 'rework'
                     GROUP BY ticket, phase_id) r
             WHERE made > (SELECT count(*)
                             FROM verdicts v
                            WHERE v.ticket = r.ticket AND v.phase_id = r.phase_id AND v.status = 'failed')
            """
        ),
    ];

    private const string Covers = """
        (b.scope = 'global'
            OR (b.scope = 'agent' AND k.agent = b.scope_id)
            OR (b.scope = 'ticket' AND k.ticket = CAST(b.scope_id AS INTEGER))
            OR (b.scope = 'phase' AND k.phase = b.scope_id)
            OR (b.scope = 'task_type' AND k.task_type = b.scope_id))
        """;

    private static readonly (string Name, string Sql)[] OfCosts =
    [
        (
            "budgets that have not spent what was booked",
            $"""
            SELECT count(*)
              FROM budgets b
             WHERE (spent_micro, spent_tokens) IS NOT
                   (SELECT coalesce(sum(micro), 0),
                           coalesce(sum(prompt_tokens + completion_tokens + cache_read_tokens
                                        + cache_creation_tokens), 0)
                      FROM bookings k
                     WHERE k.at >= b.period_start AND k.at < coalesce(b.period_end, 9e18) AND {Covers})
            """
        ),
        (
            "budgets that have not reserved what runs reserve",
            """
            SELECT count(*)
              FROM budgets b
             WHERE (reserved_micro, reserved_tokens) IS NOT
                   (SELECT coalesce(sum(micro), 0), coalesce(sum(tokens), 0) FROM reservations r WHERE r.budget = b.id)
            """
        ),
        (
            "reservations of runs that have ended and of which no open turn is",
            """
            SELECT count(*)
              FROM reservations v
              LEFT JOIN runs r ON r.id = v.run
             WHERE (r.id IS NULL OR r.ended_at IS NOT NULL)
               AND NOT EXISTS (SELECT 1
                                 FROM task_turns h
                                 JOIN turns t ON t.id = h.turn
                                WHERE h.run = v.run AND t.ended_at IS NULL)
            """
        ),
        (
            "tasks whose cost differs from their bookings",
            """
            SELECT count(*)
              FROM tasks t
             WHERE cost_micro <> (SELECT coalesce(sum(micro), 0) FROM bookings k WHERE k.task = t.id)
            """
        ),
        (
            "turns that were booked twice on a task",
            "SELECT count(*) FROM (SELECT 1 FROM bookings GROUP BY turn, task HAVING count(*) > 1)"
        ),
        (
            "tasks whose hold of a budget has no reason, or the other way around",
            """
            SELECT count(*) FROM tasks WHERE completed_at IS NULL AND (holds & 32 <> 0) <> (budget_hold IS NOT NULL)
            """
        ),
        (
            "budgets that have not counted the tasks that they hold",
            """
            SELECT count(*)
              FROM budgets b
             WHERE (held_tasks, held_micro, held_tokens) IS NOT
                   (SELECT count(*),
                           coalesce(min(t.budget_hold ->> 'micro'), 0),
                           coalesce(min(t.budget_hold ->> 'tokens'), 0)
                      FROM tasks t, json_each(t.budget_hold, '$.budgets') held
                     WHERE t.completed_at IS NULL AND t.budget_hold IS NOT NULL AND held.value = b.id)
            """
        ),
    ];

    /// <summary>Checks the rows of bookings, budgets and reservations.</summary>
    public static void CheckCosts(DbConnection db) => Check(db, OfCosts);

    /// <summary>Checks the rows of tasks, their runs, messages and ends.</summary>
    public static void CheckTasks(DbConnection db) => Check(db, OfTasks);

    /// <summary>Checks the rows of a host in another process.</summary>
    public static void CheckAll(string dataDir) =>
        In(
            dataDir,
            db =>
            {
                Check(db, OfTasks);
                Check(db, OfCosts);
                Check(db, OfTickets);
                return 0;
            }
        );

    /// <summary>Reads one state of the database of a host in another process.</summary>
    public static T In<T>(string dataDir, Func<DbConnection, T> query)
    {
        using var db = new SqliteConnection(
            $"Data Source={Path.Combine(dataDir, "hive.sqlite")};Mode=ReadOnly;Pooling=False"
        );
        db.Open();
        using var state = db.BeginTransaction(deferred: true);
        return query(db);
    }

    private static void Check(DbConnection db, (string Name, string Sql)[] rules)
    {
        foreach (var (name, sql) in rules)
        {
            var count = db.ExecuteScalar<long>(sql);
            Assert.True(count == 0, $"{count} {name}");
        }
    }
}
