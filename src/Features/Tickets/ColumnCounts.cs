using System.Collections.Immutable;
using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>
/// Counts in memory, on the writer's thread, the tickets of every phase and those that wait, so that a column's limit
/// is a comparison inside the write that moves a ticket. By phase and not by column: a replaced workflow may have other
/// columns over the same phases.
/// </summary>
internal sealed class ColumnCounts(IWorkflows workflows)
{
    private volatile State state = State.Empty;

    /// <summary>Reads the counts, at start.</summary>
    public void Load(DbConnection db)
    {
        var waiting = db.Query<WaitingRow>(WaitingSql).ToLookup(w => new Place(w.Workflow, w.PhaseId));
        state = new State(
            db.Query<CountRow>(CountSql)
                .ToImmutableDictionary(
                    c => new Place(c.Workflow, c.PhaseId),
                    c => new PhaseCount(
                        (int)c.Count,
                        (int)c.Blocked,
                        [
                            .. waiting[new Place(c.Workflow, c.PhaseId)]
                                .Select(w => new Waiter(w.Priority, w.Since, w.Id)),
                        ]
                    )
                ),
            db.Query<MadeRow>(MadeSql).ToImmutableDictionary(m => m.Requester, m => (int)m.Count)
        );
    }

    /// <summary>Reads the counts again inside a write that changed many tickets at once.</summary>
    public void Reload(IWrite write)
    {
        var old = state;
        Load(write.Db);
        write.OnRollback(() => state = old);
    }

    /// <summary>Counts a ticket that was made, changed or deleted; null for the side on which it does not
    /// exist.</summary>
    /// <returns>The workflow's columns whose counts may differ, before and after.</returns>
    public IReadOnlyCollection<(string Workflow, string Column)> Change(
        IWrite write,
        TicketRow? before,
        TicketRow? after
    )
    {
        if (before is not null && after is not null && Counted(before) == Counted(after))
            return [];
        var next = state;
        if (before is not null)
            next = Add(next, write, before, -1);
        if (after is not null)
            next = Add(next, write, after, 1);
        var old = state;
        state = next;
        write.OnRollback(() => state = old);
        return [.. Columns(before).Concat(Columns(after)).Distinct()];
    }

    /// <summary>The tickets in a column.</summary>
    public int Of(Workflow workflow, BoardColumn column) => Of(workflow.Name, column.PhaseMapping);

    /// <summary>The tickets in phases of a workflow.</summary>
    public int Of(string workflow, IEnumerable<string> phases) => phases.Sum(p => state.At(workflow, p).Count);

    /// <summary>How many of the tickets in a column are blocked.</summary>
    public int BlockedIn(Workflow workflow, BoardColumn column) =>
        column.PhaseMapping.Sum(p => state.At(workflow.Name, p).Blocked);

    /// <summary>True when a column takes one more ticket.</summary>
    public bool HasRoom(Workflow workflow, BoardColumn column) =>
        column.WipLimit is not { } limit || Of(workflow, column) < limit;

    /// <summary>The ticket that enters a column next: the highest priority, then the longest wait; null for
    /// none.</summary>
    public long? NextFor(Workflow workflow, BoardColumn column) =>
        Line(workflow, column).Select(ticket => (long?)ticket).FirstOrDefault();

    /// <summary>The tickets that wait for a column, in the order of <see cref="NextFor"/>. From any thread; those who
    /// wait when the first one is read are named, each once.</summary>
    public IEnumerable<long> Line(Workflow workflow, BoardColumn column)
    {
        ImmutableSortedSet<Waiter>[] waiting = [.. WaitingFor(workflow, column).Where(w => w.Count > 0)];
        if (waiting.Length == 0)
            yield break;
        yield return waiting.Min(w => w.Min).Ticket;
        // Only sorted where more than the first one is read.
        foreach (var waiter in waiting.SelectMany(w => w).Order().Skip(1))
            yield return waiter.Ticket;
    }

    /// <summary>The open tickets that somebody made.</summary>
    public int MadeBy(string requester) => state.Made.GetValueOrDefault(requester);

    /// <summary>The columns of a workflow's board with their counts.</summary>
    public IReadOnlyList<BoardColumnView> View(Workflow workflow) =>
        [.. workflow.BoardColumns.Select(c => View(workflow, c))];

    /// <summary>A column with its counts. The overlay's column counts all blocked tickets of the workflow, which count
    /// in the columns of their phases too.</summary>
    public BoardColumnView View(Workflow workflow, BoardColumn column)
    {
        var isOverlay = column.PhaseMapping.Contains(Phase.BlockedId);
        var blocked = isOverlay ? workflow.BoardColumns.Sum(c => BlockedIn(workflow, c)) : BlockedIn(workflow, column);
        return new BoardColumnView(
            Workflow: workflow.Name,
            Id: column.Id,
            Name: column.Name,
            PhaseMapping: column.PhaseMapping,
            Count: isOverlay ? blocked : Of(workflow, column),
            Blocked: blocked,
            Waiting: WaitingFor(workflow, column).Sum(w => w.Count),
            Terminal: column.Terminal,
            Pull: column.Pull,
            WipLimit: column.WipLimit,
            ColorTheme: column.ColorTheme
        );
    }

