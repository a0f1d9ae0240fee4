using System.Globalization;
using System.Text.Json;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Makes tasks and edges: all or none, within the limits, and never a cycle.</summary>
internal sealed class TaskMaking(TaskChanges changes, ITickets tickets, IWorkflows workflows, IRoster roster)
{
    /// <summary>The most tasks of one ticket.</summary>
    public const int MostOfTicket = 1000;

    /// <summary>The most tasks that a task may wait for.</summary>
    public const int MostEdges = 100;

    /// <summary>The most tasks that are made at once.</summary>
    public const int MostAtOnce = 200;

    /// <summary>How long one run may take when nobody says otherwise.</summary>
    public const long UsualTimeout = 3600;

    /// <summary>The members of a task that a caller cannot name.</summary>
    public sealed record Origin(
        string Actor,
        string? Prefers = null,
        long? Parent = null,
        string? Template = null,
        long MaxRetries = 3,
        IReadOnlyList<ExpectedOutput>? Expected = null,
        string Kind = TaskKind.Work,
        IReadOnlyList<string>? Excludes = null,
        string? MergeStrategy = null,
        IReadOnlyList<string>? Fields = null,
        string? Pattern = null,
        long? Discovery = null,
        long Depth = 0
    );

    /// <summary>Makes tasks of a ticket as a caller names them.</summary>
    /// <exception cref="Problem">Something is wrong with them, or they are too many.</exception>
    public IReadOnlyList<TaskRow> AddGiven(
        IWrite write,
        TicketEntry ticket,
        IReadOnlyList<TaskSpec> specs,
        string actor
    ) => AddGiven(write, ticket, specs, _ => new Origin(actor), Place);

    /// <summary>The same, with what a caller cannot name.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="specs">The tasks.</param>
    /// <param name="origin">What each has besides, by its place.</param>
    /// <param name="name">How the caller knows each, by its place.</param>
    public IReadOnlyList<TaskRow> AddGiven(
        IWrite write,
        TicketEntry ticket,
        IReadOnlyList<TaskSpec> specs,
        Func<int, Origin> origin,
        Func<int, string> name
    )
    {
        Check(workflows.Require(ticket.Workflow), specs, name);
        MustFit(write, ticket, specs.Count);
        return Add(write, ticket, specs, origin);
    }

    /// <summary>Names a task by its place in the caller's list.</summary>
    public static string Place(int place) => $"tasks[{place}]";

    /// <summary>Refuses tasks that would be too many. The templates of the ticket's workflow keep their places, so that
    /// no phase is closed to a ticket because it has too many tasks.</summary>
    /// <exception cref="Problem">They are too many.</exception>
    public void MustFit(IWrite write, TicketEntry ticket, int count)
    {
        if (NoRoom(write, ticket, count) is { } fault)
            throw Problem.Conflict(fault);
    }

    /// <summary>Says why a ticket cannot have so many more tasks; null when it can.</summary>
    public string? NoRoom(IWrite write, TicketEntry ticket, int count)
    {
        var there = write
            .Db.Query<string?>(
                "SELECT template FROM tasks INDEXED BY tasks_ticket WHERE ticket = @Id",
                new { ticket.Id }
            )
            .AsList();
        var templates = (workflows.Find(ticket.Workflow)?.Phases ?? [])
            .Where(phase => phase.Id != Phase.BlockedId)
            .SelectMany(phase => phase.Tasks.Select(template => KeyOf(phase, template)))
            .Except(there)
            .Count();
        return there.Count + templates + count <= MostOfTicket ? null
            : templates == 0
                ? $"ticket {ticket.Id} has {there.Count} tasks; the limit is {MostOfTicket}; make another ticket"
            : $"ticket {ticket.Id} has {there.Count} tasks, and the phases of '{ticket.Workflow}' make {templates} "
                + $"more; the limit is {MostOfTicket}; make another ticket";
    }

    /// <summary>Names a template in the tasks that are made from it.</summary>
    public static string KeyOf(Phase phase, TaskTemplate template) => $"{phase.Id}/{template.Type}";

