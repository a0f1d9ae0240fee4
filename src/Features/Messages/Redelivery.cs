using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>Requeues leases whose holder is gone: the next receiver sees <c>redelivered</c>.</summary>
internal sealed class Redelivery(
    IStore store,
    Inboxes inboxes,
    Delivery delivery,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
)
{
    /// <summary>
    /// Requeues the leases that <paramref name="which"/> selects. Many are requeued in writes of their own: should the
    /// host end between two of them, the next start or reconnect requeues the rest, whose holder is gone for good.
    /// </summary>
    /// <returns>How many leases were selected.</returns>
    public int Requeue(IWrite write, Inbox inbox, Func<Lease, bool> which)
    {
        (long Id, Lease Lease)[] found = [.. inbox.Find(which).OrderBy(l => l.Id)];
        if (found.Length <= ILeases.ChunkSize)
            Requeue(write, inbox, [.. found.Select(l => l.Id)]);
        else
            write.AfterCommit(() => _ = RequeueInChunks(inbox, found));
        return found.Length;
    }

    private async Task RequeueInChunks(Inbox inbox, (long Id, Lease Lease)[] found)
    {
        foreach (var chunk in found.Chunk(ILeases.ChunkSize))
            await store.WriteUntilStored(
                write => RequeueChunk(write, inbox, chunk),
                clock,
                lifetime.ApplicationStopping
            );
    }

    // Some may have been acknowledged in the meantime, or belong to another holder.
    private void RequeueChunk(IWrite write, Inbox inbox, (long Id, Lease Lease)[] chunk)
    {
        if (inboxes.Of(inbox.Owner) == inbox)
            Requeue(write, inbox, [.. chunk.Where(IsStillHeld).Select(l => l.Id)]);

        bool IsStillHeld((long Id, Lease Lease) found) =>
            inbox.Leased.TryGetValue(found.Id, out var lease)
            && (lease.Holder, lease.Connection) == (found.Lease.Holder, found.Lease.Connection);
    }

    private void Requeue(IWrite write, Inbox inbox, long[] ids)
    {
        foreach (var id in ids)
        {
            var lease = inbox.Release(write, id);
            var row = MessageTable.Requeue(write, id, lease.IsDoubtful ? null : lease.Holder);
            write.Raise(new MessageChanged("requeued", row));
        }

        inbox.AddReady(write, ids);
        delivery.Serve(write, inbox);
    }
}