    // The waiting tickets of each phase that leads into a column.
    private IEnumerable<ImmutableSortedSet<Waiter>> WaitingFor(Workflow workflow, BoardColumn column)
    {
        // Of one state: the writer may move a ticket from one phase to another in the meantime.
        var now = state;
        return workflow
            .Phases.Where(p => workflow.NextOf(p) is { } next && column.PhaseMapping.Contains(next.Id))
            .Select(p => now.At(workflow.Name, p.Id).Waiting);
    }

    private IEnumerable<(string, string)> Columns(TicketRow? row)
    {
        if (row is null || workflows.Find(row.Workflow) is not { } workflow)
            yield break;
        if (workflow.ColumnOf(row.PhaseId) is { } own)
            yield return (workflow.Name, own.Id);
        if (row.Blocked is not null && workflow.ColumnOf(Phase.BlockedId) is { } overlay)
            yield return (workflow.Name, overlay.Id);
        if (
            row.Waits
            && workflow.PhaseOf(row.PhaseId) is { } phase
            && workflow.NextOf(phase) is { } next
            && workflow.ColumnOf(next.Id) is { } target
        )
            yield return (workflow.Name, target.Id);
    }

    private static (string, bool, bool, bool, bool, long) Counted(TicketRow row) =>
        (row.PhaseId, row.IsPlaced, row.IsDone, row.Blocked is not null, row.Waits, row.Waits ? row.Priority : 0);

    private static State Add(State to, IWrite write, TicketRow row, int by)
    {
        if (!row.IsDone)
            to = to with { Made = to.Made.SetItem(row.Requester, to.Made.GetValueOrDefault(row.Requester) + by) };
        if (!row.IsPlaced)
            return to;
        var place = new Place(row.Workflow, row.PhaseId);
        var at = to.Phases.GetValueOrDefault(place, PhaseCount.None);
        var waiting = at.Waiting;
        if (row.Waits)
        {
            var waiter = new Waiter(row.Priority, Since(write, row), row.Id);
            waiting = by > 0 ? waiting.Add(waiter) : waiting.Remove(waiter);
        }

        return to with
        {
            Phases = to.Phases.SetItem(
                place,
                new PhaseCount(at.Count + by, at.Blocked + (row.Blocked is null ? 0 : by), waiting)
            ),
        };
    }

    private static long Since(IWrite write, TicketRow row) =>
        write.Db.ExecuteScalar<long?>(
            "SELECT max(id) FROM ticket_history WHERE ticket = @Id AND kind = 'waiting'",
            new { row.Id }
        ) ?? row.Id;

    private const string CountSql = """
        SELECT workflow, phase_id, count(*) AS Count, count(blocked) AS Blocked
          FROM tickets
         WHERE approval = 'approved'
         GROUP BY workflow, phase_id
        """;

    private const string WaitingSql = """
        SELECT t.workflow, t.phase_id, t.priority, t.id,
               coalesce((SELECT max(h.id) FROM ticket_history h WHERE h.ticket = t.id AND h.kind = 'waiting'), t.id)
                   AS Since
          FROM tickets t INDEXED BY tickets_open
         WHERE t.done_at IS NULL AND t.gate = 'waiting' AND t.approval = 'approved'
           AND t.blocked IS NULL AND t.held = 0
        """;

    private const string MadeSql = """
        SELECT requester, count(*) AS Count
          FROM tickets INDEXED BY tickets_open
         WHERE done_at IS NULL
         GROUP BY requester
        """;

    private readonly record struct Place(string Workflow, string PhaseId);

    // The history's entries are numbered in the order in which tickets began to wait.
    private readonly record struct Waiter(long Priority, long Since, long Ticket) : IComparable<Waiter>
    {
        public int CompareTo(Waiter other) =>
            (other.Priority, Since, Ticket).CompareTo((Priority, other.Since, other.Ticket));
    }

    private sealed record PhaseCount(int Count, int Blocked, ImmutableSortedSet<Waiter> Waiting)
    {
        public static PhaseCount None { get; } = new(0, 0, []);
    }

    private sealed record State(ImmutableDictionary<Place, PhaseCount> Phases, ImmutableDictionary<string, int> Made)
    {
        public static State Empty { get; } =
            new(ImmutableDictionary<Place, PhaseCount>.Empty, ImmutableDictionary<string, int>.Empty);

        public PhaseCount At(string workflow, string phase) =>
            Phases.GetValueOrDefault(new Place(workflow, phase), PhaseCount.None);
    }

    private sealed record CountRow
    {
        public required string Workflow { get; init; }

        public required string PhaseId { get; init; }

        public required long Count { get; init; }

        public required long Blocked { get; init; }
    }

    private sealed record WaitingRow
    {
        public required string Workflow { get; init; }

        public required string PhaseId { get; init; }

        public required long Priority { get; init; }

        public required long Id { get; init; }

        public required long Since { get; init; }
    }

    private sealed record MadeRow
    {
        public required string Requester { get; init; }

        public required long Count { get; init; }
    }
}
