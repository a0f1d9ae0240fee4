using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>Acknowledges leased messages, and moves leases between connections and holders.</summary>
internal sealed class Leases(
    Inboxes inboxes,
    Redelivery redelivery,
    Receivers receivers,
    FailedMessages failed,
    TurnHolds turnHolds,
    Chunks chunks,
    TimeProvider clock
) : ILeases
{
    /// <summary>Acknowledges those of <paramref name="ids"/> that are leased.</summary>
    /// <returns>How many were.</returns>
    public int Ack(IWrite write, string name, IEnumerable<long> ids)
    {
        var inbox = inboxes.Of(name);
        var now = Now();
        var count = 0;
        foreach (var id in ids)
        {
            if (!inbox.IsLeased(id, out _))
                continue;
            Ack(write, inbox, id, now, inbox.Release(write, id).Row);
            count++;
        }

        return count;
    }

    /// <summary>The ids leased to a connection or to the holder it belongs to.</summary>
    /// <param name="caller">Names the connection.</param>
    /// <param name="among">Only these ids are considered; null for all.</param>
    public IReadOnlyList<long> LeasedTo(Caller caller, IEnumerable<long>? among = null)
    {
        var inbox = inboxes.Of(caller.Name);
        var connection = caller.Connection!.Id;
        var holder = inbox.Holders.Of(connection);
        return among is null
            ? inbox.Find(IsHeld)
            : [.. among.Where(id => inbox.IsLeased(id, out var lease) && IsHeld(lease))];

        bool IsHeld(Lease lease) => lease.Connection == connection || (holder is { } own && lease.IsSurelyHeldBy(own));
    }

    /// <summary>The ids that the operator has not read.</summary>
    public IReadOnlyList<long> UnreadByOperator() => inboxes.Of(Principals.Operator).Ready.ToArray();

    /// <summary>Acknowledges messages that the operator has read; they were never leased.</summary>
    public int AckRead(IWrite write, IEnumerable<long> ids)
    {
        var inbox = inboxes.Of(Principals.Operator);
        var now = Now();
        long[] read = [.. ids.Where(inbox.Ready.Contains).Distinct().Order()];
        inbox.RemoveReady(write, read);
        foreach (var id in read)
            Ack(write, inbox, id, now, known: null);
        return read.Length;
    }

    /// <summary>Makes an acknowledged message of the operator unread again.</summary>
    public Message UndoAckRead(IWrite write, long id)
    {
        var message =
            MessageTable.Find(write, id, Principals.Operator)
            ?? throw Problem.NotFound($"message {id} to the operator not found; only those can become unread again");
        if (message.AckedAt is null)
            return message;
        var unread = MessageTable.UndoAck(write, id);
        var inbox = inboxes.Of(Principals.Operator);
        inbox.AddReady(write, id);
        inbox.Backlog.Add(write, unread);
        write.Raise(new MessageChanged("requeued", unread));
        return unread;
    }

    /// <summary>Binds a connection to a holder: its leases, and messages received on it from now on, belong to the
    /// holder.</summary>
    /// <returns>Its leases, to be given to <see cref="MoveToHolder"/>.</returns>
    public long[] Join(IWrite write, Caller caller, long holder)
    {
        var inbox = inboxes.Of(caller.Name);
        if (!inbox.Holders.IsOpen(holder))
            throw Problem.NotFound($"{caller.Name} has no running turn {holder}");
        var connection = caller.Connection!.Id;
        inbox.Holders.Bind(write, connection, holder);
        return inbox.Find(l => l.Connection == connection && l.Holder != holder);
    }

    /// <summary>Moves those of <paramref name="ids"/> that a connection still holds to the holder that it has joined,
    /// unless the holder has ended.</summary>
    /// <returns>How many were moved.</returns>
    public int MoveToHolder(IWrite write, Caller caller, long holder, IEnumerable<long> ids)
    {
        var inbox = inboxes.Of(caller.Name);
        var connection = caller.Connection!.Id;
        List<long> moved = [];
        foreach (var id in inbox.Holders.TakesLeases(holder) ? ids : [])
        {
            if (!inbox.IsLeased(id, out var lease) || lease.Connection != connection)
                continue;
            inbox.MoveTo(write, id, holder);
            MessageTable.MoveTo(write, id, -holder);
            moved.Add(id);
        }

        turnHolds.Holds(write, inbox, holder, [.. moved]);
        return moved.Count;
    }

    /// <inheritdoc />
    public bool IsLeased(string agent, long id, out long? holder)
    {
        var leased = inboxes.Of(agent).IsLeased(id, out var lease);
        holder = lease.Holder;
        return leased;
    }

    /// <inheritdoc />
    public int Holders(string agent) => inboxes.Of(agent).Holders.Open.Count;

    /// <inheritdoc />
    public void Open(IWrite write, string agent, long holder, IReadOnlyList<long> ids)
    {
        var inbox = inboxes.Of(agent);
        inbox.Holders.Add(write, holder);
        foreach (var id in ids)
        {
            inbox.MoveTo(write, id, holder);
            MessageTable.MoveTo(write, id, holder);
        }

        turnHolds.Holds(write, inbox, holder, [.. ids.Distinct()]);
    }

    /// <inheritdoc />
    public void GiveBack(IWrite write, Caller caller, IEnumerable<long> ids)
    {
        var inbox = inboxes.Of(caller.Name);
        receivers.Undo(
            write,
            caller,
            ids.Distinct().Where(id => inbox.IsLeased(id, out var lease) && lease.Holder is null)
        );
    }

    /// <inheritdoc />
    public bool Reclaim(IWrite write, string agent, long holder)
    {
        var inbox = inboxes.Of(agent);
        var lost = MessageTable.Lost(write, holder, chunks.Size + 1);
        long[] ids = [.. lost.Take(chunks.Size)];
        var now = Now();
        inbox.RemoveReady(write, ids);
        foreach (var id in ids)
        {
            MessageTable.Reclaim(write, id, now);
            inbox.Hold(write, id, new Lease(holder, null), row: null);
        }

        return lost.Count == ids.Length;
    }

    /// <inheritdoc />
    public IReadOnlyList<long> BeginLargeRelease(IWrite write, string agent, long holder)
    {
        var inbox = inboxes.Of(agent);
        if (inbox.Count(lease => lease.Holder == holder) <= chunks.Size)
            return [];
        inbox.Holders.BeginEnd(write, holder);
        return HeldBy(inbox, holder);
    }

    /// <inheritdoc />
    public Task ReleaseMany(
        string agent,
        long holder,
        IReadOnlyList<long> ids,
        Func<IWrite, LeaseOutcome> outcome,
        Action<IWrite, Released> count
    )
    {
        // Sorted before the write, which must not wait for it.
        long[] rising = [.. ids.Order()];
        return chunks.Write(
            _ => rising,
            (write, chunk) =>
            {
                var released = Release(write, agent, holder, chunk, outcome(write));
                count(write, released);
                return released;
            }
        );
    }

    private Released Release(IWrite write, string agent, long holder, IEnumerable<long> ids, LeaseOutcome outcome)
    {
        var inbox = inboxes.Of(agent);
        long[] held = [.. ids.Where(id => inbox.IsLeased(id, out var lease) && lease.Holder == holder)];
        turnHolds.Ending(write, inbox, holder, outcome, held);
        return Release(write, inbox, holder, held, outcome);
    }

    /// <inheritdoc />
    public Released Close(IWrite write, string agent, long holder, LeaseOutcome outcome)
    {
        var inbox = inboxes.Of(agent);
        var isTold = inbox.Holders.IsOpen(holder) && !inbox.Holders.TakesLeases(holder);
        // Closed before anything is released: otherwise a receiver bound to it would get that for a holder that is
        // gone.
        inbox.Holders.Remove(write, holder);
        long[] held = [.. HeldBy(inbox, holder).Order()];
        if (!isTold || held.Length > 0)
            turnHolds.Ending(write, inbox, holder, outcome, held);
        return Release(write, inbox, holder, held, outcome);
    }

    private Released Release(IWrite write, Inbox inbox, long holder, long[] held, LeaseOutcome outcome)
    {
        // Without those that were dropped.
        long[] left = [.. held.Where(id => inbox.IsLeased(id, out _))];
        long[] sure = [.. left.Where(id => inbox.IsLeased(id, out var lease) && lease.IsSurelyHeldBy(holder))];
        // Messages that the receiver may never have seen are neither handled nor failed.
        long[] doubtful = [.. left.Except(sure)];
        redelivery.Requeue(write, inbox, doubtful);
        if (outcome.Acks)
            return new Released(Ack(write, inbox.Owner, sure), doubtful.Length, 0);
        var (requeued, parked) = failed.Nack(
            write,
            inbox.Owner,
            sure,
            outcome.DelaySeconds,
            outcome.Error,
            outcome.Blame
        );
        return new Released(0, requeued + doubtful.Length, parked);
    }

    private static long[] HeldBy(Inbox inbox, long holder) => inbox.Find(lease => lease.Holder == holder);

    private static void Ack(IWrite write, Inbox inbox, long id, long now, Message? known)
    {
        var message = MessageTable.Ack(write, id, now, known);
        inbox.Backlog.Remove(write, message);
        write.Raise(new MessageChanged("acked", message));
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