    /// <summary>Checks the tasks that come with a new ticket, which have only each other to wait for.</summary>
    /// <exception cref="Problem">Something is wrong with them.</exception>
    public void CheckNew(Workflow workflow, IReadOnlyList<TaskSpec> specs)
    {
        Check(workflow, specs, Place);
        var refs = Refs(specs);
        Order(specs, [.. specs.Select((spec, i) => RefsOf(i, spec, refs))]);
    }

    /// <summary>Makes tasks of a ticket, as the host has composed them: a missing agent does not keep their ticket from
    /// going on.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="specs">The tasks.</param>
    /// <param name="origin">What each has besides, by its place.</param>
    /// <returns>The rows, in the order of the specs.</returns>
    public IReadOnlyList<TaskRow> Add(
        IWrite write,
        TicketEntry ticket,
        IReadOnlyList<TaskSpec> specs,
        Func<int, Origin> origin
    )
    {
        // Open tasks go on after the end of their ticket, and may still need a review.
        if (ticket.IsDone && !specs.Select((_, place) => origin(place)).All(o => o.Kind == TaskKind.Review))
            throw Problem.Conflict($"ticket {ticket.Id} has ended; make a follow-up with 'parent'");
        if (ticket.IsUnapproved)
            throw Problem.Conflict($"ticket {ticket.Id} waits for approval and has no tasks yet; approve it first");
        var refs = Refs(specs);
        var edges = specs.Select(spec => EdgesOf(write, ticket, spec, refs)).ToArray();
        var order = Order(specs, [.. edges.Select(on => on.Select(e => e.New).OfType<int>().ToArray())]);
        var made = new TaskRow[specs.Count];
        foreach (var index in order)
        {
            long[] waits = [.. edges[index].Select(on => on.New is { } place ? made[place].Id : on.Id).Distinct()];
            made[index] = Add(write, ticket, specs[index], origin(index), waits);
        }

        // The counts of what others wait for came after the rows.
        var rows = made.Select(row => TaskTable.Require(write.Db, row.Id)).ToArray();
        changes.Publish(
            write,
            [
                .. rows,
                .. edges
                    .SelectMany(on => on.Where(e => e.New is null))
                    .Select(e => e.Id)
                    .Distinct()
                    .Select(id => TaskTable.Require(write.Db, id))
                    .Where(r => r.HasPlace),
            ]
        );
        tickets.MarkGate(write, ticket.Id);
        // A barrier whose tasks are completed already has ended with that.
        return [.. rows.Select(row => row.IsJoin ? TaskTable.Require(write.Db, row.Id) : row)];
    }

    /// <summary>Lets a task wait for another one of its ticket.</summary>
    public TaskRow Depend(IWrite write, TaskRow row, long on)
    {
        if (on == row.Id)
            throw Cycles.Problem([on, on]);
        var other = TaskTable.Require(write.Db, on);
        if (other.Ticket != row.Ticket)
            throw OtherTicket(row.Ticket, other);
        var edges = TaskTable.EdgesOf(write.Db, row.Ticket);
        if (edges.Contains((row.Id, on)))
            return row;
        if (row.DepsTotal >= MostEdges)
            throw Problem.Conflict($"task {row.Id} waits for {MostEdges} tasks already, which is the limit");
        if (Cycles.Path(edges, row.Id, on) is { } path)
            throw Cycles.Problem(path);
        MustReach(
            tickets.Require(write.Db, row.Ticket),
            row with
            {
                DepsTotal = row.DepsTotal + 1,
            },
            StatesOf(write, [.. TaskTable.DependenciesOf(write.Db, row.Id), on])
        );
        TaskTable.AddEdge(write, row.Id, on);
        return Counted(write, row, other, 1);
    }

    /// <summary>Lets a task wait for another one in addition to the quorum by which it has begun: the open rest of that
    /// counts no longer.</summary>
    public TaskRow DependBesides(IWrite write, TaskRow row, long on)
    {
        if (row.Quorum is not null)
        {
            var done = TaskTable.ResultsFor(write.Db, row.Id).Select(r => r.Id);
            foreach (var open in TaskTable.DependenciesOf(write.Db, row.Id).Except(done))
                row = Undepend(write, row, open);
            write.Db.Execute("UPDATE tasks SET quorum = NULL WHERE id = @Id", new { row.Id });
            row = row with { Quorum = null };
        }

        return Depend(write, row, on);
    }

