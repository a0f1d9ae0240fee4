using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;

namespace Hive.Features.Tickets;

/// <summary>Links tickets: a linked ticket is blocked until all tickets that it waits for are done.</summary>
internal sealed class Links(TicketTable table, Blocks blocks)
{
    /// <summary>The most tickets that one ticket waits for.</summary>
    public const int Most = 100;

    /// <summary>The most open tickets that wait for one ticket: all are looked at in the write that ends it.</summary>
    public const int MostWaiting = 50;

    /// <summary>Lets a ticket that was made in this write wait for others. Nothing waits for it yet, so that there is
    /// no cycle; it is blocked when it begins.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, <c>invalid</c> for the ticket itself, or <c>conflict</c> for
    /// too many links.</exception>
    public void Put(IWrite write, TicketRow row, IReadOnlyCollection<long> blockers, string actor)
    {
        if (blockers.Count > Most)
            throw TooMany(row.Id);
        foreach (var blocker in blockers)
        {
            if (blocker == row.Id)
                throw Problem.Invalid($"ticket {row.Id} cannot wait for itself");
            TicketTable.Require(write.Db, blocker);
            Insert(write, blocker, row, actor);
        }
    }

    /// <summary>Lets a ticket wait for another one; a link that is there is taken once.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, <c>invalid</c> for a ticket that would wait for itself, or
    /// <c>conflict</c> for a cycle, an ended ticket or too many links.</exception>
    public void Add(IWrite write, long blocker, long blocked, string actor)
    {
        if (blocker == blocked)
            throw Problem.Invalid($"ticket {blocked} cannot wait for itself");
        TicketTable.Require(write.Db, blocker);
        var row = TicketTable.Require(write.Db, blocked);
        if (row.IsDone)
            throw MoveRules.Ended(row);
        var others = Blockers(write.Db, blocked);
        if (others.Contains(blocker))
            return;
        if (others.Count >= Most)
            throw TooMany(blocked);
        if (Path(write.Db, blocker, blocked) is { } path)
            throw Problem.Conflict(
                $"the tickets would wait for each other: {string.Join(" → ", [blocked, .. path])}; "
                    + "remove one of the links"
            );
        Insert(write, blocker, row, actor);
        if (row.Blocked is null)
            Apply(write, row, actor);
        else
            Tell(write, row, Open(write.Db, blocked));
    }

    /// <summary>Blocks a ticket that waits for tickets which are not done, unless it is blocked.</summary>
    public TicketRow Apply(IWrite write, TicketRow row, string actor)
    {
        if (row is not { IsPlaced: true, IsDone: false, Blocked: null })
            return row;
        var open = Open(write.Db, row.Id);
        return open.Count == 0
            ? row
            : blocks.Begin(write, row, BlockTypes.Dependency, Reason(open), actor, isFromLinks: true);
    }

    /// <summary>Ends the block of a ticket. One that was blocked for another reason waits for the tickets then that it
    /// is linked to. The caller lets it advance then.</summary>
    public TicketRow Unblock(IWrite write, TicketRow row, string actor, string? reason = null)
    {
        var wasFromLinks = Blocks.IsFromLinks(write.Db, row);
        var after = blocks.End(write, row, actor, reason);
        return wasFromLinks ? after : Apply(write, after, actor);
    }

    /// <summary>Removes a link.</summary>
    /// <returns>True when the ticket's block ended with it: it may advance then.</returns>
    /// <exception cref="Problem">Code <c>not_found</c>: the link.</exception>
    public bool Remove(IWrite write, long blocker, long blocked, string actor)
    {
        var row = TicketTable.Require(write.Db, blocked);
        if (
            write.Db.Execute(
                "DELETE FROM ticket_links WHERE blocker = @blocker AND blocked = @blocked",
                new { blocker, blocked }
            ) == 0
        )
            throw Problem.NotFound($"ticket {blocked} does not wait for ticket {blocker}");
        table.AddNote(write, row, new Note(actor, "unlinked", $"does not wait for ticket {blocker} any more"));
        return Lift(write, blocked, "the last link is removed");
    }

    /// <summary>A ticket is done: ends the block of those for which it was the last one.</summary>
    /// <returns>The tickets that may advance.</returns>
    public IReadOnlyList<long> Fulfil(IWrite write, long blocker) =>
        [.. Waiting(write.Db, blocker).Where(id => Lift(write, id, $"ticket {blocker} is done"))];

    /// <summary>Removes the links of a ticket that is deleted.</summary>
    /// <returns>The tickets that may advance.</returns>
    public IReadOnlyList<long> Forget(IWrite write, long ticket)
    {
        var waiting = Waiting(write.Db, ticket);
        write.Db.Execute("DELETE FROM ticket_links WHERE blocker = @ticket OR blocked = @ticket", new { ticket });
        return [.. waiting.Where(id => Lift(write, id, $"ticket {ticket} was deleted"))];
    }

