using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>Watches a connection to the host while nobody speaks on it.</summary>
internal static class HeldLine
{
    /// <summary>
    /// Returns when the work is done; throws when the connection ended first, so that it is made again while the work
    /// goes on.
    /// </summary>
    /// <exception cref="IOException">The host closed the connection.</exception>
    public static async Task HoldsUntilAsync(this LineClient line, Task work, CancellationToken giveUp)
    {
        if (work.IsCompleted)
            return;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(giveUp);
        var closed = line.ClosedAsync(watching.Token);
        var first = await Task.WhenAny(work, closed);
        giveUp.ThrowIfCancellationRequested();
        if (first == closed)
        {
            await closed;
            throw new IOException("the host closed the connection");
        }

        await watching.CancelAsync();
        try
        {
            await closed;
        }
        catch (OperationCanceledException)
        {
            // The watch is over, the connection is ours again.
            return;
        }

        throw new IOException("the host closed the connection");
    }
}
