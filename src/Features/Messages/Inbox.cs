using Hive.Common.Storage;
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

    private readonly Dictionary<long, Lease> leased = [];
    private readonly Dictionary<long, long> delayed = [];
    private readonly HashSet<long> parked = [];
    private long unreadCount,
        delayedCount,
        parkedCount;

    public string Owner => owner;

    /// <summary>Ids that can be received, oldest first.</summary>
    public IdQueue Ready { get; } = new();

    /// <summary>Leases by message id.</summary>
    public IReadOnlyDictionary<long, Lease> Leased => leased;

    /// <summary>What of each sender waits here.</summary>
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
    public (int Unread, int Leased, int Parked) Counts => (Ready.Count + delayed.Count, leased.Count, parked.Count);

    /// <summary>When the next message in back-off is due, in unix milliseconds; null when there is none.</summary>
    public long? NextDue => delayed.Count == 0 ? null : delayed.Values.Min();

    /// <summary>Adds a message that was read from the database at start.</summary>
    public void Load(OpenMessage message)
    {
        if (!message.IsParked)
            Backlog.Load(LooseValue.Text(message.Sender) ?? "", LooseValue.Long(message.Size) ?? 0);
        if (message.IsParked)
            parked.Add(message.Id);
        else if (message.Lease is { } lease)
            leased[message.Id] = lease;
        else if (message.BackoffEnd is { } at)
            delayed[message.Id] = at;
        else
            Ready.Add(message.Id);
        PublishCounts();
    }

    /// <summary>Leases a message; its row is remembered while there is room.</summary>
    public void Hold(IWrite write, long id, Lease lease, Message? row)
    {
        leased[id] = leased.Count < RememberedLeases ? lease with { Message = row } : lease;
        write.OnRollback(() => leased.Remove(id));
    }

    /// <summary>Ends a lease.</summary>
    public Lease Release(IWrite write, long id)
    {
        leased.Remove(id, out var lease);
        write.OnRollback(() => leased[id] = lease);
        return lease;
    }

    /// <summary>Gives a lease to a holder.</summary>
    public void MoveTo(IWrite write, long id, long holder)
    {
        var before = leased[id];
        leased[id] = before with { Holder = holder };
        write.OnRollback(() => leased[id] = before);
    }

    /// <summary>The leases that <paramref name="which"/> selects.</summary>
    public IEnumerable<(long Id, Lease Lease)> Find(Func<Lease, bool> which) =>
        leased.Where(l => which(l.Value)).Select(l => (l.Key, l.Value));

    /// <summary>Makes a message ready to be received.</summary>
    public void AddReady(IWrite write, long id)
    {
        Ready.Add(id);
        Changed(write, () => Ready.Remove(id));
    }

    /// <summary>Makes many messages ready, in one pass: each alone would move all ids behind it.</summary>
    /// <param name="write">The write.</param>
    /// <param name="rising">Their ids in rising order.</param>
    public void AddReady(IWrite write, long[] rising)
    {
        Ready.AddRange(rising);
        Changed(write, () => Ready.RemoveRange(rising));
    }

    /// <summary>Removes many messages from those that are ready, in one pass.</summary>
    /// <param name="write">The write.</param>
    /// <param name="rising">Their ids in rising order.</param>
    public void RemoveReady(IWrite write, long[] rising)
    {
        Ready.RemoveRange(rising);
        Changed(write, () => Ready.AddRange(rising));
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
        delayed[id] = until;
        Changed(write, () => delayed.Remove(id));
    }

    /// <summary>Parks a message.</summary>
    public void Park(IWrite write, long id)
    {
        parked.Add(id);
        Changed(write, () => parked.Remove(id));
    }

    /// <summary>True for a parked message.</summary>
    public bool IsParked(long id) => parked.Contains(id);

    /// <summary>True for a message that is parked, in back-off or ready: nobody holds it.</summary>
    public bool IsFree(long id) => parked.Contains(id) || delayed.ContainsKey(id) || Ready.Contains(id);

    /// <summary>Removes a message that is parked, in back-off or ready.</summary>
    public void Remove(IWrite write, long id)
    {
        var wasParked = parked.Remove(id);
        var wasDelayed = delayed.Remove(id, out var until);
        var wasReady = Ready.Contains(id);
        Ready.Remove(id);
        Changed(
            write,
            () =>
            {
                if (wasParked)
                    parked.Add(id);
                if (wasDelayed)
                    delayed.Add(id, until);
                if (wasReady)
                    Ready.Add(id);
            }
        );
    }

    /// <summary>Makes ready what has waited long enough.</summary>
    public void EndBackoff(IWrite write, long now)
    {
        var due = delayed.Where(d => d.Value <= now).OrderBy(d => d.Key).ToArray();
        long[] ids = [.. due.Select(d => d.Key)];
        Array.ForEach(ids, id => delayed.Remove(id));
        Ready.AddRange(ids);
        Changed(
            write,
            () =>
            {
                Ready.RemoveRange(ids);
                Array.ForEach(due, d => delayed.Add(d.Key, d.Value));
            }
        );
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
    }

    private void PublishCounts()
    {
        Interlocked.Exchange(ref unreadCount, Ready.Count + delayed.Count);
        Interlocked.Exchange(ref delayedCount, delayed.Count);
        Interlocked.Exchange(ref parkedCount, parked.Count);
    }
}

/// <summary>
/// The lease of a message: held by a holder (a turn), or else by a connection, or by neither when its connection
/// belonged to an earlier run of the host.
/// </summary>
/// <param name="Holder">The holder.</param>
/// <param name="Connection">The connection that received the message.</param>
/// <param name="Message">The row while it is leased; null when it is not remembered.</param>
/// <param name="IsDoubtful">The message was received for the holder in an earlier run of the host, so its receiver may
/// never have read the answer (docs/adr/0063).</param>
internal readonly record struct Lease(long? Holder, long? Connection, Message? Message = null, bool IsDoubtful = false)
{
    /// <summary>True when the holder holds the message and its receiver is known to have it.</summary>
    public bool IsSurelyHeldBy(long holder) => Holder == holder && !IsDoubtful;
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
