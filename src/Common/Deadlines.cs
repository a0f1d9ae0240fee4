namespace Hive.Common;

/// <summary>
/// Keeps the deadlines of pending things by their keys, and one timer for the earliest. Uses the monotonic clock, so
/// that setting the wall clock changes nothing; with no deadlines the timer is off.
/// </summary>
/// <typeparam name="TKey">What identifies a thing, such as a question's id.</typeparam>
public sealed class Deadlines<TKey> : IDisposable
    where TKey : notnull, IComparable<TKey>
{
    // Far enough off, and a number of ticks that fits.
    private const double MostSeconds = 1e9;

    // A timer takes at most 49 days; one that fires early finds nothing due, and is set again.
    private const double MostTimerMs = 86_400_000;

    private readonly TimeProvider clock;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly SortedSet<(long At, TKey Key)> order = [];
    private readonly Dictionary<TKey, long> known = [];
    private readonly Bell elapsed = new();
    private long? armed;

    /// <param name="clock">Tells the time, and makes the timer.</param>
    public Deadlines(TimeProvider clock)
    {
        this.clock = clock;
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
            if (known.TryAdd(key, at))
                order.Add((at, key));
            Arm();
        }
    }

    /// <summary>Removes a deadline; does nothing when the key has none.</summary>
    public void Remove(TKey key)
    {
        lock (gate)
        {
            if (!known.Remove(key, out var at))
                return;
            order.Remove((at, key));
            Arm();
        }
    }

    /// <summary>Removes and returns the keys that are due, earliest deadline first.</summary>
    public TKey[] TakeDue(int most)
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            TKey[] due = [.. order.TakeWhile(d => d.At <= now).Take(most).Select(d => d.Key)];
            foreach (var key in due)
            {
                known.Remove(key, out var at);
                order.Remove((at, key));
            }

            Arm();
            return due;
        }
    }

    /// <inheritdoc />
    public void Dispose() => timer.Dispose();

    private void OnTimer()
    {
        lock (gate)
            armed = null;
        elapsed.Ring();
    }

    private void Arm()
    {
        long? next = order.Count > 0 ? order.Min.At : null;
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