    /// <summary>A task no longer waits for another one.</summary>
    public TaskRow Undepend(IWrite write, TaskRow row, long on)
    {
        var other = TaskTable.Require(write.Db, on);
        return write.Db.Execute("DELETE FROM task_deps WHERE task = @Id AND depends_on = @on", new { row.Id, on }) == 0
            ? throw Problem.NotFound($"task {row.Id} does not wait for task {on}")
            : Counted(write, row, other, -1);
    }

    private TaskRow Counted(IWrite write, TaskRow row, TaskRow other, int change)
    {
        if (row.IsOpen)
        {
            write.Db.Execute(
                "UPDATE tasks SET dependents = dependents + @change WHERE id = @Id",
                new { change, other.Id }
            );
            if (other.HasPlace)
                changes.Publish(write, [TaskTable.Require(write.Db, other.Id)]);
        }

        var counted = row with
        {
            DepsTotal = row.DepsTotal + change,
            DepsDone = row.DepsDone + (other.Status == TaskState.Completed ? change : 0),
            DepsDead = row.DepsDead + (other.IsDead ? change : 0),
        };
        return changes.Set(
            write,
            row,
            counted with
            {
                Holds = (long)(
                    changes.HoldsOf(tickets.Require(write.Db, row.Ticket), counted)
                    | (row.Held & (Hold.Retry | Hold.Operator | Hold.Budget | Hold.Lock))
                ),
            }
        );
    }

    private TaskRow Add(IWrite write, TicketEntry ticket, TaskSpec spec, Origin origin, long[] waits)
    {
        var others = waits.Length == 0 ? [] : StatesOf(write, waits);
        var isJoin = origin.Kind is TaskKind.Barrier or TaskKind.Merge;
        var row = new TaskRow
        {
            Ticket = ticket.Id,
            PhaseId = spec.PhaseId ?? (isJoin ? LatestOf(ticket, others) : ticket.PhaseId),
            Kind = origin.Kind,
            TaskType = spec.TaskType,
            Title = spec.Title,
            Description = spec.Description ?? "",
            Priority = spec.Priority is null ? ticket.Priority : Priorities.Number(spec.Priority),
            Capabilities = TaskRow.Json(WorkWords.Normalise(spec.Capabilities ?? [])),
            WantsAgent = spec.Agent,
            Prefers = origin.Prefers,
            Excludes = origin.Excludes is { Count: > 0 } excludes ? TaskRow.Json(excludes) : null,
            DepsTotal = waits.Length,
            DepsDone = others.Count(on => on.Status == TaskState.Completed),
            DepsDead = others.Count(on => on.Status is TaskState.Failed or TaskState.Cancelled),
            Quorum = QuorumOf(spec.Quorum),
            MaxRetries = origin.MaxRetries,
            TimeoutSeconds = spec.TimeoutSeconds ?? (isJoin ? 0 : UsualTimeout),
            DeadlineAt = isJoin ? Joins.DeadlineOf(spec.TimeoutSeconds ?? 0, changes.Now) : ticket.DeadlineAt,
            Review = spec.Review,
            Locks = spec.Locks is { Count: > 0 } ? TaskRow.Json(spec.Locks) : null,
            Expected = origin.Expected is { Count: > 0 } expected ? TaskRow.Json(expected) : null,
            Template = origin.Template,
            Parent = origin.Parent,
            Discovery = origin.Discovery,
            Depth = origin.Depth,
            Pattern = origin.Pattern,
            MergeStrategy = origin.MergeStrategy,
            Fields = origin.Fields is { Count: > 0 } fields ? TaskRow.Json(fields) : null,
            Ref = spec.Ref,
            CreatedBy = origin.Actor,
            CreatedAt = changes.Now,
        };
        // Words such as 'majority' go by the number of tasks.
        if (int.TryParse(spec.Quorum, CultureInfo.InvariantCulture, out var quorum) && quorum > waits.Length)
            throw Problem.Invalid(
                $"'{row.Title}' has the quorum {quorum} and waits for {waits.Length} "
                    + $"task{(waits.Length == 1 ? "" : "s")}; name more in 'depends_on', or lower it"
            );
        MustReach(ticket, row, others);
        row = row with { Holds = (long)changes.HoldsOf(ticket, row) };
        row = TaskTable.Insert(write, row with { ReadyAt = row.IsReady ? row.CreatedAt : null });
        foreach (var on in waits)
            TaskTable.AddEdge(write, row.Id, on);
        if (waits.Length > 0)
            TaskTable.CountAsDependent(write, row.Id);
        return row;
    }

