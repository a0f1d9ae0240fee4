using System.Collections.Concurrent;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>Requeues leases whose holder is gone: the next receiver sees <c>redelivered</c>.</summary>
internal sealed class Redelivery(
    IStore store,
    Chunks chunks,
    Inboxes inboxes,
    Delivery delivery,
    TurnHolds turnHolds,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
)
{
    private readonly ConcurrentDictionary<Pass, string> passes = [];

    /// <summary>
    /// Requeues the leases that <paramref name="which"/> selects, but for those that are being requeued already. Many
    /// are requeued in writes of their own: should the host end between two of them, the next start or reconnect
    /// requeues the rest, whose holder is gone for good.
    /// </summary>
    /// <param name="write">The write.</param>
    /// <param name="inbox">The inbox.</param>
    /// <param name="which">Selects the leases.</param>
    /// <param name="isTold">False for a holder that is lost and whose messages <see cref="TurnHolds"/> were not told
    /// yet; they are told piece by piece, also by a host that continues after a kill. Null for none.</param>
    /// <returns>How many leases were selected.</returns>
    public int Requeue(IWrite write, Inbox inbox, Func<Lease, bool> which, Func<long, bool>? isTold = null)
    {
        var leaving = inbox.Leave(write, which);
        if (leaving.Count == 0)
            return 0;
        var pass = new Pass(inbox, leaving, isTold ?? (_ => true));
        Requeue(write, pass);
        if (leaving.IsEmpty)
            return leaving.Count;
        // Known before the caller hears of the write, so that the caller can wait for it.
        passes[pass] = inbox.Owner;
        write.OnRollback(() => End(pass));
        write.AfterCommit(() => _ = Run(pass));
        return leaving.Count;
    }

    /// <summary>Requeues leased messages.</summary>
    public void Requeue(IWrite write, Inbox inbox, long[] ids)
    {
        if (ids.Length > 0)
            Requeue(write, inbox, [.. ids.Select(id => (id, inbox.Release(write, id).Lease))]);
    }

    /// <summary>Completes when everything is on disk that is being requeued now.</summary>
    public Task Done(string agent) =>
        Task.WhenAll(passes.Where(pass => pass.Value == agent).Select(pass => pass.Key.Ended.Task));

    private async Task Run(Pass pass)
    {
        try
        {
            var isEmpty = false;
            while (!isEmpty && !lifetime.ApplicationStopping.IsCancellationRequested)
                await store.WriteUntilStored(
                    write =>
                    {
                        // Unless the agent was purged in the meantime.
                        var isCurrent = inboxes.Of(pass.Inbox.Owner) == pass.Inbox;
                        if (isCurrent)
                            Requeue(write, pass);
                        isEmpty = !isCurrent || pass.Leaving.IsEmpty;
                    },
                    clock,
                    lifetime.ApplicationStopping
                );
        }
        finally
        {
            End(pass);
        }
    }

    private void End(Pass pass)
    {
        passes.TryRemove(pass, out _);
        pass.Ended.TrySetResult();
    }

    private void Requeue(IWrite write, Pass pass)
    {
        var inbox = pass.Inbox;
        List<(long Id, Lease Lease)> released = [];
        foreach (var id in pass.Leaving.Take(write, chunks.Size))
            released.Add((id, inbox.Release(write, id).Lease));
        foreach (var ofHolder in released.Where(r => IsToBeTold(r.Lease)).ToLookup(r => r.Lease.Holder!.Value))
        {
            long[] ids = [.. ofHolder.Select(r => r.Id).Order()];
            var dropped = turnHolds.LosingReleased(write, inbox, ofHolder.Key, ids);
            released.RemoveAll(r => dropped.Contains(r.Id));
        }

        Requeue(write, inbox, released);

        bool IsToBeTold(Lease lease) =>
            lease.Holder is { } holder && !inbox.Holders.IsOpen(holder) && !pass.IsTold(holder);
    }

    private void Requeue(IWrite write, Inbox inbox, IReadOnlyCollection<(long Id, Lease Lease)> released)
    {
        foreach (var (id, lease) in released)
        {
            var row = MessageTable.Requeue(write, id, lease.IsDoubtful ? null : lease.Holder);
            write.Raise(new MessageChanged("requeued", row));
        }

        inbox.AddReady(write, [.. released.Select(r => r.Id)]);
        delivery.Serve(write, inbox);
    }

    private sealed record Pass(Inbox Inbox, LeavingLeases Leaving, Func<long, bool> IsTold)
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
