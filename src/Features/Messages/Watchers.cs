using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Messages;

/// <summary>Keeps the waits for a message that do not receive it, and wakes them when one becomes ready.</summary>
internal sealed class Watchers(Inboxes inboxes, IRoster roster)
{
    /// <summary>Says what is ready to be received; lets <paramref name="watcher"/> wait when nothing of that is new to
    /// it.</summary>
    public (AwaitMessages.Result Found, bool Waits) Watch(IWrite write, string name, Watcher? watcher)
    {
        var mayReceive = roster.Require(name).MayReceive;
        var inbox = inboxes.Of(name);
        var waits = watcher is not null && (!mayReceive || !IsNews(inbox, watcher));
        if (waits)
        {
            inbox.Watchers.Add(watcher!);
            write.OnRollback(() => inbox.Watchers.Remove(watcher!));
        }
        else if (watcher is not null)
        {
            NoteNewest(write, inbox);
        }

        return (Found(inbox, mayReceive), waits);
    }

    /// <summary>Ends a wait, and says what is ready.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">Whose messages.</param>
    /// <param name="watcher">The wait.</param>
    /// <param name="answered">False when the client has gone, so that nobody reads the answer.</param>
    public AwaitMessages.Result EndWatch(IWrite write, string name, Watcher watcher, bool answered)
    {
        var mayReceive = roster.Require(name).MayReceive;
        var inbox = inboxes.Of(name);
        if (inbox.Watchers.Remove(watcher))
            write.OnRollback(() => inbox.Watchers.Add(watcher));
        if (answered && mayReceive && IsNews(inbox, watcher))
            NoteNewest(write, inbox);
        return Found(inbox, mayReceive);
    }

    /// <summary>Wakes those for whom something new is ready, unless the agent is paused or held.</summary>
    public void Wake(IWrite write, Inbox inbox)
    {
        if (inbox.Watchers.Count == 0 || roster.Find(inbox.Owner) is not { MayReceive: true })
            return;
        foreach (var watcher in inbox.Watchers.Where(watcher => IsNews(inbox, watcher)))
            write.AfterCommit(watcher.Answer);
    }

    private static AwaitMessages.Result Found(Inbox inbox, bool mayReceive) =>
        !mayReceive || inbox.Ready.Count == 0
            ? new AwaitMessages.Result(0, null, inbox.NewestWatched)
            : new AwaitMessages.Result(inbox.Ready.Count, inbox.Ready.Max, inbox.NewestWatched);

    private static void NoteNewest(IWrite write, Inbox inbox)
    {
        var before = inbox.NewestWatched;
        inbox.NewestWatched = Math.Max(before, inbox.Ready.Max);
        write.OnRollback(() => inbox.NewestWatched = before);
    }

    private static bool IsNews(Inbox inbox, Watcher watcher) =>
        inbox.Ready.Count > 0 && inbox.Ready.Max > watcher.After;
}

/// <summary>A wait for a message above an id that does not receive it.</summary>
internal sealed class Watcher(long after)
{
    private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long After => after;

    public Task Task => completion.Task;

    public void Answer() => completion.TrySetResult();
}
