namespace Hive.Features.Questions;

/// <summary>
/// When pending questions expire, and the one timer that is set for the next of them. Measured by the clock that only
/// goes forward, so that setting the wall
/// clock changes nothing; without a deadline there is no timer.
/// </summary>
internal sealed class Deadlines : IDisposable
{
    private readonly TimeProvider clock;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly SortedSet<(long At, long Id)> order = [];
    private readonly Dictionary<long, long> known = [];
    private long? armed;

    public Deadlines(TimeProvider clock)
    {
        this.clock = clock;
        timer = clock.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called when something is due; set once by the clockwork.</summary>
    public Action? Ring { get; set; }

    /// <summary>Notes that a question expires after that time; one that has passed already is due, the longest overdue
    /// first.</summary>
    public void Add(long id, TimeSpan left)
    {
        lock (gate)
        {
            var at = clock.GetTimestamp() + (long)(left.TotalSeconds * clock.TimestampFrequency);
            if (known.TryAdd(id, at))
                order.Add((at, id));
            Arm();
        }
    }

    /// <summary>The question has been answered.</summary>
    public void Remove(long id)
    {
        lock (gate)
        {
            if (!known.Remove(id, out var at))
                return;
            order.Remove((at, id));
            Arm();
        }
    }

    /// <summary>Takes out what is due, oldest first.</summary>
    public long[] TakeDue(int most)
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            long[] due = [.. order.TakeWhile(d => d.At <= now).Take(most).Select(d => d.Id)];
            foreach (var id in due)
            {
                known.Remove(id, out var at);
                order.Remove((at, id));
            }

            Arm();
            return due;
        }
    }

    public void Dispose() => timer.Dispose();

    private void OnTimer()
    {
        lock (gate)
            armed = null;
        Ring?.Invoke();
    }

    private void Arm()
    {
        long? next = order.Count > 0 ? order.Min.At : null;
        if (next == armed)
            return;
        armed = next;
        // Rounded up: a timer that rings a moment early finds nothing due.
        timer.Change(
            next is { } at
                ? TimeSpan.FromMilliseconds(
                    Math.Max(0, Math.Ceiling((at - clock.GetTimestamp()) * 1000.0 / clock.TimestampFrequency))
                )
                : Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }
}
