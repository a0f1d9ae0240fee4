namespace Hive.Agent;

/// <summary>
/// Waits between attempts: 0.1 s, doubled up to 5 s. Each wait is shortened at random by up to half, so that agents do
/// not reconnect all at once.
/// </summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.1),
        Longest = TimeSpan.FromSeconds(5);
    private TimeSpan next = First;

    public void Reset() => next = First;

    public Task WaitAsync(CancellationToken ct)
    {
        var wait = next * (1 - (Random.Shared.NextDouble() / 2));
        next = next * 2 < Longest ? next * 2 : Longest;
        return Task.Delay(wait, time, ct);
    }
}
