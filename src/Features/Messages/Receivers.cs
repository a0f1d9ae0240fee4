using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>Leases messages to the connections that ask for them, and keeps those that wait in line.</summary>
internal sealed class Receivers(Inboxes inboxes, Delivery delivery, Redelivery redelivery, IRoster roster)
{
    /// <summary>Leases what is ready, or lets the receiver wait if nothing is.</summary>
    /// <returns>The leased messages; empty when <paramref name="waiter"/> now waits or is null.</returns>
    public IReadOnlyList<Message> Receive(IWrite write, Caller caller, int max, Waiter? waiter)
    {
        var inbox = inboxes.Of(caller.Name);
        var connection = caller.Connection!.Id;
        var mayReceive = roster.Require(caller.Name).MayReceive;
        if (inbox.Leased >= Limits.LeasedMessages)
            throw Problem.Limited(
                $"{caller.Name} holds {inbox.Leased} messages, and the limit is {Limits.LeasedMessages}; "
                    + "acknowledge some, or return them with nack or requeue_inflight"
            );
        // A tool that asks again inside its turn has not got the messages whose answer may have been lost.
        if (
            mayReceive
            && inbox.Ready.Count == 0
            && inbox.Holders.Of(connection) is { } holder
            && inbox.Holders.TakesLeases(holder)
        )
            redelivery.Requeue(write, inbox, lease => lease.Holder == holder && lease.IsDoubtful);
        if (mayReceive && inbox.Ready.Count > 0)
            return delivery.LeaseReady(write, inbox, connection, max);
        if (waiter is not null)
        {
            inbox.Waiters.AddLast(waiter);
            // By identity, not by place: undoing a later step may have put it back in another place.
            write.OnRollback(() => inbox.Waiters.Remove(waiter));
        }

        return [];
    }

    /// <summary>Ends a wait that has not been served; a served one keeps its messages.</summary>
    public void Withdraw(IWrite write, string name, Waiter waiter)
    {
        var inbox = inboxes.Of(name);
        if (waiter.Granted.Count > 0 || !inbox.Waiters.Remove(waiter))
            return;
        write.OnRollback(() => inbox.Waiters.AddFirst(waiter));
        write.AfterCommit(waiter.Answer);
    }

    /// <summary>Undoes leases whose answer could not be delivered, as if they had not been given.</summary>
    public void Undo(IWrite write, Caller caller, IEnumerable<long> ids)
    {
        var inbox = inboxes.Of(caller.Name);
        // Another connection may hold one of them by now, because the turn it belonged to has ended.
        long[] held = [.. ids.Where(id => IsLeasedTo(inbox, id, caller.Connection!.Id))];
        foreach (var id in held)
        {
            inbox.Release(write, id);
            inbox.AddReady(write, id);
            write.Raise(new MessageChanged("requeued", MessageTable.UndoLease(write, id)));
        }

        delivery.Serve(write, inbox);
    }

    /// <summary>Leases what is ready to the receivers that wait; after a pause or a hold ended.</summary>
    public void Serve(IWrite write, string name) => delivery.Serve(write, inboxes.Of(name));

    private static bool IsLeasedTo(Inbox inbox, long id, long connection) =>
        inbox.IsLeased(id, out var lease) && lease.Connection == connection;
}
