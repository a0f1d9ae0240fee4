using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Messages that the operator has not read, one row for each sender.</summary>
internal sealed class WaitingMessages : IWaiting
{
    // Enough of a body for a row's title.
    private const int Shown = 800;

    // The unread messages of each sender. Used under the lock of the list, and while it loads.
    private readonly Dictionary<string, SortedDictionary<long, Unread>> senders = new(StringComparer.Ordinal);

    public string Kind => "message";

    public string Decision => "acknowledge the messages, or reply";

    public IEnumerable<WaitingThing> Read(DbConnection db)
    {
        foreach (var message in db.Query<MessageRow.Stored>(Sql).Select(row => row.ToMessage()))
            Of(message.From)[message.Id] = new Unread(message);
        return senders.Keys.Select(Thing).ToArray();
    }

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is not MessageChanged { Message: { To: Principals.Operator } message })
            return;
        var unread = Of(message.From);
        if (message.AckedAt is null)
            unread[message.Id] = new Unread(message);
        else
            unread.Remove(message.Id);
        if (unread.Count > 0)
        {
            changes.Put(Thing(message.From));
            return;
        }

        senders.Remove(message.From);
        changes.Remove(message.From);
    }

    public string? Outcome(DbConnection db, string id) =>
        db.ExecuteScalar<long>(UnreadSql, new { id }) == 0 && db.ExecuteScalar<long>(EverSql, new { id }) > 0
            ? $"the messages of {id} have been read"
            : null;

    private SortedDictionary<long, Unread> Of(string sender)
    {
        if (!senders.TryGetValue(sender, out var unread))
            senders.Add(sender, unread = []);
        return unread;
    }

    private WaitingThing Thing(string sender)
    {
        var unread = senders[sender];
        var (oldest, newest) = (unread.First(), unread.Last());
        return new WaitingThing(
            sender,
            newest.Value.Text,
            oldest.Value.SentAt,
            WaitingUrgency.Fyi,
            $"/messages/{newest.Key.ToString(CultureInfo.InvariantCulture)}"
        )
        {
            Agent = sender is Principals.System or Principals.Reminder ? null : sender,
            Detail = unread.Count > 1 ? $"{unread.Count} unread messages" : null,
            Refs = newest.Value.Refs,
            Version = newest.Key,
        };
    }

    private const string Sql = """
        SELECT id, sender, substr(body, 1, 800) AS body, sent_at, file_refs
          FROM messages INDEXED BY messages_unread_by_operator
         WHERE recipient = 'operator' AND acked_at IS NULL
         ORDER BY id
        """;

    private const string UnreadSql = """
        SELECT count(*)
          FROM messages INDEXED BY messages_unread_by_operator
         WHERE recipient = 'operator' AND acked_at IS NULL AND sender = @id
        """;

    private const string EverSql = """
        SELECT EXISTS (SELECT 1
                         FROM messages INDEXED BY messages_to_operator
                        WHERE recipient = 'operator' AND sender = @id)
        """;

    private readonly record struct Unread(string Text, DateTimeOffset SentAt, IReadOnlyList<string> Refs)
    {
        public Unread(Message message)
            : this(
                message.Body.Length <= Shown ? message.Body : message.Body[..Shown],
                message.SentAt,
                message.FileRefs
            ) { }
    }
}

/// <summary>Parked messages of agents: they failed too often and wait for a decision.</summary>
internal sealed class WaitingParked : IWaiting
{
    public string Kind => "parked";

    public string Decision => "retry it or drop it";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        db.Query<MessageRow.Stored>(Sql).Select(row => Thing(row.ToMessage()));

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is MessagesDeleted deleted)
        {
            foreach (var id in deleted.Parked)
                changes.Remove(id.ToString(CultureInfo.InvariantCulture));
        }

        if (notification is not MessageChanged { Kind: "parked" or "requeued" or "dropped", Message: var message })
            return;
        if (message is { ParkedAt: not null, AckedAt: null })
            changes.Put(Thing(message));
        else
            changes.Remove(message.Id.ToString(CultureInfo.InvariantCulture));
    }

    public string? Outcome(DbConnection db, string id)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return null;
        var message = db.QuerySingleOrDefault<MessageRow.Stored>(
                $"SELECT {MessageRow.Columns} FROM messages WHERE id = @number",
                new { number }
            )
            ?.ToMessage();
        return message switch
        {
            null or { ParkedAt: not null, AckedAt: null } => null,
            { ParkedAt: not null, AckedAt: { } at } => $"message {id} was dropped at {at:u}",
            { AckedAt: { } at } => $"message {id} was dealt with by {message.To} at {at:u}",
            _ => $"message {id} is not parked; {message.To} receives it",
        };
    }

    private static WaitingThing Thing(Message message) =>
        new(
            message.Id.ToString(CultureInfo.InvariantCulture),
            message.Body,
            message.ParkedAt!.Value,
            WaitingUrgency.Soon,
            $"/messages/{message.Id.ToString(CultureInfo.InvariantCulture)}"
        )
        {
            Agent = message.To,
            Detail = message.LastError,
            Refs = message.FileRefs,
            Version = message.ParkedAt!.Value.ToUnixTimeMilliseconds(),
        };

    private const string Sql = $"""
        SELECT {MessageRow.Columns}
          FROM messages INDEXED BY messages_parked
         WHERE parked_at IS NOT NULL AND acked_at IS NULL
         ORDER BY id
        """;
}
