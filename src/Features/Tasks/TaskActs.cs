using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Locks.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Acts of people and other slices on tasks: the guards of the table of states, in one place.</summary>
internal sealed class TaskActs(
    TaskChanges changes,
    TaskMaking making,
    RunEnds ends,
    RunClocks clocks,
    OpenRuns runs,
    OwnTask own,
    Claims claims,
    ILocks locks,
    ITickets tickets,
    Lazy<IEnumerable<ITaskChecks>> checks
) : ITasks, ITaskRuns
{
    public TaskEntry Require(DbConnection db, long id) => TaskTable.Require(db, id).ToEntry();

    public IReadOnlyList<(long Task, long Ticket)> Of(string agent) =>
        [.. runs.Of(agent).Select(run => (run.Task, run.Ticket))];

    public (int Open, int Stopped) Count(DbConnection db, IEnumerable<long> tasks, IEnumerable<long> tickets) =>
        db.QuerySingle<(int, int)>(
            """
            WITH RECURSIVE stopped (id) AS (
                SELECT value
                  FROM json_each(@tasks)
                 UNION
                SELECT t.id
                  FROM json_each(@tickets) w
                  JOIN tasks t INDEXED BY tasks_ticket_open ON t.ticket = w.value
                 WHERE t.completed_at IS NULL
                 UNION
                SELECT t.id
                  FROM stopped s
                  JOIN task_deps d INDEXED BY task_deps_reverse ON d.depends_on = s.id
                  JOIN tasks t ON t.id = d.task
                 WHERE t.completed_at IS NULL
            )
            SELECT (SELECT count(*) FROM tasks INDEXED BY tasks_open WHERE completed_at IS NULL),
                   (SELECT count(*) FROM stopped s JOIN tasks t ON t.id = s.id WHERE t.completed_at IS NULL)
            """,
            new { tasks = TaskRow.Json(tasks), tickets = TaskRow.Json(tickets) }
        );

    public IReadOnlyList<(long Id, string PhaseId)> Completed(DbConnection db, long ticket) =>
        db.Query<(long, string)>(
                """
                SELECT id, phase_id
                  FROM tasks INDEXED BY tasks_ticket
                 WHERE ticket = @ticket AND status = 'completed'
                 ORDER BY id
                """,
                new { ticket }
            )
            .AsList();

    public IReadOnlyList<TaskEntry> Outline(DbConnection db, long ticket) =>
        [.. TaskTable.OutlineOf(db, ticket).Select(row => row.ToEntry())];

    public IReadOnlyList<TaskEntry> Of(DbConnection db, long ticket) =>
        [.. TaskTable.OfTicket(db, ticket).Select(row => row.ToEntry())];

    public string? NoRoom(IWrite write, long ticket, int count) =>
        making.NoRoom(write, tickets.Require(write.Db, ticket), count);

    public long Add(IWrite write, long ticket, TaskSpec spec, string actor, string? prefers = null, long? parent = null)
    {
        var of = tickets.Require(write.Db, ticket);
        making.MustFit(write, of, 1);
        // A follow-up is as deep as the task that it follows from.
        var depth = parent is { } from ? TaskTable.Find(write.Db, from)?.Depth ?? 0 : 0;
        return making.Add(write, of, [spec], _ => new(actor, prefers, parent, Depth: depth))[0].Id;
    }

    public TaskEntry Begin(IWrite write, Caller caller, long? task, long? run) =>
        own.Begin(write, caller, task, run).ToEntry();

    public bool HasWorkedOn(DbConnection db, string agent, long ticket) => TaskTable.HasWorkedOn(db, agent, ticket);

    public void Reassign(IWrite write, long task, string to, string note)
    {
        var row = TaskTable.Require(write.Db, task);
        if (row.Status != TaskState.Running || row.Agent == to)
            throw Problem.Conflict($"task {task} is {row.Status} by {row.Agent ?? "nobody"}; it cannot go to {to} now");
        ends.EndRun(write, row, RunEnd.HandedOff, note, keepsLocks: true);
        claims.Pass(write, row, to);
        locks.Reassign(write, task, to);
    }

    /// <summary>Cancels a task that has not ended, with its run and its turn.</summary>
    public TaskRow Cancel(IWrite write, TaskRow row, string reason)
    {
        MustBeOpen(row);
        return ends.Cancel(write, row, reason);
    }

    /// <summary>Lets a failed or cancelled task be tried again.</summary>
    public TaskRow Retry(IWrite write, TaskRow row, string actor)
    {
        if (!row.IsDead)
            throw Problem.Conflict(
                $"task {row.Id} is {row.Status}; only a failed or cancelled task can be tried again"
            );
        MustNotHaveEnded(write, row);
        if (row.IsJoin)
            return Again(write, row, actor);
        if (row.IsReview)
        {
            foreach (var check in checks.Value)
                check.MustBeOpen(write, row.ToEntry());
        }

        var again = changes.Set(
            write,
            row,
            ends.Pending(write, row, Tasks.Hold.None) with
            {
                RetryCount = 0,
                Iteration = 0,
                Faults = 0,
                ErrorMessage = null,
                ErrorKind = null,
            }
        );
        ends.UnblockStuck(write, row.Ticket, actor);
        return TaskTable.Require(write.Db, again.Id);
    }

    // It waits again, from now on.
    private TaskRow Again(IWrite write, TaskRow row, string actor)
    {
        if (row.IsHopeless)
            throw Problem.Conflict(
                $"task {row.Id} needs {row.Needed} of {row.DepsTotal} tasks, and {row.DepsDead} of them have failed or "
                    + "were cancelled; retry or skip one of those"
            );
        var ticket = tickets.Require(write.Db, row.Ticket);
        changes.Set(write, row, Joins.Again(row, ticket, changes));
        ends.UnblockStuck(write, row.Ticket, actor);
        return TaskTable.Require(write.Db, row.Id);
    }

    /// <summary>Counts a task as completed although nobody did it.</summary>
    public TaskRow Skip(IWrite write, TaskRow row, string? reason, string actor)
    {
        if (row.Status == TaskState.Completed)
            throw Ended(row);
        if (row.IsReview)
            throw Problem.Conflict($"task {row.Id} is a review; decide the review instead, with review_decide");
        if (!row.IsPending && !row.IsDead)
            throw Problem.Conflict($"task {row.Id} is {row.Status} by {row.Agent}; cancel it first");
        MustNotHaveEnded(write, row);
        var summary = $"skipped by {actor}" + (reason is null ? "" : $": {reason}");
        var skipped = changes.Set(
            write,
            row,
            row with
            {
                Status = TaskState.Completed,
                CompletedAt = row.CompletedAt ?? changes.Now,
                Result = TaskRow.Json(new TaskResult(summary, [], [], [])),
                ErrorMessage = null,
                ErrorKind = "skipped",
            }
        );
        ends.UnblockStuck(write, row.Ticket, actor);
        return skipped;
    }

    /// <summary>Holds a task that is not begun.</summary>
    public TaskRow Hold(IWrite write, TaskRow row, string? reason, string actor)
    {
        MustBePending(row);
        return changes.Set(
            write,
            row,
            row with
            {
                Holds = row.Holds | (long)Tasks.Hold.Operator,
                // A hold of the host stays a matter for the operator.
                HoldReason = row.IsHeldByHost ? row.HoldReason : null,
                HoldNote = reason is null ? null : $"held by {actor}: {reason}",
            }
        );
    }

    /// <summary>Releases a held task.</summary>
    public TaskRow Release(IWrite write, TaskRow row)
    {
        MustBePending(row);
        return row.Held.HasFlag(Tasks.Hold.Operator)
            ? changes.Set(
                write,
                row,
                row with
                {
                    Holds = row.Holds & ~(long)Tasks.Hold.Operator,
                    HoldReason = null,
                    HoldNote = null,
                    Faults = 0,
                }
            )
            : throw Problem.Conflict($"task {row.Id} is not held by a person");
    }

    /// <summary>Replaces the texts of a task that is not begun.</summary>
    public TaskRow Describe(IWrite write, TaskRow row, string? title, string? description)
    {
        MustBePending(row);
        return changes.Set(
            write,
            row,
            row with
            {
                Title = title ?? row.Title,
                Description = description ?? row.Description,
            }
        );
    }

    public TaskRow SetPriority(IWrite write, TaskRow row, int priority)
    {
        MustBeOpen(row);
        return changes.Set(write, row, row with { Priority = priority });
    }

    /// <summary>Gives a task to one agent alone, or to any again.</summary>
    public TaskRow Assign(IWrite write, TaskRow row, string? agent)
    {
        MustBePending(row);
        if (row.IsJoin)
            throw Problem.Conflict($"task {row.Id} is a {row.Kind}, which no agent does");
        if (agent is not null)
            making.MustTakeTasks(agent, row.IsReview ? Duty.Validator : Duty.Worker);
        if (agent is not null && row.IsReview && TaskChanges.Excluded(write.Db, row).Contains(agent))
            throw Problem.Conflict($"task {row.Id} is a review of {agent}'s own work; name another agent");
        return changes.Set(write, row, row with { WantsAgent = agent });
    }

    public TaskRow Depend(IWrite write, TaskRow row, long on)
    {
        MustBePending(row);
        return making.Depend(write, row, on);
    }

    public TaskRow Undepend(IWrite write, TaskRow row, long on, string actor)
    {
        MustBePending(row);
        var freed = making.Undepend(write, row, on);
        ends.UnblockStuck(write, row.Ticket, actor);
        return TaskTable.Require(write.Db, freed.Id);
    }

    /// <summary>Replaces the time that one run may take; a run that is open gets it too.</summary>
    public TaskRow SetTimeout(IWrite write, TaskRow row, long seconds)
    {
        MustBeOpen(row);
        if (row.IsWithAgent && runs.Find(row.Run ?? 0) is { } run)
        {
            runs.Put(write, run with { TimeoutSeconds = seconds });
            clocks.RefreshAfter(write, run.Agent);
        }

        return changes.Set(
            write,
            row,
            row with
            {
                TimeoutSeconds = seconds,
                DeadlineAt = row.IsJoin ? Joins.DeadlineOf(seconds, changes.Now) : row.DeadlineAt,
            }
        );
    }

    /// <summary>Ends a discovery that was found in a task, or that the task was made of.</summary>
    public TaskRow EndDiscovery(IWrite write, TaskRow row, long id, string status, string actor)
    {
        var discovery = DiscoveryTable.Require(write.Db, id);
        if (discovery.SourceTask != row.Id && discovery.Task != row.Id)
            throw Problem.Invalid(
                $"discovery {id} was found in task {discovery.SourceTask}, and not in task {row.Id}; name that task"
            );
        DiscoveryTable.End(write, id, status, changes.Now, actor);
        return row;
    }

    private void MustNotHaveEnded(IWrite write, TaskRow row)
    {
        if (tickets.Require(write.Db, row.Ticket).IsDone)
            throw Problem.Conflict($"ticket {row.Ticket} has ended; make a follow-up with 'parent'");
    }

    private static void MustBeOpen(TaskRow row)
    {
        if (!row.IsOpen)
            throw Ended(row);
    }

    private static void MustBePending(TaskRow row)
    {
        MustBeOpen(row);
        if (!row.IsPending)
            throw Problem.Conflict(
                $"task {row.Id} is {row.Status} by {row.Agent}; cancel it, or wait until it has ended"
            );
    }

    private static Problem Ended(TaskRow row) =>
        Problem.Conflict(
            row.Status == TaskState.Completed
                ? $"task {row.Id} was completed at {TaskViews.Instant(row.CompletedAt):u}; that is final"
                : $"task {row.Id} {(row.Status == TaskState.Failed ? "failed" : "was cancelled")} at "
                    + $"{TaskViews.Instant(row.CompletedAt):u}; retry or skip it"
        );
}
