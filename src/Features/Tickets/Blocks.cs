using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Begins and ends the block of a ticket, which is an overlay: the ticket keeps its phase and its place in the
/// column.</summary>
internal sealed class Blocks(
    TicketTable table,
    TicketNews news,
    IWorkflows workflows,
    Lazy<IEnumerable<ITicketHeld>> held,
    Lazy<IEnumerable<ITicketTasks>> tasks
)
{
    // Marks blocks that end with the last link.
    internal const string FromLinks = """{"links":true}""";

    /// <summary>Blocks a ticket that is approved, open and not blocked.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="row">The ticket.</param>
    /// <param name="type">One of <see cref="BlockTypes"/>.</param>
    /// <param name="reason">Why, in words.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="isFromLinks">The block ends when all linked tickets are done.</param>
    public TicketRow Begin(
        IWrite write,
        TicketRow row,
        string type,
        string reason,
        string actor,
        bool isFromLinks = false
    )
    {
        var after = table.Put(
            write,
            row,
            row with
            {
                Blocked = type,
                BlockedReason = reason,
                BlockedAt = table.Now,
            },
            new Note(actor, "blocked", $"{type}: {reason}", isFromLinks ? FromLinks : null)
        );
        Follow(write, row, after);
        if (!isFromLinks)
            news.Blocked(write, after, actor);
        Remedy(write, after, actor);
        return TicketTable.Require(write.Db, row.Id);
    }

    /// <summary>Ends the block of a blocked ticket. The caller lets it advance then.</summary>
    public TicketRow End(IWrite write, TicketRow row, string actor, string? reason = null)
    {
        var after = table.Put(write, row, Ended(row), new Note(actor, "unblocked", reason));
        EndRemedy(write, after, actor);
        Follow(write, row, after);
        return TicketTable.Require(write.Db, row.Id);
    }

    /// <summary>Holds a ticket, or releases it. The caller lets a released one advance then.</summary>
    public TicketRow Hold(IWrite write, TicketRow row, bool isHeld, string actor, string? reason)
    {
        var after = table.Put(
            write,
            row,
            row with
            {
                Held = isHeld ? 1 : 0,
            },
            new Note(actor, isHeld ? "held" : "released", reason)
        );
        Follow(write, row, after);
        return TicketTable.Require(write.Db, row.Id);
    }

    /// <summary>The row without its block.</summary>
    public static TicketRow Ended(TicketRow row) => row with { Blocked = null, BlockedReason = null, BlockedAt = null };

    /// <summary>True when the block of a ticket ends with its last link.</summary>
    public static bool IsFromLinks(DbConnection db, TicketRow row) =>
        row.Blocked == BlockTypes.Dependency
        && db.ExecuteScalar<string?>(
            """
            SELECT data
              FROM ticket_history
             WHERE ticket = @Id AND kind = 'blocked'
             ORDER BY id DESC
             LIMIT 1
            """,
            new { row.Id }
        ) == FromLinks;

    /// <summary>Tells the slices above when the tasks of a ticket may run from now on, or may not, or for another
    /// reason.</summary>
    public void Follow(IWrite write, TicketRow before, TicketRow after)
    {
        // A hold also concerns the task of a block, which runs while the others do not.
        if ((before.Held, before.Blocked, before.Approval) == (after.Held, after.Blocked, after.Approval))
            return;
        foreach (var told in held.Value)
            told.Changed(write, after.ToEntry());
    }

    /// <summary>Cancels what was still to be done for a block that has ended, so that the next one has its
    /// own.</summary>
    public void EndRemedy(IWrite write, TicketRow row, string actor)
    {
        foreach (var maker in tasks.Value)
            maker.BlockEnded(write, row.ToEntry(), actor);
    }

    // A template of the overlay's phase whose type is the block's. Its task belongs to that phase: it is there to be
    // done while the others are held.
    private void Remedy(IWrite write, TicketRow row, string actor)
    {
        var template = workflows
            .Find(row.Workflow)
            ?.PhaseOf(Phase.BlockedId)
            ?.Tasks.FirstOrDefault(t => t.Type == row.Blocked);
        if (template is null)
            return;
        var ticket = row.ToEntry();
        var spec = new TaskSpec(
            TaskType: template.Type,
            Title: TextRules.CutCharacters(Placeholders.Filled(template.Title, ticket), TicketRules.TitleLength),
            Description: template.Description is { } text
                ? $"{Placeholders.Filled(text, ticket)}\n\n{row.BlockedReason}"
                : row.BlockedReason,
            PhaseId: Phase.BlockedId,
            Priority: template.Priority,
            Capabilities: template.Capabilities,
            Agent: template.Agent,
            TimeoutSeconds: template.TimeoutSeconds
        );
        foreach (var maker in tasks.Value)
            maker.Add(write, ticket, [spec], actor);
    }
}