    /// <summary>The latest phase of some tasks: what waits for them in an earlier one would keep the ticket there, and
    /// wait for ever.</summary>
    public string LatestPhase(IWrite write, TicketEntry ticket, IReadOnlyCollection<long> tasks) =>
        LatestOf(ticket, StatesOf(write, tasks));

    // Its own open task keeps a ticket from the phases ahead, so that the other one would never begin. With a quorum
    // the others can be enough, except those that have failed or were cancelled.
    private void MustReach(TicketEntry ticket, TaskRow row, List<(string Title, string Status, string PhaseId)> others)
    {
        var beyond = others
            .Where(on =>
                on.Status != TaskState.Completed
                && on.PhaseId != row.PhaseId
                && changes.OfTicket(ticket, on.PhaseId).HasFlag(Hold.Phase)
                && LatestOf(ticket, [("", "", row.PhaseId), on]) == on.PhaseId
            )
            .ToArray();
        var within = others.Count(on =>
            !beyond.Contains(on) && on.Status is not (TaskState.Failed or TaskState.Cancelled)
        );
        if (beyond.Length > 0 && within < row.Needed)
            throw Problem.Conflict(
                $"'{row.Title}' of {row.PhaseId} would wait for ever for '{beyond[0].Title}': ticket {ticket.Id} is in "
                    + $"{ticket.PhaseId} and reaches {beyond[0].PhaseId} only after '{row.Title}'; leave out the "
                    + $"dependency, or give '{row.Title}' that phase"
            );
    }

    private string LatestOf(TicketEntry ticket, IEnumerable<(string Title, string Status, string PhaseId)> tasks)
    {
        var order = (workflows.Find(ticket.Workflow)?.Phases ?? []).Select(p => p.Id).ToList();
        // Tasks of a block end with it, and are not ahead of any.
        return tasks.Select(t => t.PhaseId).MaxBy(phase => phase == Phase.BlockedId ? -2 : order.IndexOf(phase))
            ?? ticket.PhaseId;
    }

    private static List<(string Title, string Status, string PhaseId)> StatesOf(
        IWrite write,
        IReadOnlyCollection<long> ids
    ) =>
        write
            .Db.Query<(string Title, string Status, string PhaseId)>(
                "SELECT t.title, t.status, t.phase_id FROM json_each(@ids) i JOIN tasks t ON t.id = i.value",
                new { ids = TaskRow.Json(ids) }
            )
            .AsList();

    /// <summary>Refuses an agent that cannot be given tasks of a duty.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: it does not exist; <c>conflict</c>: it has no duty, or another
    /// one.</exception>
    public void MustTakeTasks(string agent, Duty duty = Duty.Worker)
    {
        var entry = roster.Require(agent);
        if (!entry.TakesTasks)
            throw Problem.Conflict($"{agent} takes no tasks; give it a duty in its agent.yaml, or name another agent");
        var (has, needs) = (entry.Duty.ToString().ToLowerInvariant(), duty.ToString().ToLowerInvariant());
        if (has != needs)
            throw Problem.Conflict(
                $"{agent} is a {has} and takes no tasks of {needs}s; name another agent, or give it the duty '{needs}' "
                    + "in its agent.yaml"
            );
    }

    private void Check(Workflow workflow, IReadOnlyList<TaskSpec> specs, Func<int, string> name)
    {
        if (specs.Count > MostAtOnce)
            throw Problem.Invalid(
                $"{specs.Count} tasks are too many at once; the limit is {MostAtOnce}; make them in parts"
            );
        for (var i = 0; i < specs.Count; i++)
        {
            if (TaskRules.Fault(specs[i]) is { } fault)
                throw Problem.Invalid($"{name(i)}: {fault}");
            if (specs[i].PhaseId is { } phase && workflow.Phases.All(p => p.Id != phase))
                throw Problem.Invalid(
                    $"{name(i)}: '{workflow.Name}' does not have the phase '{phase}'; there are "
                        + string.Join(", ", workflow.Phases.Select(p => p.Id))
                );
            if (specs[i].Agent is { } agent)
                MustTakeTasks(agent);
        }
    }

