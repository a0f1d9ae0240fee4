namespace Hive.Common;

/// <summary>
/// Keeps the deadlines of pending things by their keys, and one timer for the earliest. Uses the monotonic clock, which
/// stands still while the machine sleeps and is not changed by setting the wall clock. Deadlines that people are told
/// follow the wall clock too: whichever comes first (docs/adr/0151). With no deadlines the timer is off.
/// </summary>
/// <typeparam name="TKey">What identifies a thing, such as a question's id.</typeparam>
public sealed class Deadlines<TKey> : IDisposable
    where TKey : notnull, IComparable<TKey>
{
    // Far enough off, and a number of ticks that fits.
    private const double MostSeconds = 1e9;

    // How soon a sleep of the machine, or a wall clock that was set, is noticed.
    private const double LookMs = 1_000;

    // A timer takes at most 49 days; one that fires early finds nothing due, and is set again.
    private const double MostTimerMs = 86_400_000;

    private readonly TimeProvider clock;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly SortedSet<(long At, TKey Key)> order = [];

    // Null when only the monotonic clock counts.
    private readonly SortedSet<(DateTimeOffset At, TKey Key)>? walls;
    private readonly Dictionary<TKey, (long At, DateTimeOffset Wall)> known = [];
    private readonly Bell elapsed = new();
    private long? armed;

    /// <param name="clock">Tells the time, and makes the timer.</param>
    /// <param name="byWallClock">Whether the wall clock counts too: it is looked at every second.</param>
    public Deadlines(TimeProvider clock, bool byWallClock = false)
    {
        this.clock = clock;
        walls = byWallClock ? [] : null;
        timer = clock.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Waits until the timer of a deadline has fired since the last call.</summary>
    public Task WaitForDue(CancellationToken ct) => elapsed.Wait(ct);

    /// <summary>
    /// Adds a deadline after that time; a key that has one keeps it. A negative time is overdue; the longest overdue is
    /// taken first.
    /// </summary>
    public void Add(TKey key, TimeSpan left)
    {
        lock (gate)
        {
            var seconds = Math.Min(left.TotalSeconds, MostSeconds);
            var at = clock.GetTimestamp() + (long)(seconds * clock.TimestampFrequency);
            var wall = clock.GetUtcNow() + TimeSpan.FromSeconds(seconds);
            if (known.TryAdd(key, (at, wall)))
            {
                order.Add((at, key));
                walls?.Add((wall, key));
            }

            Arm();
        }
    }

    /// <summary>Removes a deadline; does nothing when the key has none.</summary>
    public void Remove(TKey key)
    {
        lock (gate)
        {
            if (Forget(key))
                Arm();
        }
    }

    /// <summary>Removes and returns the keys that are due, earliest deadline first.</summary>
    public TKey[] TakeDue(int most)
    {
        lock (gate)
        {
            TKey[] due = [.. Due().Take(most)];
            foreach (var key in due)
                Forget(key);
            Arm();
            return due;
        }
    }

    /// <inheritdoc />
    public void Dispose() => timer.Dispose();

    private void OnTimer()
    {
        lock (gate)
        {
            armed = null;
            if (walls is not null && !Due().Any())
            {
                Arm();
                return;
            }
        }

        elapsed.Ring();
    }

    private bool Forget(TKey key)
    {
        if (!known.Remove(key, out var at))
            return false;
        order.Remove((at.At, key));
        walls?.Remove((at.Wall, key));
        return true;
    }

    // Those of the wall clock first: after a sleep, in the order in which people were told.
    private IEnumerable<TKey> Due()
    {
        var (now, utc) = (clock.GetTimestamp(), clock.GetUtcNow());
        return (walls ?? [])
            .TakeWhile(d => d.At <= utc)
            .Select(d => d.Key)
            .Concat(order.TakeWhile(d => d.At <= now).Select(d => d.Key))
            .Distinct();
    }

    private void Arm()
    {
        long? next = order.Count > 0 ? order.Min.At : null;
        if (next is { } earliest && walls is not null)
            next =
                armed < earliest
                    ? armed
                    : Math.Min(earliest, clock.GetTimestamp() + (long)(LookMs / 1000 * clock.TimestampFrequency));
        if (next == armed)
            return;
        armed = next;
        // Rounded up: a timer that fires a moment early would find nothing due.
        timer.Change(
            next is { } at
                ? TimeSpan.FromMilliseconds(
                    Math.Clamp(
                        Math.Ceiling((at - clock.GetTimestamp()) * 1000.0 / clock.TimestampFrequency),
                        0,
                        MostTimerMs
                    )
                )
                : Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }
}
