using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// The messages of one recipient, as known in memory. Only writes on the writer's thread change an inbox, and each
/// change is undone when its work is rolled back. The three counts can be read from any thread.
/// </summary>
internal sealed class Inbox(string owner)
{
    // Messages kept in memory with their leases, per inbox: acknowledging one needs no read of its row. Most agents
    // hold one to a few.
    private const int RememberedLeases = 256;

    private readonly LeaseTable leases = new();
    private readonly Dictionary<long, long> delayed = [];
    private readonly SortedSet<(long Due, long Id)> dues = [];
    private readonly HashSet<long> parked = [];
    private readonly bool isOperators = owner == Principals.Operator;
    private long unreadCount,
        delayedCount,
        parkedCount;

    public string Owner => owner;

    /// <summary>Ids that can be received, oldest first.</summary>
    public IdQueue Ready { get; } = new();

    /// <summary>How many messages are leased.</summary>
    public int Leased => leases.Count;

    /// <summary>The messages of each sender that wait here.</summary>
    public Backlog Backlog { get; } = new();

    /// <summary>The connections and turns that can hold leases.</summary>
    public Holders Holders { get; } = new();

    /// <summary>Receivers that wait, longest first.</summary>
    public LinkedList<Waiter> Waiters { get; } = [];

    /// <summary>Waits for a message that do not receive it.</summary>
    public List<Watcher> Watchers { get; } = [];

    /// <summary>The highest id with which such a wait has ended.</summary>
    public long NewestWatched { get; set; }

    /// <summary>Messages that wait, in back-off or not.</summary>
    public long Unread => Interlocked.Read(ref unreadCount);

    /// <summary>How many of those are in back-off.</summary>
    public long InBackoff => Interlocked.Read(ref delayedCount);

    /// <summary>Messages that are parked.</summary>
    public long Parked => Interlocked.Read(ref parkedCount);

    /// <summary>Unread, leased and parked messages at one moment of the writer's thread.</summary>
    public (int Unread, int Leased, int Parked) Counts => (Ready.Count + delayed.Count, leases.Count, parked.Count);

    /// <summary>When the next message in back-off is due, in unix milliseconds; null when there is none.</summary>
    public long? NextDue => dues.Count == 0 ? null : dues.Min.Due;

    /// <summary>Adds a message that was read from the database at start.</summary>
    public void Load(OpenMessage message)
    {
        Backlog.Load(message);
        if (message.IsParked)
            parked.Add(message.Id);
        else if (message.Lease is { } lease)
            leases.Add(message.Id, lease, row: null);
        else if (message.BackoffEnd is { } at)
            AddDelayed(message.Id, at);
        else
            Ready.Add(message.Id);
        PublishCounts();
    }

    /// <summary>True when a message is leased.</summary>
    public bool IsLeased(long id, out Lease lease) => leases.Has(id, out lease);

    /// <summary>Leases a message; its row is remembered while there is room.</summary>
    public void Hold(IWrite write, long id, Lease lease, Message? row)
    {
        leases.Add(id, lease, leases.Count < RememberedLeases ? row : null);
        write.OnRollback(() => leases.Take(id));
    }

    /// <summary>Ends a lease.</summary>
    public (Lease Lease, Message? Row) Release(IWrite write, long id)
    {
        var (group, row) = leases.Take(id);
        write.OnRollback(() => leases.Add(id, group, row));
        return (group.Lease, row);
    }

    /// <summary>Gives a lease to a holder.</summary>
    public void MoveTo(IWrite write, long id, long holder)
    {
        var (group, row) = leases.Take(id);
        leases.Add(id, group.Lease with { Holder = holder }, row);
        write.OnRollback(() =>
        {
            leases.Take(id);
            leases.Add(id, group, row);
        });
    }

    /// <summary>How many messages have the leases that <paramref name="which"/> selects.</summary>
    public int Count(Func<Lease, bool> which) => leases.CountOf(which);

    /// <summary>The messages with the leases that <paramref name="which"/> selects, in no order.</summary>
    public long[] Find(Func<Lease, bool> which) => leases.Find(which);

    /// <summary>Sets the leases aside that <paramref name="which"/> selects, but for those that were set aside before:
    /// a message that is leased the same way from now on is not among them.</summary>
    public LeavingLeases Leave(IWrite write, Func<Lease, bool> which)
    {
        var groups = leases.Leave(which);
        if (groups.Length > 0)
            write.OnRollback(() => leases.Return(groups));
        return new LeavingLeases(groups);
    }

