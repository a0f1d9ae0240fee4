using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>
/// Stores rows of tickets, and nothing else does: the status, the counts of the columns, the history, the card and what
/// waits for the operator follow from each change of a row here.
/// </summary>
internal sealed class TicketTable(IWorkflows workflows, ColumnCounts counts, TicketCards cards, TimeProvider clock)
{
    /// <summary>The ticket of that id, or null.</summary>
    public static TicketRow? Find(DbConnection db, long id) =>
        db.Prepare($"SELECT {TicketRow.Columns} FROM tickets WHERE id = ?1").Bind(1, id).One<TicketRow>();

    /// <summary>The ticket of that id.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public static TicketRow Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"ticket {id} not found; `hive ticket list` lists the tickets");

    /// <summary>The time of a write, in milliseconds.</summary>
    public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Stores a new ticket at the end of its column.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="draft">The ticket, without id and rank.</param>
    /// <param name="note">The entry of its history.</param>
    public TicketRow Insert(IWrite write, TicketRow draft, Note note)
    {
        draft = draft with { Status = StatusOf(draft) };
        var row = write.Db.QuerySingle<TicketRow>(InsertSql, draft);
        AddNote(write, null, row, note);
        Follow(write, null, row);
        return row;
    }

    /// <summary>Replaces a row.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="before">The row as it is stored.</param>
    /// <param name="after">The row as it should be; its status and its time of change are set here.</param>
    /// <param name="note">The entry of its history; null for none.</param>
    /// <returns>The row as it is stored now.</returns>
    public TicketRow Put(IWrite write, TicketRow before, TicketRow after, Note? note = null)
    {
        after = after with { Status = StatusOf(after), UpdatedAt = Now };
        write.Prepare(UpdateSql).With(after).Run();
        if (note is not null)
            AddNote(write, before, after, note);
        Follow(write, before, after);
        return after;
    }

    /// <summary>Marks the gate of an open ticket; nothing that is shown changes.</summary>
    public static void Mark(IWrite write, long id) =>
        write
            .Prepare(
                """
                UPDATE tickets
                   SET gate_marked = 1, gate_rev = gate_rev + 1
                 WHERE id = ?1 AND approval = 'approved' AND done_at IS NULL
                """
            )
            .Bind(1, id)
            .Run();

    /// <summary>Removes the mark of a gate; nothing that is shown changes.</summary>
    public static void Unmark(IWrite write, long id) =>
        write.Prepare("UPDATE tickets SET gate_marked = 0 WHERE id = ?1").Bind(1, id).Run();

    /// <summary>Adds an entry to a ticket's history, and nothing else.</summary>
    public void AddNote(IWrite write, TicketRow row, Note note)
    {
        AddNote(write, null, row, note);
        cards.Touch(write, row.Id);
    }

    /// <summary>The history of a deleted ticket.</summary>
    public static LeftRows LeftHistory { get; } =
        new(
            "ticket_history",
            $"SELECT id FROM ticket_history WHERE ticket = @id LIMIT {ManyRows.PerWrite}",
            "DELETE FROM ticket_history WHERE id = @key"
        );

    /// <summary>Deletes a ticket with its history.</summary>
    public void Delete(IWrite write, TicketRow row)
    {
        Follow(write, row, null);
        Leftovers.Note(write, LeftHistory, row.Id);
        write.Db.Execute("DELETE FROM tickets WHERE id = @Id", new { row.Id });
    }

    // The status is never set by itself, so that board, phase and status cannot disagree.
    private string StatusOf(TicketRow row)
    {
        if (!row.IsPlaced)
            return row.Approval;
        if (workflows.Find(row.Workflow)?.PhaseOf(row.PhaseId) is not { } phase)
            return row.Status;
        var word = Ways.Word(phase.Status);
        return phase.Status == PhaseStatus.Building && row.HasPassed && !phase.Terminal ? $"{word}-done" : word;
    }

