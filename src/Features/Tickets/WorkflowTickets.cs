using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <inheritdoc />
internal sealed class WorkflowTickets(
    TicketTable table,
    Moves moves,
    ColumnCounts counts,
    TicketCards cards,
    IWorkflows workflows
) : IWorkflowTickets
{
    public IReadOnlyList<TicketPlace> In(DbConnection db, string workflow) =>
        [
            .. db.Query<(string PhaseId, long Count)>(InSql, new { workflow })
                .ToArray()
                .Select(p => new TicketPlace(
                    p.PhaseId,
                    (int)p.Count,
                    db.Query<long>(FirstSql, new { workflow, p.PhaseId }).AsList()
                )),
        ];

    public int Move(IWrite write, Workflow before, IReadOnlyDictionary<string, string> phases)
    {
        var workflow = before.Name;
        var spec = workflows.Require(workflow);
        // A column keeps its tickets when its phases get other names, and those of a phase that it takes over.
        var columns = phases
            .Values.Select(spec.ColumnOf)
            .OfType<BoardColumn>()
            .Distinct()
            .Select(c =>
                (
                    Column: c,
                    Before: counts.Of(
                        workflow,
                        (before.BoardColumns.FirstOrDefault(b => b.Id == c.Id)?.PhaseMapping ?? []).Union(
                            c.PhaseMapping
                        )
                    )
                )
            )
            .ToArray();
        var moved = phases.Sum(p => MoveEnded(write, workflow, p.Key, spec.RequirePhase(p.Value)));
        if (moved > 0)
            counts.Reload(write);
        var open = write
            .Db.Query<PlaceRow>(OpenSql, new { workflow })
            .Where(r => phases.ContainsKey(r.PhaseId))
            .Select(r => r.Id)
            .ToArray();
        foreach (var id in open)
        {
            // The one before may have let it go on.
            var row = TicketTable.Require(write.Db, id);
            if (!phases.TryGetValue(row.PhaseId, out var to))
                continue;
            if (row.IsPlaced)
                moves.Rescue(write, row, spec.RequirePhase(to));
            else
                table.Put(write, row, row with { PhaseId = to });
        }

        foreach (var (column, count) in columns)
            MustFit(spec, column, count);
        return moved + open.Length;
    }

    private void MustFit(Workflow workflow, BoardColumn column, int before)
    {
        if (column.WipLimit is { } limit && counts.Of(workflow, column) is var count && count > limit && count > before)
            throw Problem.Conflict(
                $"'move' would put {count} tickets into the column '{column.Name}', whose 'wip_limit' is {limit}; "
                    + "raise the limit, or name another phase"
            );
    }

    public void MarkGates(IWrite write, string workflow) =>
        write.Db.Execute(
            """
            UPDATE tickets
               SET gate_marked = 1, gate_rev = gate_rev + 1
             WHERE workflow = @workflow AND done_at IS NULL AND approval = 'approved'
               AND gate NOT IN ('passed', 'waiting')
            """,
            new { workflow }
        );

    // All at once: there may be many of them, and nothing follows from it.
    private int MoveEnded(IWrite write, string workflow, string from, Phase to)
    {
        var ended = write
            .Db.Query<EndedRow>(
                EndedSql,
                new
                {
                    workflow,
                    from,
                    to = to.Id,
                    status = Ways.Word(to.Status),
                    at = table.Now,
                }
            )
            .ToArray();
        if (ended.Length == 0)
            return 0;
        if (!to.Terminal && ended.FirstOrDefault(t => t.Approval == TicketRow.Approvals.Approved) is { } one)
            throw Problem.Invalid(
                $"'move' leads from {from} to {to.Id}, which is not an end, and ticket {one.Id} of {from} has ended; "
                    + "name a terminal phase"
            );
        write.Db.Execute(
            NoteSql,
            new
            {
                from,
                to = to.Id,
                ids = $"[{string.Join(',', ended.Select(t => t.Id))}]",
                at = table.Now,
                actor = Principals.System,
                reason = $"the workflow has {from} no longer",
            }
        );
        foreach (var ticket in ended)
            cards.Touch(write, ticket.Id);
        return ended.Length;
    }

    private const string InSql = """
        SELECT phase_id, count(*) AS Count
          FROM tickets INDEXED BY tickets_phase
         WHERE workflow = @workflow
         GROUP BY phase_id
         ORDER BY phase_id
        """;

    private const string FirstSql = """
        SELECT id
          FROM tickets INDEXED BY tickets_phase
         WHERE workflow = @workflow AND phase_id = @PhaseId
         ORDER BY id
         LIMIT 10
        """;

    private const string OpenSql = """
        SELECT id, phase_id
          FROM tickets INDEXED BY tickets_open
         WHERE workflow = @workflow AND done_at IS NULL
         ORDER BY id
        """;

    // A ticket that was rejected keeps its status.
    private const string EndedSql = """
        UPDATE tickets
           SET phase_id = @to, status = iif(approval = 'approved', @status, status), updated_at = @at
         WHERE workflow = @workflow AND phase_id = @from AND done_at IS NOT NULL
        RETURNING id, approval
        """;

    private const string NoteSql = """
        INSERT INTO ticket_history (ticket, at, actor, kind, from_phase, to_phase, reason)
        SELECT value, @at, @actor, 'moved', @from, @to, @reason
          FROM json_each(@ids)
        """;

    private sealed record PlaceRow
    {
        public required long Id { get; init; }

        public required string PhaseId { get; init; }
    }

    private sealed record EndedRow
    {
        public required long Id { get; init; }

        public required string Approval { get; init; }
    }
}
