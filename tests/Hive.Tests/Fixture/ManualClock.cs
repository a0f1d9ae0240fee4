namespace Hive.Tests.Fixture;

/// <summary>A clock that stands still until a test moves it; its timers fire while it is moved, in order.</summary>
public sealed class ManualClock(DateTimeOffset start) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private readonly List<(DateTimeOffset At, TaskCompletionSource Set)> awaited = [];
    private DateTimeOffset now = start;
    private TimeSpan jumped;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    // The due times of timers, in the time that only moves forward.
    private DateTimeOffset Steady => now - jumped;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
            return now;
    }

    public override long GetTimestamp()
    {
        lock (gate)
            return Steady.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock forward, and fires each timer at its time.</summary>
    public void Advance(TimeSpan by)
    {
        var end = GetUtcNow() + by;
        while (Next(end) is { } timer)
            timer.Fire();
        lock (gate)
            now = end > now ? end : now;
    }

    /// <summary>Moves the clock in steps until a task has ended; fails after a minute. The clock stands still while no
    /// timer is due within a step, so that on a slow machine no later timer fires before what the task waits
    /// for.</summary>
    public Task AdvanceUntil(Task ended, TimeSpan step) =>
        Patience.Until(
            () =>
            {
                if (!ended.IsCompleted && IsDue(step))
                    Advance(step);
                return Task.FromResult(ended.IsCompleted);
            },
            () => $"the task ends; the clock is at {GetUtcNow():u}"
        );

    /// <summary>Sets the wall clock as an administrator does; timers and timestamps are unaffected.</summary>
    public void Jump(TimeSpan by)
    {
        lock (gate)
        {
            now += by;
            jumped += by;
        }
    }

    /// <summary>Completes when a timer is set for exactly that time.</summary>
    public Task Set(DateTimeOffset at)
    {
        lock (gate)
        {
            at -= jumped;
            if (timers.Any(t => t.Due == at))
                return Task.CompletedTask;
            var set = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            awaited.Add((at, set));
            return set.Task;
        }
    }

    /// <summary>Completes when a timer is set for exactly that time from now on; others of that time do not
    /// count.</summary>
    public Task SetNext(DateTimeOffset at)
    {
        lock (gate)
        {
            var set = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            awaited.Add((at - jumped, set));
            return set.Task;
        }
    }

    private bool IsDue(TimeSpan within)
    {
        lock (gate)
            return timers.Any(t => t.Due <= Steady + within);
    }

    private ManualTimer? Next(DateTimeOffset until)
    {
        lock (gate)
        {
            var timer = timers.Where(t => t.Due + jumped <= until).MinBy(t => t.Due);
            if (timer is null)
                return null;
            now = timer.Due > Steady ? timer.Due + jumped : now;
            timer.Reschedule();
            return timer;
        }
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period;

        public DateTimeOffset Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var now = false;
            lock (clock.gate)
            {
                this.period = period;
                clock.timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan)
                    return true;
                Due = clock.Steady + dueTime;
                clock.timers.Add(this);
                clock.awaited.RemoveAll(a => a.At == Due && a.Set.TrySetResult());
                now = dueTime <= TimeSpan.Zero;
                if (now)
                    Reschedule();
            }

            if (now)
                ThreadPool.QueueUserWorkItem(_ => Fire());
            return true;
        }

        // Called under the clock's lock.
        public void Reschedule()
        {
            if (period > TimeSpan.Zero)
                Due += period;
            else
                clock.timers.Remove(this);
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock.gate)
                clock.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
