using System.Collections.Concurrent;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Messaging;

/// <summary>
/// What happens after a commit, in commit order and never on the writer's thread: observers see every notification (the event hub, the agents' rows),
/// after-commit actions wake receivers, then the callers are answered. So whoever has an answer finds its event already published.
/// Domain reactions run in a second loop, where a slow one delays nobody.
/// </summary>
public sealed partial class CommitPublisher(Lazy<IEnumerable<ICommitObserver>> observers, Reactions reactions, ILogger<CommitPublisher> log) : IThreadPoolWorkItem
{
    // One pool item for a few callers instead of one for each: at 64 callers the hops between threads cost more than the answers.
    private const int CallersPerThread = 8;

    // Resolved at the first commit: observers know the store, which knows this.
    private readonly Lazy<ICommitObserver[]> observers = new(() => [.. observers.Value]);
    private readonly ConcurrentQueue<(List<object> Raised, List<Work> Callers)> batches = new();
    private int running;

    internal void Committed(List<object> raised, List<Work> callers)
    {
        batches.Enqueue((raised, callers));
        if (Interlocked.CompareExchange(ref running, 1, 0) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            while (batches.TryDequeue(out var batch))
            {
                foreach (var item in batch.Raised)
                    Publish(item);
                for (var start = 0; start < batch.Callers.Count; start += CallersPerThread)
                    ThreadPool.UnsafeQueueUserWorkItem(new Answers(batch.Callers, start), preferLocal: false);
            }

            // A full fence: without it the queue could be seen empty before the writer sees that nobody runs, and a batch would lie there.
            Interlocked.Exchange(ref running, 0);
        }
        while (!batches.IsEmpty && Interlocked.CompareExchange(ref running, 1, 0) == 0);
    }

    private void Publish(object item)
    {
        try
        {
            if (item is Action action)
            {
                action();
                return;
            }

            var notification = (INotification)item;
            foreach (var observer in observers.Value)
                observer.OnCommitted(notification);
            reactions.Add(notification);
        }
        catch (Exception e)
        {
            LogFailed(log, item.GetType().Name, e);
        }
    }

    /// <summary>Answers a few callers of a batch, one after the other.</summary>
    private sealed class Answers(List<Work> callers, int start) : IThreadPoolWorkItem
    {
        void IThreadPoolWorkItem.Execute()
        {
            for (var i = start; i < Math.Min(start + CallersPerThread, callers.Count); i++)
                callers[i].Complete();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "publishing {Notification} failed")]
    private static partial void LogFailed(ILogger logger, string notification, Exception error);
}
