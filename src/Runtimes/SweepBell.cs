namespace Hive.Runtimes;

/// <summary>Rung when something runs that nobody here has started, so that it is not the next sweep's time before it
/// shows.</summary>
internal sealed class SweepBell(TimeProvider clock)
{
    private volatile TaskCompletionSource rung = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Ring() => rung.TrySetResult();

    /// <summary>Waits until it is rung, or that long.</summary>
    public async Task Rung(TimeSpan atMost, CancellationToken ct)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(rung.Task, Task.Delay(atMost, clock, enough.Token));
        await enough.CancelAsync();
        ct.ThrowIfCancellationRequested();
        if (rung.Task.IsCompleted)
            rung = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
