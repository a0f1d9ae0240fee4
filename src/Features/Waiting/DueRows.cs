namespace Hive.Features.Waiting;

/// <summary>
/// Keeps when each row changes by itself (it appears, comes back from a snooze, leaves), and one timer for the earliest
/// time. With no such row the timer is off. Not safe for several threads: the list calls it under its own lock.
/// </summary>
/// <param name="clock">The wall clock, which can be set.</param>
/// <param name="due">Called on a pool thread when a row may be due.</param>
internal sealed class DueRows(TimeProvider clock, Action due) : IDisposable
{
    // A timer runs by the monotonic clock, which stands still while a laptop sleeps; so the wall clock is checked this
    // often while a row has a time.
    private const long TickMs = 5_000;

    private readonly SortedSet<(long At, string Key)> order = [];
    private readonly Dictionary<string, long> known = new(StringComparer.Ordinal);
    private ITimer? timer;
    private long? armed;

    /// <summary>Sets when a row changes by itself; null for never.</summary>
    public void Set(string key, DateTimeOffset? at)
    {
        var next = at?.ToUnixTimeMilliseconds();
        if (known.TryGetValue(key, out var before))
        {
            if (before == next)
                return;
            order.Remove((before, key));
            known.Remove(key);
        }

        if (next is { } time)
        {
            known.Add(key, time);
            order.Add((time, key));
        }

        Arm();
    }

    /// <summary>Removes and returns the rows whose time has come, the earliest first.</summary>
    public string[] Take()
    {
        armed = null;
        var now = Now();
        string[] keys = [.. order.TakeWhile(row => row.At <= now).Select(row => row.Key)];
        foreach (var key in keys)
        {
            known.Remove(key, out var at);
            order.Remove((at, key));
        }

        Arm();
        return keys;
    }

    public void Dispose() => timer?.Dispose();

    private void Arm()
    {
        long? next = order.Count == 0 ? null : order.Min.At;
        // A timer that is set for an earlier time, or for its tick, sets itself again.
        if (next is null || armed <= next)
            return;
        armed = next;
        timer ??= clock.CreateTimer(_ => due(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(next.Value - Now(), 0, TickMs)), Timeout.InfiniteTimeSpan);
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
