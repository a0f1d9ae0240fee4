namespace Hive.Runtimes;

/// <summary>Wakes the sweep over the containers early, when a runtime sees a container that Hive did not
/// start.</summary>
internal sealed class SweepBell(TimeProvider clock)
{
    private volatile TaskCompletionSource rung = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Ring() => rung.TrySetResult();

    /// <summary>Waits until it is rung, at most that long.</summary>
    public async Task Wait(TimeSpan atMost, CancellationToken ct)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(rung.Task, Task.Delay(atMost, clock, enough.Token));
        await enough.CancelAsync();
        ct.ThrowIfCancellationRequested();
        if (rung.Task.IsCompleted)
            rung = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
