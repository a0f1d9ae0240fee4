using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>
/// Stores changed tasks. A change counts in the tasks that wait for the changed one, enters the queue and the journal,
/// and is published, all in the caller's write.
/// </summary>
internal sealed class TaskChanges(
    ITickets tickets,
    IWorkflows workflows,
    IReadyTasks queue,
    OpenRuns runs,
    ILocks locks,
    IBudgets budgets,
    Lazy<RunEnds> ends,
    TimeProvider clock
)
{
    // The barriers and merges whose turn it is, while one of them ends; of the writer's thread.
    private Queue<long>? ending;

    /// <summary>The present, in ms since 1970.</summary>
    public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Replaces a task's row.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="before">The row as it is stored.</param>
    /// <param name="after">The row as it is from now on.</param>
    /// <param name="checksTicket">The ticket is blocked when a barrier or a merge fails with that and nothing of it can
    /// go on.</param>
    public TaskRow Set(IWrite write, TaskRow before, TaskRow after, bool checksTicket = true)
    {
        // First, because it may free other tasks.
        if (!after.IsOpen)
            locks.ReleaseAll(write, after.Id, $"task {after.Status}");
        after = after with { ReadyAt = after.IsReady ? before.ReadyAt ?? Now : null };
        TaskTable.Update(write, after);
        List<TaskRow> touched = [after];
        var (done, dead) = (Done(after) - Done(before), Dead(after) - Dead(before));
        if (done != 0 || dead != 0)
            touched.AddRange(TaskTable.CountInDependents(write, after.Id, done, dead, Now));
        if (before.IsOpen != after.IsOpen)
            touched.AddRange(
                TaskTable.CountInDependencies(write, after.Id, after.IsOpen ? 1 : -1).Where(r => r.HasPlace)
            );
        var isEnd = before.Status != after.Status && !after.IsOpen;
        if (isEnd)
            Journal(write, after);
        Publish(write, touched, checksTicket: checksTicket);
        if (isEnd || before.IsOpen != after.IsOpen)
            tickets.MarkGate(write, after.Ticket);
        // A barrier or a merge that became due has ended with that.
        return Joins.IsDue(after) ? TaskTable.Require(write.Db, after.Id) : after;
    }

    /// <summary>Cancels all open tasks of a ticket at once; their runs have ended.</summary>
    public void CancelOpen(IWrite write, long ticket, string error)
    {
        var open = TaskTable.OpenOfTicket(write.Db, ticket);
        if (open.Count == 0)
            return;
        foreach (var row in open)
        {
            locks.ReleaseAll(write, row.Id, "task cancelled");
            if (row.Status == TaskState.Reviewing)
                TaskTable.SetEnd(write, row, RunEnd.Cancelled, error);
        }

        TaskTable.CancelOpen(write, ticket, error, Now);
        Publish(write, TaskTable.Among(write.Db, open.Select(row => row.Id)));
        tickets.MarkGate(write, ticket);
    }

    /// <summary>Publishes rows as they are now, and takes them into the queue or out of it.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="known">A ticket that was read in this write; others are read here.</param>
    /// <param name="checksTicket">As with <see cref="Set"/>.</param>
    public void Publish(
        IWrite write,
        IReadOnlyCollection<TaskRow> rows,
        TicketEntry? known = null,
        bool checksTicket = true
    )
    {
        var due = DueAmong(rows);
        // These change at once, and are published then.
        if (due is not null)
            rows = [.. rows.Where(row => !Joins.IsDue(row))];
        foreach (var ofTicket in rows.GroupBy(row => row.Ticket))
        {
            var ticket = known?.Id == ofTicket.Key ? known : tickets.Find(write.Db, ofTicket.Key);
            if (ticket is null)
                continue;
            foreach (var row in ofTicket)
                queue.Put(write, Queued(write.Db, row, ticket));

            foreach (var (view, row) in TaskViews.Of(write.Db, [.. ofTicket], this).Zip(ofTicket))
            {
                write.Raise(new TaskChanged(view, ticket.IsDone, row.IsHeldByHost));
                if (row.Discovery is not null)
                    DiscoveryTable.Follow(write, row, Now);
            }

            tickets.Touch(write, ticket.Id);
        }

        if (budgets.HasAny)
            budgets.Hold(write, [.. rows.Select(row => (row.Id, BudgetHold.Of(row)?.ToHeld()))]);
        if (due is not null)
            EndDue(write, due, checksTicket);
    }

    // Null for none: most changes concern neither barriers nor merges, and cost nothing here.
    private static List<long>? DueAmong(IReadOnlyCollection<TaskRow> rows)
    {
        List<long>? due = null;
        foreach (var row in rows)
        {
            if (Joins.IsDue(row))
                (due ??= []).Add(row.Id);
        }

        return due;
    }

    // A queue instead of recursion: a chain of them can be a thousand long.
    private void EndDue(IWrite write, List<long> due, bool checksTicket)
    {
        if (ending is not null)
        {
            due.ForEach(ending.Enqueue);
            return;
        }

        ending = new Queue<long>(due);
        List<long> failed = [];
        try
        {
            while (ending.TryDequeue(out var id))
            {
                var row = TaskTable.Require(write.Db, id);
                if (!Joins.IsDue(row))
                    continue;
                var decided = Joins.Decided(write.Db, row, tickets.Require(write.Db, row.Ticket), this);
                Set(write, row, decided);
                if (decided.Status == TaskState.Failed)
                    failed.Add(id);
            }
        }
        finally
        {
            ending = null;
        }

        if (failed.Count > 0)
            ends.Value.JoinsFailed(write, failed, checksTicket);
    }

    /// <summary>Lets the queue count what an agent has again: it waits, or works on.</summary>
    public void Recount(IWrite write, TaskRow row)
    {
        if (tickets.Find(write.Db, row.Ticket) is { } ticket)
            queue.Put(write, Queued(write.Db, row, ticket));
    }

    /// <summary>A task was removed with its ticket.</summary>
    public void Removed(IWrite write, long task)
    {
        locks.ReleaseAll(write, task, "task removed");
        budgets.Hold(write, [(task, null)]);
        queue.Remove(write, task);
        write.Raise(new TaskRemoved(task));
    }

    /// <summary>The place of a ready task.</summary>
    public double? ScoreOf(long task) => queue.ScoreOf(task);

    /// <summary>Why no agent can be given a ready task; null while one can.</summary>
    public string? UnservableReason(long task) => queue.UnservableReason(task);

    /// <summary>The reason for which its declared locks hold a task now; null when they do not.</summary>
    public string? LockReasonOf(long task) => locks.ReasonOf(task);

    /// <summary>Why a task's ticket holds it; null when it does not.</summary>
    public string? TicketReasonOf(System.Data.Common.DbConnection db, TaskRow row)
    {
        if (tickets.Find(db, row.Ticket) is not { } ticket)
            return null;
        // The tasks of a block are there to be done while it lasts.
        var isOfBlock = row.PhaseId == Phase.BlockedId;
        var why =
            isOfBlock && ticket.Blocked is null ? "is not blocked any more"
            : isOfBlock ? (ticket with { Blocked = null }).WhyNotRun
            : ticket.WhyNotRun;
        return why is null ? null : $"ticket {row.Ticket} {why}";
    }

    /// <summary>The holds that follow from a task's ticket and from the tasks that it waits for.</summary>
    public Hold HoldsOf(TicketEntry ticket, TaskRow row) =>
        OfTicket(ticket, row.PhaseId)
        | (row.DepsDone < row.Needed ? Hold.Dependency : Hold.None)
        | (row.IsHopeless ? Hold.FailedDependency : Hold.None);

    /// <summary>The holds that a ticket puts on its tasks of a phase.</summary>
    public Hold OfTicket(TicketEntry ticket, string phase)
    {
        if (ticket.IsDone)
            return IsAhead(ticket, phase) ? Hold.Phase : Hold.None;
        // The tasks of a block are there to be done while it lasts.
        if (phase == Phase.BlockedId)
            return (ticket with { Blocked = null }).Runs && ticket.Blocked is not null ? Hold.None : Hold.Ticket;
        return (ticket.Runs ? Hold.None : Hold.Ticket) | (IsAhead(ticket, phase) ? Hold.Phase : Hold.None);
    }

    /// <summary>A task as the queue knows it.</summary>
    public QueuedTask Queued(System.Data.Common.DbConnection db, TaskRow row, TicketEntry ticket) =>
        new(
            row.Id,
            row.Ticket,
            ticket.Workflow,
            // One text for the many tasks of a ticket that the queue keeps.
            row.PhaseId == ticket.PhaseId
                ? ticket.PhaseId
                : row.PhaseId,
            row.IsReview ? Duty.Validator : Duty.Worker,
            row.Capabilities == "[]" ? [] : [.. TaskRow.List<string>(row.Capabilities).Order(StringComparer.Ordinal)],
            row.WantsAgent,
            row.Prefers,
            (int)row.Priority,
            ticket.Rank,
            (int)row.Dependents,
            (int)row.RetryCount,
            row.DeadlineAt,
            row.IsReady && !row.IsJoin ? row.ReadyAt : null,
            row.IsWithAgent ? row.Agent : null,
            !row.IsReview && (row.IsWithAgent || row.Status == TaskState.Reviewing),
            row.IsReady && row.RetryCount > 0 ? FailedBy(db, row.Id) : [],
            (int)row.MaxRetries,
            row.IsWithAgent && runs.Find(row.Run ?? 0) is { Waits: true },
            row.IsReview && row.HasPlace ? Excluded(db, row) : null,
            ShortageOf(row)
        );

    private Shortage? ShortageOf(TaskRow row) =>
        BudgetHold.Of(row) is { } hold
            ? new Shortage(
                row.TaskType,
                hold.Micro,
                hold.Tokens,
                hold.Budgets,
                hold.ReadyAt ?? Now,
                hold.Agents,
                row.Held != Hold.Budget
            )
            : null;

    /// <summary>The agents that a review may not be given to, sorted: those named with it, and those that had a run of
    /// the phase's work.</summary>
    public static IReadOnlyList<string> Excluded(System.Data.Common.DbConnection db, TaskRow row) =>
        [
            .. TaskRow
                .List<string>(row.Excludes)
                .Union(Workers(db, row.Ticket, row.PhaseId))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>The agents that had a run of a phase's work.</summary>
    public static IEnumerable<string> Workers(System.Data.Common.DbConnection db, long ticket, string phaseId) =>
        db.Query<string>(
            """
            SELECT DISTINCT r.agent
              FROM tasks t INDEXED BY tasks_ticket
              JOIN runs r INDEXED BY runs_task ON r.task = t.id
             WHERE t.ticket = @ticket AND t.phase_id = @phaseId AND t.kind <> 'review'
            """,
            new { ticket, phaseId }
        );

    private List<(string, long)> FailedBy(System.Data.Common.DbConnection db, long task) =>
        db.Query<(string, long)>(
                """
                SELECT agent, max(ended_at)
                  FROM runs INDEXED BY runs_task
                 WHERE task = @task AND ended_at > @since AND end IN ('failed', 'timeout', 'no_result')
                 GROUP BY agent
                """,
                new { task, since = Now - AgentPool.SetBackMs }
            )
            .AsList();

    private bool IsAhead(TicketEntry ticket, string phase)
    {
        if (phase == ticket.PhaseId || phase == Phase.BlockedId || workflows.Find(ticket.Workflow) is not { } workflow)
            return false;
        var order = workflow.Phases.Select(p => p.Id).ToList();
        return order.IndexOf(phase) > order.IndexOf(ticket.PhaseId);
    }

    private static void Journal(IWrite write, TaskRow row) =>
        write.Prepare("INSERT INTO task_ends (task, status, at) VALUES (@Id, @Status, @CompletedAt)").With(row).Run();

    private static int Done(TaskRow row) => row.Status == TaskState.Completed ? 1 : 0;

    private static int Dead(TaskRow row) => row.IsDead ? 1 : 0;
}