    private void AddNote(IWrite write, TicketRow? before, TicketRow after, Note note) =>
        write
            .Prepare(NoteSql)
            .With(
                new
                {
                    after.Id,
                    Now,
                    note.Actor,
                    note.Kind,
                    FromPhase = before?.PhaseId == after.PhaseId ? null : before?.PhaseId,
                    ToPhase = before?.PhaseId == after.PhaseId || !note.IsMove ? null : after.PhaseId,
                    FromStatus = before?.Status == after.Status ? null : before?.Status,
                    ToStatus = before?.Status == after.Status || (before is null && !note.IsMove) ? null : after.Status,
                    note.Reason,
                    note.Data,
                }
            )
            .Run();

    private void Follow(IWrite write, TicketRow? before, TicketRow? after)
    {
        var columns = counts.Change(write, before, after);
        cards.Touch(write, (after ?? before)!.Id);
        if (columns.Count > 0)
            cards.Touch(write, columns);
        foreach (var change in WaitingTickets.Changes(write.Db, before, after))
            write.Raise(change);
    }

    private const string InsertSql = $"""
        INSERT INTO tickets (
            workflow, title, description, description_refs, priority, phase_id, previous_phase_id, status, gate,
            gate_marked, gate_rev, entered_at, rank, parent, labels, repository, deadline_at, approval,
            approval_deadline_at, rejection_reason, blocked, blocked_reason, blocked_at, held, context_summary,
            requester, created_at, updated_at, done_at
        )
        VALUES (
            @Workflow, @Title, @Description, @DescriptionRefs, @Priority, @PhaseId, @PreviousPhaseId, @Status, @Gate,
            @GateMarked, @GateRev, @EnteredAt,
            (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'tickets'),
            @Parent, @Labels, @Repository, @DeadlineAt, @Approval,
            @ApprovalDeadlineAt, @RejectionReason, @Blocked, @BlockedReason, @BlockedAt, @Held, @ContextSummary,
            @Requester, @CreatedAt, @UpdatedAt, @DoneAt
        )
        RETURNING {TicketRow.Columns}
        """;

    private const string UpdateSql = """
        UPDATE tickets
           SET title = @Title, description = @Description, description_refs = @DescriptionRefs, priority = @Priority,
               phase_id = @PhaseId, previous_phase_id = @PreviousPhaseId, status = @Status, gate = @Gate,
               gate_marked = @GateMarked, gate_rev = @GateRev, entered_at = @EnteredAt, rank = @Rank,
               labels = @Labels, repository = @Repository, deadline_at = @DeadlineAt, approval = @Approval,
               approval_deadline_at = @ApprovalDeadlineAt, rejection_reason = @RejectionReason, blocked = @Blocked,
               blocked_reason = @BlockedReason, blocked_at = @BlockedAt, held = @Held,
               context_summary = @ContextSummary, updated_at = @UpdatedAt, done_at = @DoneAt
         WHERE id = @Id
        """;

    private const string NoteSql = """
        INSERT INTO ticket_history (ticket, at, actor, kind, from_phase, to_phase, from_status, to_status, reason, data)
        VALUES (@Id, @Now, @Actor, @Kind, @FromPhase, @ToPhase, @FromStatus, @ToStatus, @Reason, @Data)
        """;
}

/// <summary>An entry of a ticket's history.</summary>
/// <param name="Actor">Who does it.</param>
/// <param name="Kind">One of the kinds of <see cref="TicketHistoryEntry"/>.</param>
/// <param name="Reason">The reason, feedback or comment.</param>
/// <param name="Data">JSON for the host's own use.</param>
internal sealed record Note(string Actor, string Kind, string? Reason = null, string? Data = null)
{
    /// <summary>It tells of a place, also where that is the first one.</summary>
    public bool IsMove => Kind is "created" or "approved" or "moved" or "advanced" or "regressed" or "forced";
}
