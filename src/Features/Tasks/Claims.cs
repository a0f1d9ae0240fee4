using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;

namespace Hive.Features.Tasks;

/// <inheritdoc />
internal sealed class Claims(
    TaskChanges changes,
    OpenRuns runs,
    RunClocks clocks,
    ILocks locks,
    Brief brief,
    ITickets tickets,
    IOutbox outbox,
    IRoster roster,
    RunBudgets budgets
) : IClaims
{
    public ClaimResult Claim(IWrite write, long task, string agent)
    {
        if (roster.Find(agent) is null || TaskTable.Find(write.Db, task) is not { } before)
            return ClaimResult.NotReady;
        // The queue knows those who worked on it when the review became ready; there may be more since.
        if (before.IsReview && TaskChanges.Excluded(write.Db, before).Contains(agent))
            return ClaimResult.NotReady;
        var quote = before.IsReady ? budgets.Quote(write, before, agent) : null;
        if (quote?.Refusal is { } refusal)
            return HoldForBudget(write, before, refusal);
        if (before is { IsReady: true, Locks: not null } && IsHeldForLocks(write, before, agent))
            return ClaimResult.Held;
        var run = write
            .Prepare(RunSql)
            .Bind(1, task)
            .Bind(2, agent)
            .Bind(3, changes.Now)
            .Bind(4, quote?.Quote.Micro)
            .Number();
        if (run is not { } id)
            return ClaimResult.NotReady;
        Give(write, before, id, agent, quote);
        return ClaimResult.Claimed;
    }

    public ClaimResult HoldFor(IWrite write, long task, IReadOnlyList<string> agents)
    {
        if (TaskTable.Find(write.Db, task) is not { IsReady: true } row)
            return ClaimResult.NotReady;
        List<(string?, BudgetQuote)> refused = [];
        foreach (var agent in agents)
        {
            if (budgets.Quote(write, row, agent)?.Refusal is not { } refusal)
                return ClaimResult.OtherAgent;
            if (!refusal.IsOfAgent)
                return HoldForBudget(write, row, refusal);
            refused.Add((agent, refusal));
        }

        budgets.Hold(write, row, refused);
        return FreeLocks(write, row);
    }

    public bool LetGo(IWrite write, long task) => budgets.Free(write, [task]) > 0;

    /// <summary>Gives a task that an agent had to another: a run of its own, whether or not it has room.</summary>
    /// <param name="write">The write that has ended the run before.</param>
    /// <param name="row">The task with the ended run.</param>
    /// <param name="agent">The agent that said yes.</param>
    /// <exception cref="Problem">Code <c>conflict</c>: a budget has too little left for the new run.</exception>
    public void Pass(IWrite write, TaskRow row, string agent)
    {
        var quote = budgets.Quote(write, row, agent);
        if (quote?.Refusal?.Refusal is { } reason)
            throw Problem.Conflict(
                $"{agent} cannot have task {row.Id} now: {reason}; the operator can raise the limit, or try again later"
            );
        var run = write
            .Prepare("INSERT INTO runs (task, agent, claimed_at, estimate_micro) VALUES (?1, ?2, ?3, ?4) RETURNING id")
            .Bind(1, row.Id)
            .Bind(2, agent)
            .Bind(3, changes.Now)
            .Bind(4, quote?.Quote.Micro)
            .Number();
        Give(write, row, run!.Value, agent, quote);
    }

    private void Give(IWrite write, TaskRow before, long id, string agent, RunQuote? quote)
    {
        var task = before.Id;
        var claimed = write
            .Prepare(ClaimSql)
            .Bind(1, task)
            .Bind(2, agent)
            .Bind(3, id)
            .Bind(4, before.Status)
            .Bind(5, before.Run)
            .Run();
        if (claimed == 0)
            throw new InvalidOperationException($"task {task} changed within its claim");
        budgets.Reserve(write, id, quote);
        runs.Put(write, new OpenRun(id, task, before.Ticket, agent, changes.Now, null, before.TimeoutSeconds, 0));
        var row = before with
        {
            Status = TaskState.Assigned,
            Agent = agent,
            Run = id,
            ReadyAt = null,
            LockHeldAt = null,
            StartedAt = null,
            Progress = null,
            ProgressPercent = null,
            ProgressAt = null,
        };
        var ticket = tickets.Require(write.Db, row.Ticket);
        changes.Publish(write, [row], ticket);
        // Last: a receiver that waits in a turn has the message at once, and begins the run.
        outbox.Append(
            write,
            Principals.System,
            agent,
            brief.Message(write.Db, row, ticket),
            stored: message => Note(write, message, task, id)
        );
        clocks.RefreshAfter(write, agent);
    }

    /// <summary>Notes what a message is about, before an agent can have it.</summary>
    public static void Note(IWrite write, long message, long task, long run) =>
        write
            .Prepare("INSERT INTO task_messages (message, task, run) VALUES (?1, ?2, ?3)")
            .Bind(1, message)
            .Bind(2, task)
            .Bind(3, run)
            .Run();

    private const string RunSql = """
        INSERT INTO runs (task, agent, claimed_at, estimate_micro)
        SELECT id, ?2, ?3, ?4
          FROM tasks
         WHERE id = ?1 AND status = 'pending' AND holds = 0
        RETURNING id
        """;

    // Nothing was taken yet. The resources that it waited for are others' until the budget lets it go on.
    private ClaimResult HoldForBudget(IWrite write, TaskRow row, BudgetQuote refused) =>
        budgets.Hold(write, row, refused) == ClaimResult.Held ? FreeLocks(write, row) : ClaimResult.OtherAgent;

    private ClaimResult FreeLocks(IWrite write, TaskRow row)
    {
        if (row.LockHeldAt is not null)
            locks.ReleaseAll(write, row.Id, "held by a budget");
        return ClaimResult.Held;
    }

    private bool IsHeldForLocks(IWrite write, TaskRow row, string agent)
    {
        if (locks.TryTakeAll(write, row.Id, agent, row.Wanted) is not { } reason)
            return false;
        changes.Set(
            write,
            row,
            row with
            {
                Holds = row.Holds | (long)Hold.Lock,
                LockReason = reason,
                LockHeldAt = row.LockHeldAt ?? changes.Now,
            }
        );
        return true;
    }

    private const string ClaimSql = """
        UPDATE tasks
           SET status = 'assigned', agent = ?2, run = ?3, ready_at = NULL, lock_held_at = NULL, started_at = NULL,
               progress = NULL, progress_percent = NULL, progress_at = NULL
         WHERE id = ?1 AND status = ?4 AND run IS ?5 AND (status <> 'pending' OR holds = 0)
        """;
}