    private static int[] RefsOf(int place, TaskSpec spec, Dictionary<string, int> refs)
    {
        List<int> places = [];
        foreach (var on in spec.DependsOn ?? [])
        {
            if (on.ValueKind != JsonValueKind.String || !refs.TryGetValue(on.GetString()!, out var other))
                throw Problem.Invalid(
                    $"tasks[{place}]: 'depends_on' names '{on}', which is not a 'ref' of these tasks"
                );
            places.Add(other);
        }

        int[] all = [.. places.Distinct()];
        return all.Length <= MostEdges
            ? all
            : throw Problem.Invalid($"'{spec.Title}' waits for {all.Length} tasks; the limit is {MostEdges}");
    }

    private static Dictionary<string, int> Refs(IReadOnlyList<TaskSpec> specs)
    {
        var refs = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < specs.Count; i++)
        {
            if (specs[i].Ref is { } name && !refs.TryAdd(name, i))
                throw Problem.Invalid($"two tasks have the 'ref' {name}; give each its own");
        }

        return refs;
    }

    // The tasks that a new one waits for, as they are named: stored ones by id, new ones by their place.
    private static (long Id, int? New)[] EdgesOf(
        IWrite write,
        TicketEntry ticket,
        TaskSpec spec,
        Dictionary<string, int> refs
    )
    {
        List<(long Id, int? New)> all = [];
        foreach (var on in spec.DependsOn ?? [])
        {
            if (on.ValueKind == JsonValueKind.String && refs.TryGetValue(on.GetString()!, out var index))
                all.Add((0, index));
            else if (IdOf(on) is { } id)
                all.Add((id, null));
            else
                throw Problem.Invalid(
                    $"'depends_on' names '{on}', which is neither a task's id nor a 'ref' of these tasks"
                );
        }

        foreach (var (id, _) in all.Where(e => e.New is null).Distinct())
        {
            var other = TaskTable.Find(write.Db, id) ?? throw Problem.NotFound($"'depends_on': task {id} not found");
            if (other.Ticket != ticket.Id)
                throw OtherTicket(ticket.Id, other);
        }

        (long, int?)[] edges = [.. all.Distinct()];
        return edges.Length <= MostEdges
            ? edges
            : throw Problem.Invalid($"'{spec.Title}' waits for {edges.Length} tasks; the limit is {MostEdges}");
    }

    private static long? IdOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
        : value.ValueKind == JsonValueKind.String
        && long.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var written)
            ? written
        : null;

    // The places of new tasks, each after those that it waits for.
    private static List<int> Order(IReadOnlyList<TaskSpec> specs, int[][] edges)
    {
        var order = new List<int>(specs.Count);
        var left = edges.Select(on => on.Length).ToArray();
        var waiting = edges
            .SelectMany((all, i) => all.Select(on => (On: on, Task: i)))
            .ToLookup(e => e.On, e => e.Task);
        var free = new Queue<int>(Enumerable.Range(0, specs.Count).Where(i => left[i] == 0));
        while (free.TryDequeue(out var next))
        {
            order.Add(next);
            foreach (var task in waiting[next].Where(task => --left[task] == 0))
                free.Enqueue(task);
        }

        if (order.Count == specs.Count)
            return order;
        var among = edges.SelectMany((all, i) => all.Select(on => ((long)i, (long)on))).ToList();
        var start = Enumerable.Range(0, specs.Count).First(i => left[i] > 0 && Cycles.Path(among, i, i) is not null);
        var path = Cycles.Path(among, start, start)!;
        throw Cycles.Problem([.. path.Select(i => specs[(int)i].Ref ?? specs[(int)i].Title)]);
    }

    private static long? QuorumOf(string? word) =>
        word switch
        {
            null or "all" => null,
            "first" => 1,
            "majority" => TaskRow.Majority,
            _ => long.Parse(word, CultureInfo.InvariantCulture),
        };

    private static Problem OtherTicket(long ticket, TaskRow other) =>
        Problem.Invalid(
            $"task {other.Id} belongs to ticket {other.Ticket}, not to ticket {ticket}; dependencies stay inside a "
                + "ticket: link the tickets"
        );
}
