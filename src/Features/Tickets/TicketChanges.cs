using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <inheritdoc />
internal sealed class TicketChanges(
    TicketTable table,
    MoveRules rules,
    Moves moves,
    Blocks blocks,
    Links links,
    TicketCards cards,
    ColumnCounts counts
) : ITickets
{
    public TicketEntry? Find(DbConnection db, long id) => TicketTable.Find(db, id)?.ToEntry();

    public TicketEntry Require(DbConnection db, long id) => TicketTable.Require(db, id).ToEntry();

    public IReadOnlyList<BoardColumnView> Board(Workflow workflow) => counts.View(workflow);

    public IReadOnlyList<TicketEntry> Open(DbConnection db)
    {
        List<TicketEntry> open = [];
        db.Prepare(OpenSql).Each<TicketRow>(row => open.Add(row.ToEntry()));
        return open;
    }

    public IReadOnlyList<long> OpenIds(DbConnection db) => db.Query<long>(OpenIdsSql).AsList();

    public void MarkGate(IWrite write, long ticket) => TicketTable.Mark(write, ticket);

    public IReadOnlyList<(long Id, long GateRev)> Marked(DbConnection db) => db.Query<(long, long)>(MarkedSql).AsList();

    public bool Judged(IWrite write, TicketEntry ticket, bool? passed, string? lacks = null)
    {
        if (
            TicketTable.Find(write.Db, ticket.Id) is not { IsPlaced: true, IsDone: false } row
            || row.PhaseId != ticket.PhaseId
            || row.GateRev != ticket.GateRev
        )
            return false;
        var wasMarked = row.IsMarked;
        TicketTable.Unmark(write, row.Id);
        row = row with { GateMarked = 0 };
        if (passed == true)
            moves.Passed(write, row);
        else if (passed == false && row.Gate != TicketRow.Gates.Failed)
            table.Put(
                write,
                row,
                row with
                {
                    Gate = TicketRow.Gates.Failed,
                },
                new Note(Principals.System, "gate", lacks is null ? "failed" : $"failed: {lacks}")
            );
        else if (passed is null && wasMarked && row.Gate != TicketRow.Gates.Open && !rules.AsksNothing(row))
            // Since it passed or failed, a task was made or evidence handed in.
            table.Put(
                write,
                row,
                row with
                {
                    Gate = TicketRow.Gates.Open,
                },
                new Note(Principals.System, "gate", "open again: there is new work or evidence")
            );
        return true;
    }

    public bool CanRegress(DbConnection db, long ticket, string toPhase) =>
        TicketTable.Require(db, ticket) is { IsDone: false } row
        && rules.WorkflowOf(row).PhaseOf(toPhase) is { } target
        && rules.RegressReason(row, target) is null;

    public bool Regress(IWrite write, long ticket, string toPhase, string reason, string actor)
    {
        if (!CanRegress(write.Db, ticket, toPhase))
            return false;
        moves.Regress(write, ticket, toPhase, reason, actor, isAsked: false);
        return true;
    }

    public bool Block(IWrite write, long ticket, string type, string reason, string actor)
    {
        if (
            TicketTable.Find(write.Db, ticket) is not { IsPlaced: true, IsDone: false, Blocked: null } row
            || !BlockTypes.All.Contains(type)
        )
            return false;
        blocks.Begin(write, row, type, reason, actor);
        return true;
    }

    public bool Unblock(IWrite write, long ticket, string actor, string? type = null)
    {
        if (
            TicketTable.Find(write.Db, ticket) is not { IsDone: false, Blocked: { } blocked } row
            // Links are not a matter of the slices above.
            || (type is not null && (type != blocked || Blocks.IsFromLinks(write.Db, row)))
        )
            return false;
        links.Unblock(write, row, actor);
        moves.Continue(write, ticket);
        return true;
    }

    public void SetContextSummary(IWrite write, long ticket, string summary)
    {
        var row = TicketTable.Require(write.Db, ticket);
        table.Put(write, row, row with { ContextSummary = summary });
    }

    public void Touch(IWrite write, long ticket) => cards.Touch(write, ticket);

    private const string OpenSql = $"""
        SELECT {TicketRow.CardColumns}, previous_phase_id, gate_rev, repository
          FROM tickets INDEXED BY tickets_open
         WHERE done_at IS NULL
         ORDER BY id
        """;

    private const string OpenIdsSql = "SELECT id FROM tickets INDEXED BY tickets_open WHERE done_at IS NULL";

    private const string MarkedSql = """
        SELECT id, gate_rev
          FROM tickets INDEXED BY tickets_marked
         WHERE gate_marked = 1 AND approval = 'approved' AND blocked IS NULL AND held = 0
         ORDER BY id
        """;
}
