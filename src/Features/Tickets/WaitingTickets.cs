using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Tells what of a ticket waits for the operator.</summary>
internal static class WaitingTickets
{
    /// <summary>The kind of tickets to approve.</summary>
    public const string Approval = "ticket_approval";

    /// <summary>The kind of blocked tickets.</summary>
    public const string Blocked = "ticket_blocked";

    /// <summary>The changes of the operator's list that follow from a change of a ticket's row.</summary>
    public static IEnumerable<TicketWaits> Changes(DbConnection db, TicketRow? before, TicketRow? after)
    {
        var id = Id((after ?? before)!);
        var asked = before is { IsPending: true };
        if (after is { IsPending: true })
        {
            // After any change: the operator decides about the ticket as it is now.
            if (!asked || before != after)
                yield return new TicketWaits(Approval, id, ToApprove(after));
        }
        else if (asked)
        {
            yield return new TicketWaits(Approval, id, null);
            // Those that wait for it will not go on by themselves any more.
            foreach (var waiting in after is null or { IsPlaced: true } ? [] : Links.BlockedBy(db, after.Id))
                yield return new TicketWaits(Blocked, Id(waiting), ToUnblock(db, waiting));
        }

        if (after is { Blocked: not null, IsDone: false })
        {
            if (
                before?.Blocked != after.Blocked
                || before.BlockedReason != after.BlockedReason
                || before.Title != after.Title
            )
                yield return new TicketWaits(Blocked, id, ToUnblock(db, after));
        }
        else if (before is { Blocked: not null })
        {
            yield return new TicketWaits(Blocked, id, null);
        }
    }

    internal static WaitingThing ToApprove(TicketRow row) =>
        new(Id(row), row.Title, TicketRow.Instant(row.CreatedAt), WaitingUrgency.Now, Url(row))
        {
            Ticket = row.Id,
            Agent = row.Requester == Common.Doors.Caller.Operator.Name ? null : row.Requester,
            Detail = row.Description.Length > 0 ? row.Description : null,
            DeadlineAt = TicketRow.Instant(row.ApprovalDeadlineAt),
            Refs = TicketRow.List(row.DescriptionRefs),
            Version = row.UpdatedAt,
        };

    /// <summary>A blocked ticket; null for one that goes on by itself once the tickets are done that it waits
    /// for.</summary>
    internal static WaitingThing? ToUnblock(DbConnection db, TicketRow row)
    {
        var detail = $"{row.Blocked}: {row.BlockedReason}";
        if (Blocks.IsFromLinks(db, row))
        {
            var refused = Links.Refused(db, row.Id);
            if (refused.Count == 0)
                return null;
            detail += $"; not approved: {string.Join(", ", refused)}; unlink or unblock this ticket";
        }

        return new(Id(row), row.Title, TicketRow.Instant(row.BlockedAt!.Value), WaitingUrgency.Now, Url(row))
        {
            Ticket = row.Id,
            Detail = detail,
            Version = row.BlockedAt.Value,
        };
    }

    /// <summary>The newest entry of a ticket's history of one of these kinds, as words; null for a ticket without
    /// one.</summary>
    internal static string? Outcome(DbConnection db, string id, string words, params string[] kinds)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var ticket))
            return null;
        var entries = db.Query<(string Kind, string Actor, long At)>(
                """
                SELECT kind, actor, at
                  FROM ticket_history
                 WHERE ticket = @ticket AND kind IN (SELECT value FROM json_each(@kinds))
                 ORDER BY id DESC
                 LIMIT 1
                """,
                new { ticket, kinds = TicketRow.Json(kinds) }
            )
            .ToArray();
        return entries is [var last]
            ? $"ticket {id} {string.Format(CultureInfo.InvariantCulture, words, last.Kind)} by {last.Actor} at "
                + $"{TicketRow.Instant(last.At):u}"
            : null;
    }

    private static string Id(TicketRow row) => row.Id.ToString(CultureInfo.InvariantCulture);

    private static string Url(TicketRow row) => $"/tickets/{Id(row)}";
}

/// <summary>Tickets that wait for the operator's approval.</summary>
internal sealed class WaitingApprovals : IWaiting
{
    public string Kind => WaitingTickets.Approval;

    public string Decision => "approve or reject it";

    public IEnumerable<WaitingThing> Read(DbConnection db) => db.Query<TicketRow>(Sql).Select(WaitingTickets.ToApprove);

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is TicketWaits waits && waits.Kind == Kind)
            waits.Apply(changes);
    }

    public string? Outcome(DbConnection db, string id) =>
        WaitingTickets.Outcome(db, id, "was {0}", "approved", "rejected");

    private const string Sql = $"""
        SELECT {TicketRow.Columns}
          FROM tickets INDEXED BY tickets_pending
         WHERE approval = 'pending_review'
         ORDER BY id
        """;
}

/// <summary>Blocked tickets, except those that only wait for other tickets which may still be done.</summary>
internal sealed class WaitingBlocked : IWaiting
{
    public string Kind => WaitingTickets.Blocked;

    public string Decision => "unblock it, or move it";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        db.Query<TicketRow>(Sql).ToArray().Select(row => WaitingTickets.ToUnblock(db, row)).OfType<WaitingThing>();

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is TicketWaits waits && waits.Kind == Kind)
            waits.Apply(changes);
    }

    public string? Outcome(DbConnection db, string id) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var ticket)
        && TicketTable.Find(db, ticket) is { Blocked: null }
            ? WaitingTickets.Outcome(db, id, "was {0}", "unblocked", "moved", "forced", "regressed")
            : null;

    private const string Sql = $"""
        SELECT {TicketRow.Columns}
          FROM tickets INDEXED BY tickets_open
         WHERE done_at IS NULL AND blocked IS NOT NULL
         ORDER BY id
        """;
}
