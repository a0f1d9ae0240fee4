using System.Threading.Channels;

namespace Hive.Common;

/// <summary>Wakes one loop that waits for work. It has nothing to dispose of, so that a timer or a commit may ring it
/// while the host stops.</summary>
public class Bell
{
    private readonly Channel<bool> rung = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>Rings; from any thread, and at any time. It does nothing when it rings already.</summary>
    public void Ring() => rung.Writer.TryWrite(true);

    /// <summary>Waits until it has rung since the last wait.</summary>
    public async Task Wait(CancellationToken ct) => await rung.Reader.ReadAsync(ct);

    /// <summary>Runs work each time the bell has rung, and again after a pause when the work has failed. Ends only by
    /// an exception.</summary>
    /// <param name="run">The work.</param>
    /// <param name="failed">Logs a failure; false when the work must not be tried again.</param>
    /// <param name="pause">The time until the work is tried again.</param>
    /// <param name="clock">Measures the pause.</param>
    /// <param name="ct">Cancels.</param>
    public async Task RunOnEachRing(
        Func<CancellationToken, Task> run,
        Func<Exception, bool> failed,
        TimeSpan pause,
        TimeProvider clock,
        CancellationToken ct
    )
    {
        while (true)
        {
            await Wait(ct);
            try
            {
                await run(ct);
            }
            catch (Exception e)
            {
                ct.ThrowIfCancellationRequested();
                if (!failed(e))
                    throw;
                await Task.Delay(pause, clock, ct);
                Ring();
            }
        }
    }
}
