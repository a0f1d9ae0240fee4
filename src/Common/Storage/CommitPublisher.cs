using System.Collections.Concurrent;
using Hive.Common.Notifications;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Storage;

/// <summary>
/// Publishes commits in their order, never on the writer's thread: observers (the event hub, the agents' rows) see
/// every notification, then after-commit actions wake receivers and callers get their answers. So a caller with an
/// answer finds its event already published. Reactions of other slices run in a second loop, where a slow one delays
/// nobody.
/// </summary>
public sealed partial class CommitPublisher(
    Lazy<IEnumerable<ICommitObserver>> observers,
    Reactions reactions,
    ILogger<CommitPublisher> log
) : IThreadPoolWorkItem
{
    // One pool item for a few callers instead of one each: with 64 callers, switching threads costs more than
    // answering.
    private const int CallersPerThread = 8;

    // Resolved at the first commit: observers depend on the store, which depends on this class.
    private readonly Lazy<ICommitObserver[]> observers = new(() => [.. observers.Value]);
    private readonly ConcurrentQueue<(List<object> Raised, List<INotification> Undone, List<Work> Callers)> batches =
        new();
    private int running;

    internal void Ended(List<object> raised, List<INotification> undone, List<Work> callers)
    {
        batches.Enqueue((raised, undone, callers));
        if (Interlocked.CompareExchange(ref running, 1, 0) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        List<Answers> waiting = [];
        do
        {
            while (batches.TryDequeue(out var batch))
            {
                foreach (var notification in batch.Undone)
                    Tell(notification, committed: false);
                Publish(batch.Raised, batch.Callers, waiting);
            }

            // A full fence: without it this thread could see an empty queue before the writer sees that no thread runs,
            // and a batch would stay in the queue.
            Interlocked.Exchange(ref running, 0);
        } while (!batches.IsEmpty && Interlocked.CompareExchange(ref running, 1, 0) == 0);

        // From here on another thread may publish the next batch. Answering the last few here saves a switch to yet
        // another thread.
        for (var i = 0; i < waiting.Count - 1; i++)
            ThreadPool.UnsafeQueueUserWorkItem(waiting[i], preferLocal: false);
        if (waiting.Count > 0)
            waiting[^1].Execute();
    }

    private void Publish(List<object> raised, List<Work> callers, List<Answers> waiting)
    {
        List<Action> actions = [];
        foreach (var item in raised)
        {
            if (item is Action action)
                actions.Add(action);
            else
                Tell((INotification)item, committed: true);
        }

        for (var start = 0; start < actions.Count + callers.Count; start += CallersPerThread)
            waiting.Add(new Answers(this, actions, callers, start));
    }

    private void Tell(INotification notification, bool committed)
    {
        try
        {
            foreach (var observer in observers.Value)
            {
                if (committed)
                    observer.OnCommitted(notification);
                else
                    observer.OnUndone(notification);
            }

            if (committed)
                reactions.Add(notification);
        }
        catch (Exception e)
        {
            LogFailed(log, notification.GetType().Name, e);
        }
    }

    /// <summary>Runs a few of a batch's actions or answers, one after the other.</summary>
    private sealed class Answers(CommitPublisher owner, List<Action> actions, List<Work> callers, int start)
        : IThreadPoolWorkItem
    {
        public void Execute()
        {
            for (var i = start; i < Math.Min(start + CallersPerThread, actions.Count + callers.Count); i++)
            {
                if (i < actions.Count)
                    owner.Run(actions[i]);
                else
                    callers[i - actions.Count].Complete();
            }
        }
    }

    private void Run(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            LogActionFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "publishing {Notification} failed")]
    private static partial void LogFailed(ILogger logger, string notification, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "an after-commit action failed")]
    private static partial void LogActionFailed(ILogger logger, Exception error);
}
