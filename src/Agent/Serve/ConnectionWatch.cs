using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>Watches an idle connection to the host while something else is done.</summary>
internal static class ConnectionWatch
{
    /// <summary>
    /// Waits for the work, or throws when the connection ends first, so that the caller can reconnect while the work
    /// continues.
    /// </summary>
    /// <exception cref="IOException">The host closed the connection.</exception>
    public static async Task WatchUntilAsync(this LineClient line, Task work, CancellationToken giveUp)
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
            // The connection is open and can be used again.
            return;
        }

        throw new IOException("the host closed the connection");
    }
}
