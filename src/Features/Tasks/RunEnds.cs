using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol.Options;

namespace Hive.Features.Tasks;

/// <summary>Begins and ends runs, each with the change of its task. Its messages, its turn, its locks and the
/// agent's capacity are free with the write that ends the run.</summary>
internal sealed class RunEnds(
    TaskChanges changes,
    OpenRuns runs,
    RunClocks clocks,
    ITickets tickets,
    IOutbox outbox,
    IInflight inflight,
    IBudgets budgets,
    IHarnessControl control,
    ILocks locks,
    IRoster roster,
    Lazy<IEnumerable<IRunEnded>> told,
    Lazy<IEnumerable<ITaskChecks>> checks,
    HiveOptions options
)
{
    /// <summary>How many runs may be lost or not begun; at the next one a person has to look.</summary>
    public const int MostFaults = 5;

    private const string StuckReason = "no task of it can go on: ";

    /// <summary>The agent has begun its run.</summary>
    public TaskRow Start(IWrite write, TaskRow row, long? turn)
    {
        if (row.Status != TaskState.Assigned || row.Run is not { } run)
            return row;
        var now = changes.Now;
        write
            .Prepare("UPDATE runs SET started_at = ?2, turn = ?3 WHERE id = ?1")
            .Bind(1, run)
            .Bind(2, now)
            .Bind(3, turn)
            .Run();
        if (runs.Find(run) is { } open)
            runs.Put(write, open with { StartedAt = now });
        var started = changes.Set(write, row, row with { Status = TaskState.Running, StartedAt = now });
        clocks.RefreshAfter(write, row.Agent!);
        return started;
    }

    /// <summary>The agent is at work on its run again: it is not lost, and waits for nothing.</summary>
    public void Seen(IWrite write, TaskRow row)
    {
        if (row.Run is not { } id || runs.Find(id) is not { } run || run is { IsLost: false, Waits: false })
            return;
        runs.Put(write, run with { IsLost = false, Waits = false });
        if (run.Waits)
            changes.Recount(write, row);
        clocks.RefreshAfter(write, run.Agent);
    }

    /// <summary>The agent has completed its task, or handed in a result that is reviewed first.</summary>
    public TaskRow Complete(IWrite write, TaskRow row, string result)
    {
        EndRun(write, row, RunEnd.Completed, null);
        var isReviewed = row.Review is not null;
        return changes.Set(
            write,
            row,
            row with
            {
                Status = isReviewed ? TaskState.Reviewing : TaskState.Completed,
                CompletedAt = isReviewed ? null : changes.Now,
                Result = result,
                ProgressPercent = 100,
                ErrorMessage = null,
                ErrorKind = null,
            }
        );
    }

    /// <summary>A run failed: the task is tried again after a pause, or has failed.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="row">The task.</param>
    /// <param name="end">The end of its run.</param>
    /// <param name="error">Why, in words.</param>
    /// <param name="kind">One of <see cref="FailureKind"/>.</param>
    /// <param name="cancelsTurn">The agent may still be at it: its turn is cancelled, and it is told.</param>
    public TaskRow Fail(IWrite write, TaskRow row, string end, string error, string kind, bool cancelsTurn = false)
    {
        EndRun(write, row, end, error, cancelsTurn);
        if (kind != FailureKind.Permanent && row.RetryCount < row.MaxRetries)
            return TryAgain(write, row with { RetryCount = row.RetryCount + 1 }, row.RetryCount, error, kind);
        return Failed(write, row, error, kind == FailureKind.Permanent ? kind : FailureKind.Exhausted);
    }

    /// <summary>A review of the result that a task handed in passed: the task is completed.</summary>
    public TaskRow Accept(IWrite write, TaskRow row) =>
        changes.Set(write, row, row with { Status = TaskState.Completed, CompletedAt = changes.Now });

    /// <summary>A review of the result that a task handed in failed: the task goes back with the feedback, or has
    /// failed.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="row">The task.</param>
    /// <param name="feedback">What has to change.</param>
    /// <param name="most">The number of failed reviews with which the task fails.</param>
    public TaskRow Reject(IWrite write, TaskRow row, string feedback, int most)
    {
        TaskTable.SetEnd(write, row, RunEnd.Rejected, feedback);
        row = row with { Iteration = row.Iteration + 1 };
        if (row.Iteration >= most)
            return Failed(
                write,
                row,
                $"{row.Iteration} reviews of its result failed; the last: {feedback}",
                FailureKind.ReviewLoop
            );
        var again = changes.Set(
            write,
            row,
            Pending(write, row, Hold.None) with
            {
                Prefers = row.Agent,
                ProgressPercent = null,
                ErrorMessage = feedback,
                ErrorKind = FailureKind.Rejected,
            }
        );
        if (row.Agent is { } agent && roster.Find(agent) is not null)
            outbox.Append(write, Principals.System, agent, TaskMessages.Rejected(again, feedback, most));
        return again;
    }

    private TaskRow Failed(IWrite write, TaskRow row, string error, string kind)
    {
        var failed = changes.Set(
            write,
            row,
            row with
            {
                Status = TaskState.Failed,
                CompletedAt = changes.Now,
                ErrorMessage = error,
                ErrorKind = kind,
            }
        );
        outbox.Append(write, Principals.System, Principals.Manager, TaskMessages.Failed(failed));
        BlockIfStuck(write, row.Ticket);
        return failed;
    }

    /// <summary>The agent needs somebody's input: the first time the task is tried again, without counting; the second
    /// time its ticket waits for a person.</summary>
    public TaskRow NeedsInput(IWrite write, TaskRow row, string reason)
    {
        var before = write.Db.ExecuteScalar<long>(
            "SELECT count(*) FROM runs INDEXED BY runs_task WHERE task = @Id AND needs_input = 1",
            new { row.Id }
        );
        EndRun(write, row, RunEnd.Failed, reason);
        write.Db.Execute("UPDATE runs SET needs_input = 1 WHERE id = @Run", new { row.Run });
        if (before == 0)
            return TryAgain(write, row, 0, reason, FailureKind.NeedsInput);
        var held = changes.Set(
            write,
            row,
            Pending(write, row, Hold.Operator) with
            {
                HoldReason = $"its agent needs input: {reason}",
                ErrorMessage = reason,
                ErrorKind = FailureKind.NeedsInput,
            }
        );
        tickets.Block(
            write,
            row.Ticket,
            BlockTypes.Clarification,
            $"task {row.Id} ({row.Title}) needs input: {reason}",
            Principals.System
        );
        return TaskTable.Require(write.Db, held.Id);
    }

    /// <summary>A run ended through no fault of its agent's work: the task goes back, and no try is counted.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="row">The task.</param>
    /// <param name="end">The end of its run.</param>
    /// <param name="reason">Why, in words.</param>
    /// <param name="cancelsTurn">The agent may still be at it: its turn is cancelled, and it is told.</param>
    /// <param name="counts">It counts as a fault; false when a budget or the operator's pause wanted it.</param>
    public TaskRow GiveBack(
        IWrite write,
        TaskRow row,
        string end,
        string reason,
        bool cancelsTurn = false,
        bool counts = true
    )
    {
        EndRun(write, row, end, reason, cancelsTurn);
        var faults = row.Faults + (counts ? 1 : 0);
        var tooMany = faults > MostFaults;
        return changes.Set(
            write,
            row,
            Pending(write, row, tooMany ? Hold.Operator : Hold.None) with
            {
                Faults = faults,
                HoldReason = tooMany ? $"{faults} runs of it were lost or not begun; the last: {reason}" : null,
            }
        );
    }

    /// <summary>The agent has found that its task must wait for another one: the task goes back, and nothing is
    /// counted. The agent's turn goes on.</summary>
    public TaskRow WaitFor(IWrite write, TaskRow row, string reason)
    {
        EndRun(write, row, RunEnd.Cancelled, reason);
        return changes.Set(write, row, Pending(write, row, Hold.None));
    }

    /// <summary>The time of a barrier or a merge is over.</summary>
    public TaskRow Expire(IWrite write, TaskRow row)
    {
        var failed = changes.Set(
            write,
            row,
            Joins.Failed(
                row,
                changes.Now,
                FailureKind.Deadline,
                $"{row.DepsDone} of {row.DepsTotal} tasks were completed within {row.TimeoutSeconds} seconds, and it "
                    + $"needs {row.Needed}"
            )
        );
        outbox.Append(write, Principals.System, Principals.Manager, TaskMessages.Failed(failed));
        BlockIfStuck(write, row.Ticket);
        return failed;
    }

    /// <summary>Barriers and merges have failed with what they wait for: the manager is told, but not of those behind
    /// another one of them, and their tickets are looked at.</summary>
    public void JoinsFailed(IWrite write, IReadOnlyList<long> ids, bool checksTicket)
    {
        var failed = TaskTable.Among(write.Db, ids).Where(row => row.Status == TaskState.Failed).ToArray();
        var among = failed.Select(row => row.Id).ToHashSet();
        foreach (var row in failed.Where(row => !among.Overlaps(TaskTable.DependenciesOf(write.Db, row.Id))))
            outbox.Append(write, Principals.System, Principals.Manager, TaskMessages.Failed(row));
        if (!checksTicket)
            return;
        foreach (var ticket in failed.Select(row => row.Ticket).Distinct())
            BlockIfStuck(write, ticket);
    }

    /// <summary>Cancels a task that has not ended.</summary>
    public TaskRow Cancel(IWrite write, TaskRow row, string reason, bool checksTicket = true)
    {
        if (row.IsWithAgent)
            EndRun(write, row, RunEnd.Cancelled, reason, cancelsTurn: true);
        else if (row.Status == TaskState.Reviewing)
            TaskTable.SetEnd(write, row, RunEnd.Cancelled, reason);
        if (row.IsReview || row.Status == TaskState.Reviewing)
        {
            foreach (var check in checks.Value)
                check.Cancelled(write, row.ToEntry());
        }

        var cancelled = changes.Set(
            write,
            row,
            row with
            {
                Status = TaskState.Cancelled,
                CompletedAt = changes.Now,
                ErrorMessage = $"Task cancelled: {reason}",
                ErrorKind = null,
            },
            checksTicket
        );
        if (checksTicket)
            BlockIfStuck(write, row.Ticket);
        return cancelled;
    }

    /// <summary>A task as it is before its next run.</summary>
    public TaskRow Pending(IWrite write, TaskRow row, Hold more) =>
        row with
        {
            Status = TaskState.Pending,
            Holds = (long)(HoldOf(write, row) | more),
            HoldReason = null,
            HoldNote = null,
            LockReason = null,
            LockHeldAt = null,
            BudgetHold = null,
            NotBefore = null,
            StartedAt = null,
            CompletedAt = null,
        };

    /// <summary>Lifts the block that <see cref="BlockIfStuck"/> has set, because somebody has acted.</summary>
    public void UnblockStuck(IWrite write, long ticket, string actor)
    {
        if (
            tickets.Find(write.Db, ticket) is { Blocked: BlockTypes.Dependency, BlockedReason: { } reason }
            && reason.StartsWith(StuckReason, StringComparison.Ordinal)
        )
            tickets.Unblock(write, ticket, actor, BlockTypes.Dependency);
    }

    /// <summary>Ends the run of a task, with everything that it holds.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="row">The task.</param>
    /// <param name="end">The end of its run.</param>
    /// <param name="note">More about the end.</param>
    /// <param name="cancelsTurn">The agent may still be at it: its turn is cancelled, and it is told.</param>
    /// <param name="keepsLocks">Another run of the task begins in the same write, and has its locks.</param>
    public void EndRun(
        IWrite write,
        TaskRow row,
        string end,
        string? note,
        bool cancelsTurn = false,
        bool keepsLocks = false
    )
    {
        if (row.Run is not { } run || row.Agent is not { } agent)
            return;
        write
            .Prepare("UPDATE runs SET ended_at = ?2, end = ?3, note = ?4 WHERE id = ?1 AND ended_at IS NULL")
            .Bind(1, run)
            .Bind(2, changes.Now)
            .Bind(3, end)
            .Bind(4, note)
            .Run();
        var isSeen = row.Status == TaskState.Running;
        foreach (var message in MessagesOf(write, row.Id, run))
            isSeen |= !inflight.Withdraw(write, message);
        if (cancelsTurn)
        {
            foreach (var turn in runs.TurnsOf(run))
            {
                control.Excuse(write, agent, turn);
                write.AfterCommit(() => control.CancelTurn(agent, turn));
            }

            if (isSeen)
                outbox.Append(write, Principals.System, agent, TaskMessages.Cancelled(row, note ?? end));
        }

        if (!keepsLocks)
            locks.ReleaseAll(write, row.Id, $"run {end}");
        foreach (var other in told.Value)
            other.Ended(write, row.Id, run, end);
        NoteTurn(write, agent, run);
        // A turn that works on it is booked at its end.
        if (budgets.HasAny && !runs.IsHeldByTurn(run))
            budgets.Release(write, run);
        runs.Remove(write, run);
        clocks.ForgetAfter(write, run);
        clocks.RefreshAfter(write, agent);
    }

    // A run that ends in a turn which holds no message of it was worked on there: by a tool, in a turn about something
    // else.
    private void NoteTurn(IWrite write, string agent, long run)
    {
        if (runs.Find(run) is not { IsStarted: true, Task: var task } || runs.IsHeldByTurn(run))
            return;
        foreach (var (_, turn) in runs.OpenTurns(agent))
        {
            TaskTurns.Note(write, turn, task, run);
            runs.Hold(write, agent, turn, [run]);
        }
    }

    /// <summary>Forgets what messages are about.</summary>
    public static void Forget(IWrite write, IEnumerable<long> messages) =>
        write.Db.Execute(
            "DELETE FROM task_messages WHERE message IN (SELECT value FROM json_each(@ids))",
            new { ids = TaskRow.Json(messages) }
        );

    private TaskRow TryAgain(IWrite write, TaskRow row, long tries, string error, string kind)
    {
        var pause = Backoff(tries);
        var end = changes.Now + (long)pause.TotalMilliseconds;
        clocks.PauseAfter(write, row.Id, pause, end);
        return changes.Set(
            write,
            row,
            Pending(write, row, Hold.Retry) with
            {
                NotBefore = end,
                ErrorMessage = error,
                ErrorKind = kind,
            }
        );
    }

    // Doubles with each try, up to the limit; spread, so that tasks which failed together do not come back together.
    private TimeSpan Backoff(long tries) =>
        TimeSpan.FromSeconds(
            Math.Min(
                options.Tasks.BackoffBaseSeconds
                    * Math.Pow(2, Math.Min(tries, 30))
                    * (0.75 + (Random.Shared.NextDouble() * 0.5)),
                options.Tasks.BackoffMaxSeconds
            )
        );

    private Hold HoldOf(IWrite write, TaskRow row) => changes.HoldsOf(tickets.Require(write.Db, row.Ticket), row);

    private static List<long> MessagesOf(IWrite write, long task, long run) =>
        write
            .Db.Query<long>(
                "SELECT message FROM task_messages INDEXED BY task_messages_task WHERE task = @task AND run = @run",
                new { task, run }
            )
            .AsList();

    // Nothing is possible any more on a ticket whose open tasks all wait for what failed.
    private void BlockIfStuck(IWrite write, long ticket)
    {
        if (tickets.Find(write.Db, ticket) is not { IsDone: false, Blocked: null })
            return;
        var open = TaskTable.OpenOfTicket(write.Db, ticket);
        const Hold Passing = Hold.Retry | Hold.Budget | Hold.Lock | Hold.Ticket | Hold.Phase | Hold.Operator;
        var stuck = open.FindAll(row => row.Held.HasFlag(Hold.FailedDependency));
        if (stuck.Count == 0 || open.Exists(row => !row.IsPending || (row.Held & ~Passing) == 0))
            return;
        tickets.Block(
            write,
            ticket,
            BlockTypes.Dependency,
            StuckReason
                + $"task {stuck[0].Id} ({stuck[0].Title}) needs one that failed; retry or skip that, or remove the "
                + "dependency",
            Principals.System
        );
    }
}
