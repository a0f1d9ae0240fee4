using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <summary>Requeues what closed connections, lost holders and dead agents held.</summary>
internal sealed class AbandonedLeases(
    Inboxes inboxes,
    Redelivery redelivery,
    FailedMessages failed,
    PurgedMessages purged,
    TurnHolds turnHolds,
    Chunks chunks,
    ILeaseHolders holders
) : IInflight
{
    /// <inheritdoc />
    public bool Withdraw(IWrite write, long id) => failed.Withdraw(write, id);

    /// <inheritdoc />
    public int RequeueAll(IWrite write, string agent, string? lastWords = null)
    {
        var inbox = inboxes.Of(agent);
        var told = Lose(write, inbox, [.. inbox.Holders.Open], lastWords);
        return redelivery.Requeue(write, inbox, _ => true, told.Contains);
    }

    /// <inheritdoc />
    public int RequeueExcept(IWrite write, string agent, IReadOnlyCollection<long> keep, string? lastWords = null)
    {
        var inbox = inboxes.Of(agent);
        var told = Lose(write, inbox, [.. inbox.Holders.Open.Where(h => !keep.Contains(h))], lastWords);
        inbox.Holders.MarkOpenAtRequeue(write);
        return redelivery.Requeue(
            write,
            inbox,
            lease => lease.Holder is { } holder ? !keep.Contains(holder) : inbox.Holders.IsClosed(lease),
            told.Contains
        );
    }

    /// <summary>Requeues what closed connections held; holders keep their leases.</summary>
    public int RequeueClosed(IWrite write, string name)
    {
        var inbox = inboxes.Of(name);
        inbox.Holders.MarkOpenAtRequeue(write);
        return redelivery.Requeue(write, inbox, l => l.Holder is null && inbox.Holders.IsClosed(l));
    }

    /// <summary>For an agent without a harness: requeues what a connection held, some time after it closed; when none
    /// has been open since, what its holders held too.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">The agent.</param>
    /// <param name="connection">The closed connection; null for those of an earlier run of the host.</param>
    public void RequeueAbandoned(IWrite write, string name, long? connection)
    {
        var inbox = inboxes.Of(name);
        // By the order of the closes, not by the clock: the clock may have been set, and a slow database may have
        // noted a close late.
        if (!inbox.Holders.HasConnections && inbox.Holders.LastClosed == connection)
            RequeueAll(write, name);
        else
            redelivery.Requeue(write, inbox, l => l.Holder is null && l.Connection == connection);
    }

    /// <summary>Notes that a connection opened.</summary>
    public void Opened(IWrite write, Caller caller)
    {
        // Noted late, because the disk was full: the connection may have closed in the meantime.
        if (!caller.Connection!.Gone.IsCancellationRequested)
            inboxes.Of(caller.Name).Holders.AddConnection(write, caller.Connection.Id);
    }

    /// <summary>Notes that a connection closed.</summary>
    public void Closed(IWrite write, Caller caller)
    {
        var inbox = inboxes.Of(caller.Name);
        var connection = caller.Connection!.Id;
        if (inbox.Holders.RemoveConnection(write, connection))
            redelivery.Requeue(write, inbox, l => l.Holder is null && l.Connection == connection);
    }

    /// <inheritdoc />
    public Task Requeued(string agent) => redelivery.Done(agent);

    /// <inheritdoc />
    public int Leased(IWrite write, string agent) => inboxes.Of(agent).Leased;

    /// <inheritdoc />
    public void Forget(IWrite write, string agent)
    {
        // Its turns end like those of any agent that is gone; other slices have rows for them.
        var inbox = inboxes.Of(agent);
        Lose(write, inbox, [.. inbox.Holders.Open], lastWords: null);
        write.Raise(new MessagesDeleted(agent, PurgedMessages.Note(write, agent), inbox.ParkedIds()));
        inboxes.Remove(write, agent);
    }

    /// <inheritdoc />
    public Task DeleteForgotten() => purged.Delete(CancellationToken.None);

    // The holders whose messages were all told. Those of the others, which hold too many for this write, are told while
    // they are requeued.
    private HashSet<long> Lose(IWrite write, Inbox inbox, long[] lost, string? lastWords)
    {
        foreach (var holder in lost)
            inbox.Holders.Remove(write, holder);
        HashSet<long> told = [];
        var room = chunks.Size;
        foreach (var holder in lost)
        {
            var count = inbox.Count(lease => lease.Holder == holder);
            if (count <= room && told.Add(holder))
                room -= count;
            turnHolds.Losing(
                write,
                inbox,
                holder,
                told.Contains(holder) ? [.. inbox.Find(lease => lease.Holder == holder).Order()] : []
            );
        }

        if (lost.Length > 0)
            holders.Lost(write, inbox.Owner, lost, lastWords);
        return told;
    }
}
