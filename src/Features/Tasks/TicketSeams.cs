using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Changes tasks when their ticket moves, is held, or is removed, in the write of that.</summary>
internal sealed class TicketSeams(
    TaskChanges changes,
    TaskMaking making,
    RunEnds ends,
    ITickets tickets,
    IWorkflows workflows,
    IBudgets budgets,
    ILocks locks,
    ILeases leases
) : IPhaseEntered, ITicketHeld, ITicketRemoved, ITicketTasks, ITicketWork
{
    public void Entered(IWrite write, TicketEntry ticket, Phase phase, string actor)
    {
        // A merge that failed now may have blocked it.
        ticket = Hold(write, ticket);
        if (ticket.IsDone || phase.Terminal)
            Stop(write, ticket, actor);
        else
            Generate(write, ticket, phase, actor);
    }

    public void Changed(IWrite write, TicketEntry ticket)
    {
        ticket = Hold(write, ticket);
        // A fault of its locks kept the tasks of the phase from being made when the ticket entered it by itself. The
        // caller's write may be about another ticket, so a fault that is still there blocks this one again.
        if (
            ticket.Runs
            && workflows.Find(ticket.Workflow)?.Phases.FirstOrDefault(p => p.Id == ticket.PhaseId) is { } phase
            && !HasMade(write, ticket, phase)
        )
            Generate(write, ticket, phase, Principals.System);
    }

    public void Check(Workflow workflow, IReadOnlyList<TaskSpec> tasks) => making.CheckNew(workflow, tasks);

    public void Add(IWrite write, TicketEntry ticket, IReadOnlyList<TaskSpec> tasks, string actor)
    {
        // A ticket can always be blocked; a full one goes without the task that would lift the block.
        var isRemedy = ticket.Blocked is not null && tasks.All(task => task.PhaseId == Phase.BlockedId);
        if (tasks.Count == 0 || (isRemedy && making.NoRoom(write, ticket, tasks.Count) is not null))
            return;
        making.MustFit(write, ticket, tasks.Count);
        making.Add(write, ticket, tasks, _ => new TaskMaking.Origin(actor));
    }

    public void BlockEnded(IWrite write, TicketEntry ticket, string actor)
    {
        // Barriers and merges first: one that loses a task fails by itself.
        long[] open =
        [
            .. TaskTable
                .OpenOfTicket(write.Db, ticket.Id)
                .Where(row => row.PhaseId == Phase.BlockedId)
                .OrderByDescending(row => (row.IsJoin, row.Id))
                .Select(row => row.Id),
        ];
        foreach (var id in open)
        {
            if (TaskTable.Require(write.Db, id) is { IsOpen: true } row)
                ends.Cancel(write, row, $"the block of ticket {ticket.Id} has ended ({actor})", checksTicket: false);
        }
    }

    public void RepositoryChanged(IWrite write, TicketEntry ticket)
    {
        foreach (var phase in workflows.Find(ticket.Workflow)?.Phases ?? [])
        {
            foreach (var template in phase.Tasks.Where(t => t.Locks.Any(IsOfRepository)))
            {
                var made = write.Db.ExecuteScalar<long?>(
                    "SELECT id FROM tasks INDEXED BY tasks_ticket WHERE ticket = @Id AND template = @key",
                    new { ticket.Id, key = TaskMaking.KeyOf(phase, template) }
                );
                if (made is { } id)
                    LockOther(write, TaskTable.Require(write.Db, id), template, ticket);
            }
        }
    }

    // Also of one that has failed or was cancelled, which may be tried again.
    private void LockOther(IWrite write, TaskRow row, TaskTemplate template, TicketEntry ticket)
    {
        if (row.Status == TaskState.Completed)
            return;
        if (row.IsWithAgent || row.Status == TaskState.Reviewing)
            throw Problem.Conflict(
                $"task {row.Id} of ticket {ticket.Id} is {row.Status} and has the locks of the repository before; wait "
                    + "until it has ended, or cancel it first"
            );
        if (LockFault(template, ticket) is { } fault)
            throw Problem.Conflict(fault);
        locks.ReleaseAll(write, row.Id, "its ticket has another repository");
        write.Db.Execute(
            "UPDATE tasks SET locks = @locks WHERE id = @Id",
            new { row.Id, locks = TaskRow.Json(LocksOf(template, ticket)) }
        );
        var before = TaskTable.Require(write.Db, row.Id);
        changes.Set(
            write,
            before,
            before with
            {
                Holds = before.Holds & ~(long)Tasks.Hold.Lock,
                LockReason = null,
                LockHeldAt = null,
            }
        );
    }

    public void Removed(IWrite write, TicketEntry ticket, string actor)
    {
        foreach (var row in TaskTable.WithAgents(write.Db, ticket.Id))
            ends.EndRun(write, row, RunEnd.Cancelled, $"{actor} deleted its ticket", cancelsTurn: true);
        // The turns that worked on them do not know of them any more when they end.
        foreach (var run in write.Db.Query<long>(ReservedSql, ReservedOf(ticket)).ToArray())
            budgets.Release(write, run);
        ForgetMessages(write, ticket.Id);
        var all = TaskTable.IdsOfTicket(write.Db, ticket.Id);
        foreach (var sql in RemoveSql)
            write.Db.Execute(sql, new { ticket.Id });
        foreach (var id in all)
            changes.Removed(write, id);
    }

    public IReadOnlyDictionary<long, TicketWork> Of(DbConnection db, IReadOnlyCollection<long> tickets) =>
        db.Prepare(WorkSql)
            .With(new { tickets = TaskRow.Json(tickets) })
            .All<WorkRow>()
            .GroupBy(c => c.Ticket)
            .ToDictionary(ofTicket => ofTicket.Key, Work);

    private static TicketWork Work(IEnumerable<WorkRow> ofTicket)
    {
        long pending = 0,
            running = 0,
            done = 0,
            failed = 0,
            micro = 0;
        SortedSet<string> agents = new(StringComparer.Ordinal);
        foreach (var row in ofTicket)
        {
            switch (row.Status)
            {
                case TaskState.Pending:
                    pending += row.Count;
                    break;
                case TaskState.Completed:
                    done += row.Count;
                    break;
                case TaskState.Failed:
                    failed += row.Count;
                    break;
                case TaskState.Assigned or TaskState.Running or TaskState.Reviewing:
                    running += row.Count;
                    break;
            }

            micro += row.Micro;
            if (row.Agent is { } agent)
                agents.Add(agent);
        }

        return new TicketWork(
            new TaskCounts((int)(pending + running), (int)running, (int)done, (int)failed),
            [.. agents],
            micro > 0 ? Money.Usd(micro) : null
        );
    }

    private sealed record WorkRow
    {
        public required long Ticket { get; init; }

        public required string Status { get; init; }

        public string? Agent { get; init; }

        public required long Count { get; init; }

        public required long Micro { get; init; }
    }

    private static bool HasMade(IWrite write, TicketEntry ticket, Phase phase) =>
        write.Db.ExecuteScalar<bool>(
            """
            SELECT EXISTS (
                SELECT 1
                  FROM tasks INDEXED BY tasks_ticket
                 WHERE ticket = @Id AND template IN (SELECT value FROM json_each(@templates))
            )
            """,
            new { ticket.Id, templates = TaskRow.Json(phase.Tasks.Select(t => TaskMaking.KeyOf(phase, t))) }
        );

    /// <summary>Makes the tasks of a phase's templates that have made none yet.</summary>
    public IReadOnlyList<TaskRow> Generate(IWrite write, TicketEntry ticket, Phase phase, string actor)
    {
        var made = write
            .Db.Query<(string Template, long Id)>(
                """
                SELECT template, id
                  FROM tasks INDEXED BY tasks_ticket
                 WHERE ticket = @Id AND template IS NOT NULL
                """,
                new { ticket.Id }
            )
            .ToDictionary(t => t.Template, t => t.Id, StringComparer.Ordinal);
        var missing = phase.Tasks.Where(t => !made.ContainsKey(TaskMaking.KeyOf(phase, t))).ToArray();
        if (missing.Length == 0)
            return [];
        if (missing.Select(t => LockFault(t, ticket)).FirstOrDefault(fault => fault is not null) is { } fault)
        {
            if (actor != Principals.System)
                throw Problem.Conflict(fault);
            // Nobody asked for this move, so that nobody would hear of a refusal.
            tickets.Block(
                write,
                ticket.Id,
                BlockTypes.Clarification,
                $"{fault}, and unblock it then",
                Principals.System
            );
            return [];
        }

        var specs = missing.Select(t => Spec(t, ticket, phase, type => made.GetValueOrDefault($"{phase.Id}/{type}")));
        return making.Add(
            write,
            ticket,
            [.. specs],
            place => new TaskMaking.Origin(
                actor,
                Template: TaskMaking.KeyOf(phase, missing[place]),
                MaxRetries: missing[place].MaxRetries ?? 3,
                Expected: missing[place].ExpectedOutputs
            )
        );
    }

    private static TaskSpec Spec(TaskTemplate template, TicketEntry ticket, Phase phase, Func<string, long> idOf) =>
        new(
            template.Type,
            TextRules.CutCharacters(Placeholders.Filled(template.Title, ticket), TaskRules.TitleLength),
            Ref: template.Type,
            Description: Placeholders.Filled(template.Description ?? ticket.Description, ticket),
            PhaseId: phase.Id,
            Priority: template.Priority,
            Capabilities: template.Capabilities,
            DependsOn:
            [
                .. template.DependsOn.Select(type =>
                    idOf(type) is var id and > 0
                        ? System.Text.Json.JsonSerializer.SerializeToElement(id)
                        : System.Text.Json.JsonSerializer.SerializeToElement(type)
                ),
            ],
            Quorum: template.Quorum,
            Agent: template.Agent,
            TimeoutSeconds: template.TimeoutSeconds,
            Review: template.Review,
            Locks: LocksOf(template, ticket)
        );

    private static IReadOnlyList<string> LocksOf(TaskTemplate template, TicketEntry ticket) =>
        [.. template.Locks.Select(l => Placeholders.Filled(l, ticket))];

    private static bool IsOfRepository(string text) => text.Contains("{ticket_repository}", StringComparison.Ordinal);

    // A lock of nothing would keep out every other ticket that has nothing there either.
    private static string? LockFault(TaskTemplate template, TicketEntry ticket)
    {
        foreach (var text in template.Locks)
        {
            var filled = Placeholders.Filled(text, ticket);
            var fault =
                ticket.Repository is null && IsOfRepository(text) ? "has no repository"
                : ResourceName.Fault(filled) is { } wrong ? $"makes '{filled}' of it, which {wrong}"
                : null;
            if (fault is not null)
                return $"the task {template.Type} locks '{text}', and ticket {ticket.Id} {fault}; change 'locks' of "
                    + "that task in the workflow, or set the ticket's repository";
        }

        return null;
    }

    private void Stop(IWrite write, TicketEntry ticket, string actor)
    {
        // They wait for a person no longer.
        changes.Publish(
            write,
            [.. TaskTable.FailedOf(write.Db, [ticket.Id]), .. TaskTable.HeldOf(write.Db, [ticket.Id])]
        );
        if (workflows.Find(ticket.Workflow) is { OnResultFound: OnResultFound.DoNothing })
            return;
        var reason = $"ticket {ticket.Id} has ended ({actor})";
        foreach (var row in TaskTable.WithAgents(write.Db, ticket.Id))
            ends.EndRun(write, row, RunEnd.Cancelled, reason, cancelsTurn: true);
        changes.CancelOpen(write, ticket.Id, $"Task cancelled: {reason}");
    }

    // A message that is leased would come again at the end of its turn, which looks here once more.
    private void ForgetMessages(IWrite write, long ticket)
    {
        var messages = write.Db.Query<(long Message, string Agent)>(
            """
            SELECT m.message, r.agent
              FROM tasks t INDEXED BY tasks_ticket
              JOIN task_messages m INDEXED BY task_messages_task ON m.task = t.id
              JOIN runs r ON r.id = m.run
             WHERE t.ticket = @ticket
            """,
            new { ticket }
        );
        RunEnds.Forget(
            write,
            [.. messages.Where(m => !leases.IsLeased(m.Agent, m.Message, out _)).Select(m => m.Message)]
        );
    }

    // The holds of a ticket are kept on its running tasks too: they count when such a task goes back.
    private TicketEntry Hold(IWrite write, TicketEntry ticket)
    {
        const Hold OfTicket = Tasks.Hold.Ticket | Tasks.Hold.Phase;
        List<TaskRow> changed = [];
        foreach (var row in TaskTable.OpenOfTicket(write.Db, ticket.Id))
        {
            var holds = (row.Held & ~OfTicket) | changes.OfTicket(ticket, row.PhaseId);
            if (holds == row.Held)
            {
                // Its reason may be another one now.
                if (row.IsPending && holds.HasFlag(Tasks.Hold.Ticket))
                    changed.Add(row);
                continue;
            }

            var after = row with { Holds = (long)holds };
            after = after with { ReadyAt = after.IsReady ? row.ReadyAt ?? changes.Now : null };
            TaskTable.UpdateHolds(write, after);
            changed.Add(after);
        }

        changes.Publish(write, changed);
        return changed.Exists(row => row.IsJoin) ? tickets.Require(write.Db, ticket.Id) : ticket;
    }

    private const string WorkSql = """
        SELECT t.ticket, t.status, iif(t.status IN ('assigned', 'running', 'reviewing'), t.agent, NULL) AS Agent,
               count(*) AS Count, sum(t.cost_micro) AS Micro
          FROM json_each(@tickets) i
          JOIN tasks t INDEXED BY tasks_ticket ON t.ticket = i.value
         GROUP BY 1, 2, 3
        """;

    private object ReservedOf(TicketEntry ticket) => new { ticket.Id, runs = TaskRow.Json(budgets.ReservedRuns) };

    private const string ReservedSql = """
        SELECT id
          FROM runs
         WHERE id IN (SELECT value FROM json_each(@runs)) AND task IN (SELECT id FROM tasks WHERE ticket = @Id)
        """;

    private static readonly string[] RemoveSql =
    [
        "DELETE FROM task_turns WHERE task IN (SELECT id FROM tasks WHERE ticket = @Id)",
        "DELETE FROM task_deps WHERE task IN (SELECT id FROM tasks WHERE ticket = @Id)",
        "DELETE FROM runs WHERE task IN (SELECT id FROM tasks WHERE ticket = @Id)",
        "DELETE FROM discoveries WHERE ticket = @Id",
        "DELETE FROM tasks WHERE ticket = @Id",
    ];
}
