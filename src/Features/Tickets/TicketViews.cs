using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Makes cards and whole tickets of rows.</summary>
internal sealed class TicketViews(
    IWorkflows workflows,
    Lazy<IEnumerable<ITicketWork>> work,
    Lazy<IEnumerable<ITicketWaits>> waits
)
{
    /// <summary>The card of a ticket.</summary>
    public TicketCard Card(DbConnection db, TicketRow row) => Cards(db, [row])[0];

    /// <summary>The cards of tickets, in their order.</summary>
    public IReadOnlyList<TicketCard> Cards(DbConnection db, IReadOnlyCollection<TicketRow> rows)
    {
        var current = work.Value.LastOrDefault()?.Of(db, [.. rows.Select(row => row.Id)]);
        var since = WaitingSince(db, [.. rows.Where(row => WaitingFor(row) is not null).Select(row => row.Id)]);
        var needsYou = waits.Value.LastOrDefault()?.Keys;
        return
        [
            .. rows.Select(row =>
                Card(
                    row,
                    current?.GetValueOrDefault(row.Id) ?? TicketWork.None,
                    since.GetValueOrDefault(row.Id),
                    row.IsDone ? null : needsYou?.GetValueOrDefault(row.Id)
                )
            ),
        ];
    }

    /// <summary>The whole ticket.</summary>
    public Ticket Whole(DbConnection db, TicketRow row) =>
        new(
            Card: Card(db, row),
            Description: row.Description,
            DescriptionRefs: TicketRow.List(row.DescriptionRefs),
            Requester: row.Requester,
            Approval: row.Approval,
            AllowedTransitions: AllowedFrom(row),
            BlockedBy: Linked(db, BlockersSql, row.Id),
            Blocks: Linked(db, BlockedSql, row.Id),
            PreviousPhaseId: row.PreviousPhaseId,
            Parent: row.Parent,
            Repository: row.Repository,
            RejectionReason: row.RejectionReason,
            BlockedAt: TicketRow.Instant(row.BlockedAt),
            ContextSummary: row.ContextSummary
        );

    /// <summary>The ticket of that id, as a door shows it.</summary>
    public Ticket Whole(DbConnection db, long id) => Whole(db, TicketTable.Require(db, id));

    /// <summary>The phases that a ticket may move to; none before its approval and after its end.</summary>
    public IReadOnlyList<string> AllowedFrom(TicketRow row) =>
        row is { IsPlaced: true, IsDone: false }
        && workflows.Find(row.Workflow) is { } workflow
        && workflow.PhaseOf(row.PhaseId) is { } phase
            ? workflow.TargetsOf(phase)
            : [];

    private TicketCard Card(TicketRow row, TicketWork current, long? waitingSince, string? needsYou) =>
        new(
            Id: row.Id,
            Title: row.Title,
            Workflow: row.Workflow,
            PhaseId: row.PhaseId,
            Status: row.Status,
            Priority: Priorities.Word((int)row.Priority),
            Gate: row.Gate,
            Held: row.Held != 0,
            Tasks: current.Tasks,
            Agents: current.Agents,
            Labels: TicketRow.List(row.Labels),
            Rank: row.Rank,
            CreatedAt: TicketRow.Instant(row.CreatedAt),
            UpdatedAt: TicketRow.Instant(row.UpdatedAt),
            EnteredAt: TicketRow.Instant(row.EnteredAt),
            Blocked: row.Blocked,
            BlockedReason: row.BlockedReason,
            WaitingFor: WaitingFor(row),
            WaitingSince: TicketRow.Instant(waitingSince),
            DeadlineAt: TicketRow.Instant(row.DeadlineAt),
            ApprovalDeadlineAt: TicketRow.Instant(row.ApprovalDeadlineAt),
            DoneAt: TicketRow.Instant(row.DoneAt),
            CostUsd: current.CostUsd,
            NeedsYou: needsYou
        );

    private string? WaitingFor(TicketRow row) =>
        row.Gate == TicketRow.Gates.Waiting
        && !row.IsDone
        && workflows.Find(row.Workflow) is { } workflow
        && workflow.PhaseOf(row.PhaseId) is { } phase
        && workflow.NextOf(phase) is { } next
            ? workflow.ColumnOf(next.Id)?.Name
            : null;

    private static Dictionary<long, long?> WaitingSince(DbConnection db, IReadOnlyCollection<long> tickets) =>
        tickets.Count == 0
            ? []
            : db.Query<(long Ticket, long? At)>(
                    """
                    SELECT ticket, max(at)
                      FROM ticket_history
                     WHERE ticket IN (SELECT value FROM json_each(@tickets)) AND kind = 'waiting'
                     GROUP BY ticket
                    """,
                    new { tickets = JsonSerializer.Serialize(tickets) }
                )
                .ToDictionary(found => found.Ticket, found => found.At);

    private static IReadOnlyList<TicketLink> Linked(DbConnection db, string sql, long id) =>
        [.. db.Query<LinkRow>(sql, new { id }).Select(l => new TicketLink(l.Id, l.Title, l.Done != 0))];

    private const string BlockersSql = """
        SELECT t.id, t.title, t.done_at IS NOT NULL AND t.approval = 'approved' AS Done
          FROM ticket_links l
          JOIN tickets t ON t.id = l.blocker
         WHERE l.blocked = @id
         ORDER BY t.id
        """;

    private const string BlockedSql = """
        SELECT t.id, t.title, t.done_at IS NOT NULL AND t.approval = 'approved' AS Done
          FROM ticket_links l
          JOIN tickets t ON t.id = l.blocked
         WHERE l.blocker = @id
         ORDER BY t.id
        """;

    private sealed record LinkRow
    {
        public required long Id { get; init; }

        public required string Title { get; init; }

        public required long Done { get; init; }
    }
}
