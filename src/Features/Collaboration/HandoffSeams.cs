using System.Data.Common;
using System.Text.Json.Nodes;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;

namespace Hive.Features.Collaboration;

/// <summary>Follows runs and tickets within their writes: an offer ends with the run that made it, and the threads of
/// a ticket are removed with it. Adds the handoff to the brief of its task.</summary>
internal sealed class HandoffSeams(Handoffs handoffs, CollaborationDeadlines deadlines)
    : IRunEnded,
        ITicketRemoved,
        IBriefPart
{
    public void Ended(IWrite write, long task, long run, string end)
    {
        // Accepted already when its own reassignment ends the run.
        if (HandoffTable.OpenOf(write.Db, task) is { } open)
            handoffs.EndByHost(
                write,
                open,
                HandoffStatus.Withdrawn,
                $"run {run} of task {task} has ended: {end}. There is nothing to take over any more."
            );
    }

    public void Removed(IWrite write, TicketEntry ticket, string actor)
    {
        // Its runs end after this.
        foreach (var open in HandoffTable.OpenOfTicket(write.Db, ticket.Id))
            handoffs.EndByHost(write, open, HandoffStatus.Withdrawn, $"ticket {ticket.Id} was deleted by {actor}.");
        foreach (var thread in ThreadTable.RemoveOf(write, ticket.Id))
            deadlines.Remove(write, Due.Thread, thread);
    }

    public void Add(DbConnection db, TaskEntry task, TicketEntry ticket, JsonObject brief, bool isWhole)
    {
        if (
            HandoffTable.LastOf(db, task.Id) is not { } handoff
            || !(handoff.IsOpen || (handoff.Status == HandoffStatus.Accepted && handoff.ToAgent == task.Agent))
        )
            return;
        var told = new JsonObject
        {
            ["id"] = handoff.Id,
            ["thread"] = handoff.Thread,
            ["status"] = handoff.Status,
            ["from"] = handoff.FromAgent,
            ["to"] = handoff.ToAgent,
            ["reason"] = handoff.Reason,
        };
        if (Rows.Object(handoff.Context) is { } context)
            told["context"] = context;
        brief["handoff"] = told;
    }
}

/// <summary>The handoffs that an agent waits for or has to answer.</summary>
internal sealed class HandoffLooseEnds(TimeProvider clock) : ILooseEnds
{
    public IEnumerable<LooseEnd> Read(DbConnection db, string? agent)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var sql = agent is null ? AllSql : OfAgentSql;
        return db.Query<Row>(sql, new { agent, shown = LooseEnd.ShownCharacters(agent) })
            .SelectMany(row => Ends(row, now))
            .Where(end => agent is null || end.Agent == agent)
            .ToArray();
    }

    private static IEnumerable<LooseEnd> Ends(Row row, long now)
    {
        var age = Math.Max(0, now - row.AskedAt) / 1000;
        var due = Rows.Instant(row.DeadlineAt);
        var text = $"handoff of task {row.Task}: {row.Reason}";
        // The agent of a task that the operator offers goes on with it.
        if (row.IsAskers != 0)
            yield return new LooseEnd("handoff", row.Id, row.FromAgent, text, age, Target: row.ToAgent, DueAt: due);
        yield return new LooseEnd(
            "handoff",
            row.Id,
            row.ToAgent,
            text,
            age,
            LooseEnd.Owes,
            Asker: row.FromAgent,
            DueAt: due
        );
    }

    private const string AllSql = $"""
        {RowSql}
         WHERE h.status = 'requested'
         ORDER BY h.id
        """;

    // Two searches: an OR over two columns has an index only for its parts.
    private const string OfAgentSql = $"""
        {RowSql}
         WHERE h.id IN (
                   SELECT id FROM handoffs INDEXED BY handoffs_from WHERE status = 'requested' AND from_agent = @agent
                   UNION ALL
                   SELECT id FROM handoffs INDEXED BY handoffs_to WHERE status = 'requested' AND to_agent = @agent
               )
         ORDER BY h.id
        """;

    private const string RowSql = """
        SELECT h.id, h.task, h.from_agent, h.to_agent, substr(h.reason, 1, @shown) AS reason, h.asked_at,
               h.deadline_at, t.created_by = h.from_agent AS is_askers
          FROM handoffs h
          JOIN threads t ON t.id = h.thread
        """;

    private sealed record Row
    {
        public required long Id { get; init; }

        public required long Task { get; init; }

        public required string FromAgent { get; init; }

        public required string ToAgent { get; init; }

        public required string Reason { get; init; }

        public required long AskedAt { get; init; }

        public required long DeadlineAt { get; init; }

        public required long IsAskers { get; init; }
    }
}