    /// <summary>The tickets that a ticket waits for although they were rejected, or nobody approved them in
    /// time.</summary>
    public static IReadOnlyList<long> Refused(DbConnection db, long blocked) =>
        db.Query<long>(
                """
                SELECT l.blocker
                  FROM ticket_links l
                  JOIN tickets t ON t.id = l.blocker
                 WHERE l.blocked = @blocked AND t.approval IN ('rejected', 'timed_out')
                 ORDER BY l.blocker
                """,
                new { blocked }
            )
            .AsList();

    /// <summary>The blocked tickets that wait for a ticket.</summary>
    public static IReadOnlyList<TicketRow> BlockedBy(DbConnection db, long blocker) =>
        [
            .. Waiting(db, blocker)
                .Select(id => TicketTable.Require(db, id))
                .Where(row => row.Blocked == BlockTypes.Dependency),
        ];

    private bool Lift(IWrite write, long blocked, string reason)
    {
        if (TicketTable.Find(write.Db, blocked) is not { IsDone: false } row || !Blocks.IsFromLinks(write.Db, row))
            return false;
        if (Open(write.Db, blocked) is { Count: > 0 } open)
        {
            Tell(write, row, open);
            return false;
        }

        blocks.End(write, row, Principals.System, reason);
        return true;
    }

    private void Insert(IWrite write, long blocker, TicketRow row, string actor)
    {
        if (write.Db.ExecuteScalar<long>($"SELECT count(*) {WaitingSql}", new { blocker }) >= MostWaiting)
            throw Problem.Conflict(
                $"{MostWaiting} tickets wait for ticket {blocker}, which is the limit; let ticket {row.Id} wait for "
                    + "one of those instead"
            );
        write.Db.Execute("INSERT INTO ticket_links (blocker, blocked) VALUES (@blocker, @Id)", new { blocker, row.Id });
        table.AddNote(write, row, new Note(actor, "linked", $"waits for ticket {blocker}"));
    }

    // A block that is from links names those that are left.
    private void Tell(IWrite write, TicketRow row, IReadOnlyList<long> open)
    {
        if (open.Count > 0 && Reason(open) != row.BlockedReason && Blocks.IsFromLinks(write.Db, row))
            table.Put(write, row, row with { BlockedReason = Reason(open) });
    }

    private static Problem TooMany(long blocked) =>
        Problem.Conflict($"ticket {blocked} waits for {Most} tickets, which is the limit; remove a link first");

    private static string Reason(IReadOnlyList<long> open) =>
        $"waits for {(open.Count == 1 ? "ticket" : "tickets")} {string.Join(", ", open.Take(10))}"
        + (open.Count > 10 ? $" and {open.Count - 10} more" : "");

    // From the blocker back to the ticket that should wait for it, along links that are there. Looked for in one query;
    // a ticket that has ended keeps nobody waiting.
    private static List<long>? Path(DbConnection db, long from, long to)
    {
        const string IsReachedSql = $"{ReachedSql} SELECT EXISTS (SELECT 1 FROM reached WHERE id = @to)";
        if (!db.ExecuteScalar<bool>(IsReachedSql, new { from, to }))
            return null;
        var blockers = db.Query<(long Blocked, long Blocker)>(
                $"{ReachedSql} SELECT l.blocked, l.blocker FROM reached r JOIN ticket_links l ON l.blocked = r.id",
                new { from }
            )
            .ToLookup(l => l.Blocked, l => l.Blocker);
        Dictionary<long, long> reachedBy = new() { [from] = 0 };
        var open = new Queue<long>([from]);
        while (open.TryDequeue(out var at) && at != to)
        {
            foreach (var next in blockers[at].Order().Where(next => reachedBy.TryAdd(next, at)))
                open.Enqueue(next);
        }

        List<long> path = [];
        for (var step = to; step != 0; step = reachedBy[step])
            path.Insert(0, step);
        return path;
    }

    private static IReadOnlyList<long> Blockers(DbConnection db, long blocked) =>
        [
            .. db.Query<long>(
                "SELECT blocker FROM ticket_links WHERE blocked = @blocked ORDER BY blocker",
                new { blocked }
            ),
        ];

    private static IReadOnlyList<long> Waiting(DbConnection db, long blocker) =>
        [.. db.Query<long>($"SELECT l.blocked {WaitingSql} ORDER BY l.blocked", new { blocker })];

    private static IReadOnlyList<long> Open(DbConnection db, long blocked) =>
        [
            .. db.Query<long>(
                """
                SELECT l.blocker
                  FROM ticket_links l
                  JOIN tickets t ON t.id = l.blocker
                 WHERE l.blocked = @blocked AND (t.done_at IS NULL OR t.approval <> 'approved')
                 ORDER BY l.blocker
                """,
                new { blocked }
            ),
        ];

    private const string WaitingSql = """
         FROM ticket_links l
         JOIN tickets t ON t.id = l.blocked
        WHERE l.blocker = @blocker AND t.done_at IS NULL
        """;

    private const string ReachedSql = """
        WITH RECURSIVE reached (id) AS (
            SELECT @from
             UNION
            SELECT l.blocker
              FROM reached r
              JOIN ticket_links l ON l.blocked = r.id
              JOIN tickets t ON t.id = l.blocker
             WHERE t.done_at IS NULL
        )
        """;
}
