using System.Text;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// Stores messages and leases them to receivers. Every step runs on the writer's thread, which therefore decides the
/// order of all of them: a receiver that starts to wait and a message that arrives at the same moment cannot miss each
/// other.
/// </summary>
internal sealed class Delivery(
    Inboxes inboxes,
    Watchers watchers,
    IRoster roster,
    IWakeNotes wakeNotes,
    TurnHolds turnHolds,
    TimeProvider clock
) : IOutbox
{
    /// <summary>Stores a message. When its recipient waits, the message is leased to the receiver in the same write,
    /// which saves a commit.</summary>
    public Message Send(IWrite write, Outgoing message)
    {
        var inbox = inboxes.Of(message.To);
        if (inbox.Ready.Count == 0 && WaitingReceiver(write, inbox) is { } waiter)
        {
            // The note first, as it is older.
            if (waiter.Room > 1 && TakeWakeNote(write, inbox) is { } note)
                SendTo(write, inbox, waiter, note);
            return SendTo(write, inbox, waiter, message);
        }

        var sent = MessageTable.Insert(write, message, Now());
        message.Stored?.Invoke(sent.Id);
        inbox.Backlog.Add(write, sent, message.Cause);
        inbox.AddReady(write, sent.Id);
        write.Raise(new MessageChanged("sent", sent));
        Serve(write, inbox);
        return sent;
    }

    /// <inheritdoc />
    public void MustTake(string to, string sender, string body) =>
        inboxes.Of(to).Backlog.MustTake(to, sender, Encoding.UTF8.GetByteCount(body));

    /// <inheritdoc />
    public long? Append(
        IWrite write,
        string from,
        string to,
        string body,
        IReadOnlyList<string>? fileRefs = null,
        long? inReplyTo = null,
        string? cause = null,
        Action<long>? stored = null
    ) =>
        to == Principals.Operator || roster.Find(to) is not null
            ? Send(write, new Outgoing(from, to, body, fileRefs ?? [], inReplyTo, Cause: cause, Stored: stored)).Id
            : null;

    /// <summary>Leases what is ready to a connection, oldest first, and the note of a start while there is
    /// room.</summary>
    public IReadOnlyList<Message> LeaseReady(IWrite write, Inbox inbox, long connection, int max)
    {
        List<Message> messages = [];
        while (messages.Count < max && inbox.Ready.Count > 0)
        {
            var (message, redelivered) = LeaseOldest(write, inbox, connection);
            write.Raise(new MessageChanged("delivered", message));
            messages.Add(message with { Redelivered = redelivered });
        }

        if (messages.Count < max && TakeWakeNote(write, inbox) is { } note)
        {
            var stored = InsertLeased(write, inbox, connection, note);
            write.Raise(new MessageChanged("delivered", stored));
            messages.Add(stored with { Redelivered = false });
        }

        return messages;
    }

    /// <summary>Leases what is ready to the receivers that wait, and wakes those who watch.</summary>
    public void Serve(IWrite write, Inbox inbox)
    {
        while (inbox.Ready.Count > 0 && WaitingReceiver(write, inbox) is { } waiter)
        {
            var (message, redelivered) = LeaseOldest(write, inbox, waiter.Connection);
            Grant(write, waiter, message with { Redelivered = redelivered });
            if (inbox.Ready.Count == 0 && waiter.Room > 0 && TakeWakeNote(write, inbox) is { } note)
                SendTo(write, inbox, waiter, note);
        }

        watchers.Wake(write, inbox);
    }

    // The receiver that has waited longest, if the agent may receive now.
    private Waiter? WaitingReceiver(IWrite write, Inbox inbox)
    {
        while (inbox.Waiters.First is { } first)
        {
            if (first.Value.TakesMore(write.Batch))
                return roster.Find(inbox.Owner) is { MayReceive: true } ? first.Value : null;
            // Served; it stayed in line only so that more of the same batch could be added.
            inbox.Waiters.RemoveFirst();
            var served = first.Value;
            write.OnRollback(() => inbox.Waiters.AddFirst(served));
        }

        return null;
    }

    // The note of an agent's start is delivered with the first message that the agent receives: alone it would cost a
    // turn (docs/adr/0089).
    private Outgoing? TakeWakeNote(IWrite write, Inbox inbox) =>
        wakeNotes.Take(write, inbox.Owner) is { } text ? new Outgoing(Principals.System, inbox.Owner, text, []) : null;

    private Message SendTo(IWrite write, Inbox inbox, Waiter waiter, Outgoing message)
    {
        var delivered = InsertLeased(write, inbox, waiter.Connection, message);
        Grant(write, waiter, delivered with { Redelivered = false });
        return delivered;
    }

    private Message InsertLeased(IWrite write, Inbox inbox, long connection, Outgoing message)
    {
        var lease = inbox.Holders.LeaseFor(connection);
        var delivered = MessageTable.Insert(write, message, Now(), lease);
        message.Stored?.Invoke(delivered.Id);
        inbox.Backlog.Add(write, delivered, message.Cause);
        inbox.Hold(write, delivered.Id, lease, delivered);
        write.Raise(new MessageChanged("sent", delivered with { DeliveredAt = null }));
        NoteHolder(write, inbox, delivered.Id, lease);
        return delivered;
    }

    private (Message Message, bool Redelivered) LeaseOldest(IWrite write, Inbox inbox, long connection)
    {
        var id = inbox.TakeOldest(write);
        var lease = inbox.Holders.LeaseFor(connection);
        var leased = MessageTable.Lease(write, id, Now(), lease);
        inbox.Hold(write, id, lease, leased.Message);
        NoteHolder(write, inbox, id, lease);
        return leased;
    }

    private void NoteHolder(IWrite write, Inbox inbox, long id, Lease lease)
    {
        if (lease.Holder is { } holder)
            turnHolds.Holds(write, inbox, holder, id);
    }

    private static void Grant(IWrite write, Waiter waiter, Message message)
    {
        waiter.Granted.Add(message);
        waiter.GrantedInBatch = write.Batch;
        write.OnRollback(() => waiter.Granted.Remove(message));
        write.Raise(new MessageChanged("delivered", message with { Redelivered = null }));
        write.AfterCommit(waiter.Answer);
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>A message that is about to be stored.</summary>
internal sealed record Outgoing(
    string From,
    string To,
    string Body,
    IReadOnlyList<string> FileRefs,
    long? InReplyTo = null,
    bool Broadcast = false,
    string? Cause = null,
    Action<long>? Stored = null
);
