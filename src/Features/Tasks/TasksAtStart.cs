using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Tasks;

/// <summary>
/// Loads the open runs, turns and pauses before agents can connect, and brings rows that do not fit their runs to a
/// legal state. Alarms and the scheduler begin when all else has started: until then no agent shows how it is.
/// </summary>
internal sealed class TasksAtStart(
    IStore store,
    OpenRuns runs,
    RunClocks clocks,
    RunAlarms alarms,
    RunEnds ends,
    Dispatcher dispatcher,
    IBudgets budgets,
    BudgetSeams holds,
    ILeaseHolders turns,
    ILocks locks,
    TaskChanges changes,
    TimeProvider clock
) : IHostedLifecycleService
{
    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // In one write: nothing changes between the reading and the loading.
        await store.Write(
            write =>
            {
                Recover(write);
                Load(write);
            },
            cancellationToken
        );
        foreach (var agent in runs.Agents)
            clocks.Refresh(agent);
    }

    /// <inheritdoc />
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        _ = alarms.Run();
        // A period may have ended, or a limit have been raised, before the held tasks were known.
        await dispatcher.Start(write => holds.Free(write, null), cancellationToken);
    }

    /// <inheritdoc />
    public Task StoppingAsync(CancellationToken cancellationToken) => dispatcher.StopAsync(cancellationToken);

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await store.Write(clocks.Save, cancellationToken);
        }
        catch (Problem e) when (e.Code == ErrorCode.Unavailable)
        {
            // The clocks that were stored last are at most a minute old.
        }
    }

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Load(IWrite write)
    {
        var (open, turnsHeld, paused, joins) = Read(write.Db);
        foreach (var (run, spent) in open)
        {
            runs.Load(run);
            clocks.Load(run, spent);
        }

        foreach (var (agent, turn, held) in turnsHeld)
            runs.LoadTurn(agent, turn, held);
        foreach (var run in budgets.ReservedRuns.Where(run => runs.Find(run) is null && !runs.IsHeldByTurn(run)))
            budgets.Release(write, run);
        budgets.LoadHolds(
            write,
            TaskTable.HeldByBudget(write.Db).Select(row => (row.Id, BudgetHold.Of(row)!.ToHeld()))
        );
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var task in paused)
            clocks.Pause(task.Id, clocks.PauseLeft(task, now), task.NotBefore);
        foreach (var task in joins)
            clocks.Follow(task.Id, task.DeadlineAt, task.TimeoutSeconds);
    }

    // Each change is one commit, so that a kill of the host leaves none of these; a database that was repaired by hand
    // may have them.
    private void Recover(IWrite write)
    {
        foreach (
            var id in write
                .Db.Query<long>(
                    """
                    SELECT t.id
                      FROM tasks t INDEXED BY tasks_open
                      LEFT JOIN runs r ON r.id = t.run AND r.task = t.id AND r.ended_at IS NULL
                     WHERE t.completed_at IS NULL AND t.status IN ('assigned', 'running') AND r.id IS NULL
                    """
                )
                .ToArray()
        )
            ends.GiveBack(
                write,
                TaskTable.Require(write.Db, id),
                RunEnd.Lost,
                "its run was gone at a start of the host"
            );
        write.Db.Execute(
            """
            UPDATE runs
               SET ended_at = @now, end = 'lost', note = 'its task had another run at a start of the host'
             WHERE ended_at IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM tasks t WHERE t.id = runs.task AND t.run = runs.id AND t.completed_at IS NULL
                                           AND t.status IN ('assigned', 'running'))
            """,
            new { now = clock.GetUtcNow().ToUnixTimeMilliseconds() }
        );
        RecoverLocks(write);
    }

    // The memory of locks knows no task that was held for one when the host stopped.
    private void RecoverLocks(IWrite write)
    {
        var rows = write
            .Db.Query<(long Id, string Status)>(
                """
                SELECT id, status
                  FROM tasks INDEXED BY tasks_open
                 WHERE completed_at IS NULL
                   AND (status IN ('assigned', 'running') OR holds & @held <> 0
                        OR (status = 'pending' AND lock_held_at IS NOT NULL))
                 ORDER BY id
                """,
                new { held = (long)Hold.Lock }
            )
            .ToLookup(row => row.Status == TaskState.Pending, row => row.Id);
        locks.ReleaseExcept(write, rows[false].ToHashSet(), "its run was gone at a start of the host");
        foreach (var id in rows[true])
        {
            var row = TaskTable.Require(write.Db, id);
            var reason = locks.Restore(write, id, row.Wanted, row.LockHeldAt ?? changes.Now);
            var holds = reason is null ? row.Held & ~Hold.Lock : row.Held | Hold.Lock;
            if (holds != row.Held || reason != row.LockReason)
                changes.Set(write, row, row with { Holds = (long)holds, LockReason = reason });
        }
    }

    private (
        List<(OpenRun Run, TimeSpan Spent)> Open,
        List<(string, long, List<long>)> Turns,
        List<TaskRow> Paused,
        List<TaskRow> Joins
    ) Read(DbConnection db)
    {
        var openTurns = turns.ReadOpen(db);
        var held = db.Query<(long Turn, long Run)>(
                """
                SELECT h.turn, h.run
                  FROM json_each(@turns) i
                  JOIN task_turns h ON h.turn = i.value
                """,
                new { turns = TaskRow.Json(openTurns.Select(t => t.Holder)) }
            )
            .ToLookup(h => h.Turn, h => h.Run);
        var inTurn = held.SelectMany(h => h).ToHashSet();
        var stored = db.Query<RunRow>(
                $"SELECT {RunRow.Columns} FROM runs INDEXED BY runs_open WHERE ended_at IS NULL ORDER BY id"
            )
            .AsList();
        var tasks = TaskTable.Among(db, stored.Select(r => r.Task)).ToDictionary(row => row.Id);
        var open = stored
            .Select(r => (Open(r, tasks[r.Task], inTurn.Contains(r.Id)), TimeSpan.FromMilliseconds(r.SpentMs)))
            .ToList();
        return (
            open,
            [.. openTurns.Select(t => (t.Agent, t.Holder, held[t.Holder].ToList()))],
            TaskTable.Paused(db),
            TaskTable.OpenJoins(db)
        );
    }

    private static OpenRun Open(RunRow run, TaskRow task, bool isInTurn) =>
        new(run.Id, task.Id, task.Ticket, run.Agent, run.ClaimedAt, run.StartedAt, task.TimeoutSeconds, (int)run.Nudges)
        {
            WasInTurn = run.Turn is not null && !isInTurn,
        };
}

/// <inheritdoc />
internal sealed class ReadyTasksLoader(ITickets tickets, TaskChanges changes) : IReadyTasksLoader
{
    public IReadOnlyList<QueuedTask> Load(DbConnection db)
    {
        List<QueuedTask> queued = [];
        Dictionary<long, TicketEntry?> known = [];
        // Row by row: the queue keeps little of what a row holds.
        TaskTable.Queued(
            db,
            row =>
            {
                if (!known.TryGetValue(row.Ticket, out var ticket))
                    known.Add(row.Ticket, ticket = tickets.Find(db, row.Ticket));
                if (ticket is not null)
                    queued.Add(changes.Queued(db, row, ticket));
            }
        );
        return queued;
    }

    public IEnumerable<(long Ticket, string Agent)> Worked(DbConnection db) =>
        db.Query<(long, string)>(
                """
                SELECT DISTINCT t.ticket, r.agent
                  FROM tasks t INDEXED BY tasks_ticket
                  JOIN runs r INDEXED BY runs_task ON r.task = t.id
                 WHERE t.ticket IN (SELECT ticket FROM tasks INDEXED BY tasks_open WHERE completed_at IS NULL)
                """
            )
            .AsList();
}
