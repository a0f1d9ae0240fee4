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
    /// <returns>How many leases were selected.</returns>
    public int Requeue(IWrite write, Inbox inbox, Func<Lease, bool> which)
    {
        var leaving = inbox.Leave(write, which);
        if (leaving.Count == 0)
            return 0;
        Requeue(write, inbox, leaving);
        if (leaving.IsEmpty)
            return leaving.Count;
        // Known before the caller hears of the write, so that the caller can wait for it.
        var pass = new Pass(inbox, leaving);
        passes[pass] = inbox.Owner;
        write.OnRollback(() => End(pass));
        write.AfterCommit(() => _ = Run(pass));
        return leaving.Count;
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
                            Requeue(write, pass.Inbox, pass.Leaving);
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

    private void Requeue(IWrite write, Inbox inbox, LeavingLeases leaving)
    {
        List<long> requeued = [];
        foreach (var id in leaving.Take(write, chunks.Size))
        {
            var (lease, _) = inbox.Release(write, id);
            var row = MessageTable.Requeue(write, id, lease.IsDoubtful ? null : lease.Holder);
            write.Raise(new MessageChanged("requeued", row));
            requeued.Add(id);
        }

        inbox.AddReady(write, [.. requeued]);
        delivery.Serve(write, inbox);
    }

    private sealed record Pass(Inbox Inbox, LeavingLeases Leaving)
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
