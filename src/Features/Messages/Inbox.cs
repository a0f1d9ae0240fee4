using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// What is known in memory of one recipient's messages. It belongs to the writer's thread: changed only by works, each
/// change taken back if its work fails.
/// The counts alone may be read from anywhere.
/// </summary>
internal sealed class Inbox(string owner)
{
    private long waiting,
        delayed,
        parked;

    public string Owner => owner;

    /// <summary>Ids that wait, oldest first.</summary>
    public IdQueue Ready { get; } = new();

    /// <summary>Ids in back-off, with the time they may come again.</summary>
    public Dictionary<long, long> Delayed { get; } = [];

    /// <summary>Ids that somebody holds.</summary>
    public Dictionary<long, Lease> Leased { get; } = [];

    /// <summary>Ids set aside after their last nack.</summary>
    public HashSet<long> Parked { get; } = [];

    /// <summary>Receivers that wait, longest first.</summary>
    public LinkedList<Waiter> Waiters { get; } = [];

    /// <summary>Those who wait for a message without receiving it.</summary>
    public List<Lookout> Lookouts { get; } = [];

    /// <summary>The highest id that such a wait has ended with.</summary>
    public long Told { get; set; }

    /// <summary>The turn each open connection said it belongs to.</summary>
    public Dictionary<long, long> TurnOfConnection { get; } = [];

    /// <summary>Connections that are open.</summary>
    public HashSet<long> Connections { get; } = [];

    /// <summary>Of those, the ones that were open when <c>requeue_inflight</c> was asked for: what they held comes
    /// again as soon as they close.</summary>
    public HashSet<long> OpenAtRequeue { get; set; } = [];

    /// <summary>The connection that closed last; null for none in this run of the host.</summary>
    public long? LastClosed { get; set; }

    /// <summary>Turns that have begun and not ended.</summary>
    public HashSet<long> Turns { get; } = [];

    /// <summary>Messages that wait, in back-off or not; readable from any thread.</summary>
    public long Unread => Interlocked.Read(ref waiting);

    /// <summary>How many of those are in back-off; readable from any thread.</summary>
    public long InBackoff => Interlocked.Read(ref delayed);

    /// <summary>Messages that are parked; readable from any thread.</summary>
    public long SetAside => Interlocked.Read(ref parked);

    /// <summary>Publishes the counts after a change.</summary>
    public void Count()
    {
        Interlocked.Exchange(ref waiting, Ready.Count + Delayed.Count);
        Interlocked.Exchange(ref delayed, Delayed.Count);
        Interlocked.Exchange(ref parked, Parked.Count);
    }
}

/// <summary>Who holds a message: a turn, or else a connection; neither when its connection belonged to an earlier run
/// of the host.</summary>
/// <param name="Turn">The turn.</param>
/// <param name="Connection">The connection.</param>
/// <param name="Message">The row as it is while it is leased; null when it is not remembered.</param>
/// <param name="IsDoubtful">It was received inside the turn in an earlier run of the host: whether the answer was read
/// is not known.</param>
internal readonly record struct Lease(long? Turn, long? Connection, Message? Message = null, bool IsDoubtful = false);

/// <summary>A <c>recv</c> that waits.</summary>
internal sealed class Waiter(long connection, int max)
{
    // The receiver goes on where it is answered: a pool thread of the publisher, see IWrite.AfterCommit.
    private readonly TaskCompletionSource<IReadOnlyList<Message>> completion = new();

    public long Connection => connection;

    /// <summary>What it was given; more may be added only within the batch of the first.</summary>
    public List<Message> Granted { get; } = [];

    public long GrantedInBatch { get; set; }

    /// <summary>How many more it may be given.</summary>
    public int Room => max - Granted.Count;

    public Task<IReadOnlyList<Message>> Task => completion.Task;

    public bool TakesMore(long batch) => Granted.Count == 0 || (GrantedInBatch == batch && Granted.Count < max);

    public void Answer() => completion.TrySetResult(Granted);
}
