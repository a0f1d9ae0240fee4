using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>
/// Messages that the operator has not read, one row for each sender. A few unread messages of a sender are kept in
/// memory. A sender with more has none there: <see cref="UnreadSenders"/> reads its row from the database.
/// </summary>
internal sealed class WaitingMessages : IWaiting
{
    private const int MostKept = 50;
    private const int MostCounted = 1000;

    private static readonly Comparer<UnreadText> ById = Comparer<UnreadText>.Create(
        (one, other) => one.Id.CompareTo(other.Id)
    );

    // The unread messages of each sender; null for a sender with more than are kept. Used under the lock of the list,
    // and while it loads.
    private readonly Dictionary<string, SortedSet<UnreadText>?> senders = new(StringComparer.Ordinal);

    /// <summary>Called with a sender that has more unread messages than are kept, when they change; under the list's
    /// lock.</summary>
    public event Action<string>? Uncounted;

    public string Kind => "message";

    public string Decision => "acknowledge the messages, or reply";

    public IEnumerable<WaitingThing> Read(DbConnection db)
    {
        List<WaitingThing> things = [];
        for (var sender = Next(db, ""); sender is not null; sender = Next(db, sender))
        {
            var counted = Count(db, sender);
            Keep(counted);
            if (counted.Number > 0)
                things.Add(Thing(sender, counted.Number, counted.Kept[0], counted.Kept[^1]));
        }

        return things;
    }

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is UnreadCounted counted)
        {
            Keep(counted);
            if (counted.Number > 0)
                changes.Put(Thing(counted.Sender, counted.Number, counted.Kept[0], counted.Kept[^1]));
            else
                changes.Remove(counted.Sender);
        }

        if (notification is MessageChanged { Message: { To: Principals.Operator } message })
            Follow(message, changes);
    }

    public string? Outcome(DbConnection db, string id) =>
        db.ExecuteScalar<long>(UnreadSql, new { id }) == 0 && db.ExecuteScalar<long>(EverSql, new { id }) > 0
            ? $"the messages of {id} have been read"
            : null;

    /// <summary>Counts a sender's unread messages, and reads those that its row needs.</summary>
    internal static UnreadCounted Count(DbConnection db, string sender)
    {
        var number = db.ExecuteScalar<int>(CountSql, new { sender, most = MostCounted + 1 });
        return number <= MostKept
            ? new UnreadCounted(sender, number, [.. Read(db, $"{FirstSql} LIMIT {MostKept}")])
            : new UnreadCounted(
                sender,
                number,
                [.. Read(db, $"{FirstSql} LIMIT 1"), .. Read(db, $"{FirstSql} DESC LIMIT 1")]
            );

        IEnumerable<UnreadText> Read(DbConnection from, string sql) =>
            from.Query<MessageRow.Stored>(sql, new { sender }).Select(row => new UnreadText(row.ToMessage()));
    }

    private void Follow(Message message, IWaitingChanges changes)
    {
        var sender = message.From;
        if (!senders.TryGetValue(sender, out var kept))
            senders.Add(sender, kept = new SortedSet<UnreadText>(ById));
        if (kept is null)
        {
            Uncounted?.Invoke(sender);
            return;
        }

        if (message.AckedAt is null)
            kept.Add(new UnreadText(message));
        else
            kept.Remove(new UnreadText(message));
        if (kept.Count > 0)
        {
            changes.Put(Thing(sender, kept.Count, kept.Min, kept.Max));
            if (kept.Count > MostKept)
                senders[sender] = null;
            return;
        }

        senders.Remove(sender);
        changes.Remove(sender);
    }

    private void Keep(UnreadCounted counted)
    {
        if (counted.Number == 0)
            senders.Remove(counted.Sender);
        else
            senders[counted.Sender] = counted.Number > MostKept ? null : new SortedSet<UnreadText>(counted.Kept, ById);
    }

    private static string? Next(DbConnection db, string after) => db.ExecuteScalar<string?>(NextSql, new { after });

    private static WaitingThing Thing(string sender, int number, UnreadText oldest, UnreadText newest) =>
        new(
            sender,
            newest.Text,
            oldest.SentAt,
            WaitingUrgency.Fyi,
            $"/messages/{newest.Id.ToString(CultureInfo.InvariantCulture)}"
        )
        {
            Agent = sender is Principals.System or Principals.Reminder ? null : sender,
            Detail = number switch
            {
                1 => null,
                > MostCounted => $"more than {MostCounted} unread messages",
                _ => $"{number} unread messages",
            },
            Refs = newest.Refs,
            Version = newest.Id,
        };

    private const string From = "FROM messages INDEXED BY messages_to_operator_by_sender WHERE recipient = 'operator'";

    private const string NextSql = $"SELECT min(sender) {From} AND sender > @after";

    private const string CountSql = $"""
        SELECT count(*)
          FROM (SELECT 1 {From} AND sender = @sender AND acked_at IS NULL LIMIT @most)
        """;

    private const string FirstSql = $"""
        SELECT id, sender, recipient, sent_at, file_refs,
               CASE sender WHEN 'system' THEN body ELSE substr(body, 1, 800) END AS body
          {From} AND sender = @sender AND acked_at IS NULL
         ORDER BY id
        """;

    private const string UnreadSql = $"SELECT EXISTS (SELECT 1 {From} AND sender = @id AND acked_at IS NULL)";

    private const string EverSql = $"SELECT EXISTS (SELECT 1 {From} AND sender = @id)";
}

/// <summary>
/// Counts the unread messages of senders with many, at most four times a second. In a write, so that the count is
/// published in the order of the commits.
/// </summary>
internal sealed class UnreadSenders : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly IStore store;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly Bell changed = new();
    private HashSet<string> uncounted = new(StringComparer.Ordinal);

    public UnreadSenders(WaitingMessages waiting, IStore store, TimeProvider clock)
    {
        (this.store, this.clock) = (store, clock);
        waiting.Uncounted += Add;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await changed.Wait(stoppingToken);
            HashSet<string> senders;
            lock (gate)
                (senders, uncounted) = (uncounted, new(StringComparer.Ordinal));
            foreach (var sender in senders)
                await Count(sender, stoppingToken);
            await Task.Delay(Pause, clock, stoppingToken);
        }
    }

    private async Task Count(string sender, CancellationToken ct)
    {
        try
        {
            await store.Write(write => write.Raise(WaitingMessages.Count(write.Db, sender)), ct);
        }
        catch (Problem)
        {
            // The database fails for now; counted again after the pause.
            Add(sender);
        }
    }

    private void Add(string sender)
    {
        lock (gate)
        {
            if (uncounted.Add(sender) && uncounted.Count == 1)
                changed.Ring();
        }
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
            EventSentence.Of(message) ?? message.Body,
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
         WHERE parked_at IS NOT NULL AND acked_at IS NULL AND NOT {PurgedMessages.IsPurged}
         ORDER BY id
        """;
}
