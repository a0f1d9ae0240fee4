namespace Hive.Features.Questions;

/// <summary>
/// Keeps the deadlines of pending questions, and one timer for the earliest. Uses the monotonic clock, so that setting
/// the wall clock changes nothing; with no deadlines the timer is off.
/// </summary>
internal sealed class Deadlines : IDisposable
{
    private readonly TimeProvider clock;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly SortedSet<(long At, long Id)> order = [];
    private readonly Dictionary<long, long> known = [];
    private readonly SemaphoreSlim elapsed = new(0, 1);
    private long? armed;
    private bool isDisposed;

    public Deadlines(TimeProvider clock)
    {
        this.clock = clock;
        timer = clock.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Waits until the timer of a deadline has fired since the last call.</summary>
    public Task WaitForDue(CancellationToken ct) => elapsed.WaitAsync(ct);

    /// <summary>
    /// Adds a question that expires after that time. A negative time is overdue; the longest overdue is taken first.
    /// </summary>
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

    /// <summary>Removes a question that has been answered.</summary>
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

    /// <summary>Removes and returns the questions that are due, earliest deadline first.</summary>
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

    public void Dispose()
    {
        timer.Dispose();
        lock (gate)
        {
            // The timer may be firing at this moment.
            isDisposed = true;
            elapsed.Dispose();
        }
    }

    private void OnTimer()
    {
        lock (gate)
        {
            armed = null;
            if (!isDisposed && elapsed.CurrentCount == 0)
                elapsed.Release();
        }
    }

    private void Arm()
    {
        long? next = order.Count > 0 ? order.Min.At : null;
        if (next == armed)
            return;
        armed = next;
        // Rounded up: a timer that fires a moment early would find no question due.
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