    /// <summary>Makes a message ready to be received.</summary>
    public void AddReady(IWrite write, long id)
    {
        Ready.Add(id);
        Changed(write, () => Ready.Remove(id));
    }

    /// <summary>Makes messages ready.</summary>
    public void AddReady(IWrite write, long[] ids)
    {
        Ready.AddRange(ids);
        Changed(write, () => Ready.RemoveRange(ids));
    }

    /// <summary>Removes messages from those that are ready.</summary>
    public void RemoveReady(IWrite write, long[] ids)
    {
        Ready.RemoveRange(ids);
        Changed(write, () => Ready.AddRange(ids));
    }

    /// <summary>Takes the oldest message that is ready.</summary>
    public long TakeOldest(IWrite write)
    {
        var id = Ready.Min;
        Ready.Remove(id);
        Changed(write, () => Ready.Add(id));
        return id;
    }

    /// <summary>Puts a message into back-off.</summary>
    public void Delay(IWrite write, long id, long until)
    {
        AddDelayed(id, until);
        Changed(write, () => RemoveDelayed(id, out _));
    }

    /// <summary>Parks a message.</summary>
    public void Park(IWrite write, long id)
    {
        parked.Add(id);
        Changed(write, () => parked.Remove(id));
    }

    /// <summary>True for a parked message.</summary>
    public bool IsParked(long id) => parked.Contains(id);

    /// <summary>The parked messages, in no order.</summary>
    public long[] ParkedIds() => [.. parked];

    /// <summary>True for a message that is parked, in back-off or ready: nobody holds it.</summary>
    public bool IsFree(long id) => parked.Contains(id) || delayed.ContainsKey(id) || Ready.Contains(id);

    /// <summary>Removes a message that is parked, in back-off or ready.</summary>
    public void Remove(IWrite write, long id)
    {
        var wasParked = parked.Remove(id);
        var wasDelayed = RemoveDelayed(id, out var until);
        var wasReady = Ready.Contains(id);
        Ready.Remove(id);
        Changed(
            write,
            () =>
            {
                if (wasParked)
                    parked.Add(id);
                if (wasDelayed)
                    AddDelayed(id, until);
                if (wasReady)
                    Ready.Add(id);
            }
        );
    }

    /// <summary>Makes messages ready that have waited long enough.</summary>
    /// <param name="write">The write.</param>
    /// <param name="now">Unix milliseconds.</param>
    /// <param name="most">The most messages; <see cref="NextDue"/> tells of the rest.</param>
    public void EndBackoff(IWrite write, long now, int most)
    {
        var due = dues.TakeWhile(d => d.Due <= now).Take(most).ToArray();
        foreach (var (_, id) in due)
        {
            RemoveDelayed(id, out var _);
            Ready.Add(id);
        }

        Changed(
            write,
            () =>
            {
                foreach (var (at, id) in due)
                {
                    Ready.Remove(id);
                    AddDelayed(id, at);
                }
            }
        );
    }

    private void AddDelayed(long id, long until)
    {
        delayed.Add(id, until);
        dues.Add((until, id));
    }

    private bool RemoveDelayed(long id, out long until)
    {
        var was = delayed.Remove(id, out until);
        if (was)
            dues.Remove((until, id));
        return was;
    }

    // Keeps the counts that other threads read true, also when the change is undone.
    private void Changed(IWrite write, Action undo)
    {
        PublishCounts();
        write.OnRollback(() =>
        {
            undo();
            PublishCounts();
        });
        if (isOperators)
            OperatorUnread.Store(write, Unread);
    }

    private void PublishCounts()
    {
        Interlocked.Exchange(ref unreadCount, Ready.Count + delayed.Count);
        Interlocked.Exchange(ref delayedCount, delayed.Count);
        Interlocked.Exchange(ref parkedCount, parked.Count);
    }
}

/// <summary>A <c>recv</c> that waits.</summary>
internal sealed class Waiter(long connection, int max)
{
    // The receiver continues where it is answered: a pool thread of the publisher, see IWrite.AfterCommit.
    private readonly TaskCompletionSource<IReadOnlyList<Message>> completion = new();

    public long Connection => connection;

    /// <summary>The messages it was given; more may be added only within the batch of the first.</summary>
    public List<Message> Granted { get; } = [];

    public long GrantedInBatch { get; set; }

    /// <summary>How many more it may be given.</summary>
    public int Room => max - Granted.Count;

    public Task<IReadOnlyList<Message>> Task => completion.Task;

    public bool TakesMore(long batch) => Granted.Count == 0 || (GrantedInBatch == batch && Granted.Count < max);

    public void Answer() => completion.TrySetResult(Granted);
}
