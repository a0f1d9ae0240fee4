namespace Hive.Features.Messages;

/// <summary>Fires when a message's back-off ends. The timer is set for that moment; nothing is polled.</summary>
internal sealed class BackoffTimer : IDisposable
{
    // A clock that was set back must not make a wait endless.
    private const long LongestMs = 60_000;

    private readonly TimeProvider clock;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private long dueAt = long.MaxValue;

    public BackoffTimer(TimeProvider clock)
    {
        this.clock = clock;
        timer = clock.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A back-off may have ended.</summary>
    public event Action? Due;

    /// <summary>The pause after a nack, when its receiver does not give one: 5 s after the first, 20 s after the
    /// second; the third parks the message.</summary>
    public static long Seconds(int attempts) => 5L << (2 * (attempts - 1));

    /// <summary>Sets the timer to that time (unix milliseconds), unless it fires earlier already; fires at once for a
    /// time that is over.</summary>
    public void Set(long at)
    {
        var rest = Math.Min(at - clock.GetUtcNow().ToUnixTimeMilliseconds(), LongestMs);
        if (rest <= 0)
        {
            Due?.Invoke();
            return;
        }

        lock (gate)
        {
            if (at >= dueAt)
                return;
            dueAt = at;
            timer.Change(TimeSpan.FromMilliseconds(rest), Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose() => timer.Dispose();

    private void Fire()
    {
        lock (gate)
            dueAt = long.MaxValue;
        Due?.Invoke();
    }
}
