using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Tasks;

/// <summary>Tells what turns worked on, and frees, ends and prices tasks as budgets and bookings say.</summary>
internal sealed class BudgetSeams(
    OpenRuns runs,
    RunEnds ends,
    TaskChanges changes,
    ReadyTasks ready,
    ITickets tickets,
    IBudgets budgets,
    RunBudgets holds,
    IHarnessControl control
) : ITurnSubjects, IBudgetedWork
{
    public IReadOnlyList<TurnSubject> Of(IWrite write, TurnView turn)
    {
        var isFree = runs.Book(write, turn.Id);
        var worked = write.Db.Query<Worked>(OfTurnSql, new { turn = turn.Id }).AsList();
        if ((isFree || worked.Count == 0) && runs.HasAny(turn.Agent))
        {
            // A turn that holds no message of a task is about all that its agent runs, beside what has ended in it.
            var started = runs.Of(turn.Agent)
                .Where(run => run.IsStarted && worked.TrueForAll(one => one.Run != run.Id))
                .Select(run => run.Id);
            worked.AddRange(write.Db.Query<Worked>(OfRunsSql, new { runs = TaskRow.Json(started) }));
        }

        return
        [
            .. worked
                .GroupBy(w => w.Task)
                .Select(of => (Worked: of.MaxBy(w => w.Run)!, Runs: of, Ticket: Find(write, of.First().Ticket)))
                .Where(w => w.Ticket is not null)
                .Select(w => new TurnSubject(
                    w.Worked.Ticket,
                    BudgetSubject.PhaseOf(w.Ticket!.Workflow, w.Worked.PhaseId),
                    w.Worked.Task,
                    w.Worked.TaskType,
                    w.Worked.Run,
                    GoesOn(w.Worked)
                )
                {
                    EndedRuns = [.. w.Runs.Where(r => r != w.Worked && !GoesOn(r)).Select(r => r.Run)],
                }),
        ];
    }

    private TicketEntry? Find(IWrite write, long ticket) => tickets.Find(write.Db, ticket);

    private bool GoesOn(Worked worked) => runs.Find(worked.Run) is not null || runs.IsHeldByTurn(worked.Run);

    public IReadOnlyList<long> OpenRuns => [.. runs.Agents.SelectMany(runs.Of).Select(run => run.Id)];

    public void Freed(IWrite write, IReadOnlyList<(string Scope, string ScopeId)> more)
    {
        // An agent that was passed over may have the task now.
        if (more.Any(of => of.Scope == "agent"))
            write.AfterCommit(ready.ForgetPassed);
        Free(write, more);
    }

    /// <summary>Frees the tasks that fit, in the order of the queue. One that other budgets hold by now than it says,
    /// says so from then on.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="more">The budgets that have more left; null for all.</param>
    public void Free(IWrite write, IReadOnlyList<(string Scope, string ScopeId)>? more)
    {
        var room = budgets.Room();
        // Those that have nothing left free nothing.
        var scopes = more
            ?.Select(of => (of.Scope, of.ScopeId, Left: room.Most(of.Scope, of.ScopeId)))
            .Where(of => of.Left.Micro >= 0)
            .ToArray();
        if (scopes is [])
            return;
        var (mostMicro, mostTokens) = (long.MaxValue, long.MaxValue);
        if (scopes is not null)
            (mostMicro, mostTokens) = (scopes.Max(of => of.Left.Micro), scopes.Max(of => of.Left.Tokens));
        var isOfAgents = scopes is not null && Array.TrueForAll(scopes, of => of.Scope == "agent");
        List<long> freed = [];
        List<(long, IReadOnlyList<(string?, BudgetQuote)>)> refused = [];
        ready.EachHeld(
            (task, need) =>
            {
                if (need.Micro > mostMicro || need.Tokens > mostTokens || (isOfAgents && need.Agents is null))
                    return true;
                if (scopes?.All(of => room.Most(of.Scope, of.ScopeId).Micro < 0) == true)
                    return false;
                var subjects = SubjectsOf(task, need).ToArray();
                if (
                    scopes is not null
                    && !Array.Exists(subjects, one => Array.Exists(scopes, of => one.IsIn(of.Scope, of.ScopeId)))
                )
                    return true;
                // It takes nothing while something else holds it, or while its needs are unknown; its claim asks again.
                if (
                    need.IsHeldOtherwise
                    || (need is { Micro: 0, Tokens: 0 } && !need.Budgets.Any(budget => room.Lacks(budget, 0, 0)))
                    || room.TryTake(subjects, need.Micro, need.Tokens)
                )
                    freed.Add(task.Id);
                else if (need.Budgets.Any(budget => !room.Lacks(budget, need.Micro, need.Tokens)))
                    refused.Add(
                        (task.Id, [.. subjects.Select(of => (of.Agent, room.Quote(of, need.Micro, need.Tokens)))])
                    );
                return true;
            }
        );
        holds.Free(write, freed);
        holds.HoldOn(write, refused);
    }

    private static IEnumerable<BudgetSubject> SubjectsOf(QueuedTask task, Shortage need)
    {
        var phase = BudgetSubject.PhaseOf(task.Workflow, task.PhaseId);
        BudgetSubject Of(string? agent) => new(agent, task.Ticket, phase, need.TaskType);
        return need.Agents is { } agents ? agents.Select(Of) : [Of(null)];
    }

    public void Cancel(IWrite write, long budget, string scope, string scopeId, string reason)
    {
        foreach (var run in runs.Agents.SelectMany(runs.Of).OrderBy(run => run.Id).ToArray())
        {
            var row = TaskTable.Require(write.Db, run.Task);
            if (row.Run != run.Id || !IsIn(write.Db, row, scope, scopeId))
                continue;
            ends.EndRun(write, row, RunEnd.Cancelled, reason, cancelsTurn: true);
            // The budget of an agent holds that agent: others may have the task.
            var after = ends.Pending(write, row, Hold.None);
            changes.Set(
                write,
                row,
                scope == "agent" ? after : RunBudgets.Held(after, new BudgetHold(reason, 0, 0, [budget]))
            );
        }

        if (scope is not ("global" or "agent"))
            return;
        // Turns without a task cost as much.
        foreach (var (agent, turn) in runs.OpenTurns(scope == "agent" ? scopeId : null))
        {
            control.Excuse(write, agent, turn);
            write.AfterCommit(() => control.CancelTurn(agent, turn));
        }
    }

    public void Booked(IWrite write, IReadOnlyList<(long Task, long Micro)> costs)
    {
        foreach (var (task, micro) in costs)
            write.Db.Execute("UPDATE tasks SET cost_micro = cost_micro + @micro WHERE id = @task", new { task, micro });
        changes.Publish(write, TaskTable.Among(write.Db, costs.Select(cost => cost.Task)));
    }

    public IReadOnlyList<(string TaskType, int Count)> Pending(DbConnection db, long ticket) =>
        [
            .. db.Query<(string, long)>(PendingSql, new { ticket = tickets.Require(db, ticket).Id })
                .Select(of => (of.Item1, (int)of.Item2)),
        ];

    private bool IsIn(DbConnection db, TaskRow row, string scope, string scopeId) =>
        tickets.Find(db, row.Ticket) is { } ticket && RunBudgets.SubjectOf(row, ticket, row.Agent).IsIn(scope, scopeId);

    private const string OfTurnSql = """
        SELECT h.task, h.run, t.ticket, t.phase_id, t.task_type
          FROM task_turns h
          JOIN tasks t ON t.id = h.task
         WHERE h.turn = @turn
         ORDER BY h.task, h.run
        """;

    private const string OfRunsSql = """
        SELECT r.task, r.id AS Run, t.ticket, t.phase_id, t.task_type
          FROM json_each(@runs) i
          JOIN runs r ON r.id = i.value
          JOIN tasks t ON t.id = r.task
         ORDER BY r.task
        """;

    private const string PendingSql = """
        SELECT task_type, count(*)
          FROM tasks INDEXED BY tasks_ticket_open
         WHERE ticket = @ticket AND completed_at IS NULL AND kind IN ('work', 'review')
         GROUP BY task_type
        """;

    private sealed record Worked
    {
        public required long Task { get; init; }

        public required long Run { get; init; }

        public required long Ticket { get; init; }

        public required string PhaseId { get; init; }

        public required string TaskType { get; init; }
    }
}
