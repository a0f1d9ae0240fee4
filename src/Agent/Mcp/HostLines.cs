using System.Collections.Concurrent;
using Hive.Protocol;

namespace Hive.Agent.Mcp;

/// <summary>Connections to the host, kept for the next call: one per call under way, so that no call waits behind
/// another.</summary>
internal sealed class HostLines(string socket, long? turn, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // A socket serves 32; the harness and other bridges of the same agent need theirs.
    private readonly SemaphoreSlim room = new(8, 8);
    private readonly ConcurrentBag<Idle> idle = [];

    /// <summary>Watched while nobody uses it, so that one the host has closed is not handed out.</summary>
    private sealed record Idle(LineClient Line, CancellationTokenSource Watching, Task Closed);

    /// <summary>A connection for one call; <see cref="Release"/> it afterwards.</summary>
    /// <exception cref="IOException">The host could not be reached for five seconds.</exception>
    public async Task<LineClient> TakeAsync(string client, CancellationToken ct)
    {
        await room.WaitAsync(ct);
        try
        {
            while (idle.TryTake(out var kept))
            {
                if (await UnwatchAsync(kept))
                    return kept.Line;
            }

            return await ConnectAsync(client, ct);
        }
        catch
        {
            room.Release();
            throw;
        }
    }

    /// <summary>Gives a connection back, to be kept when its last call was answered.</summary>
    public void Release(LineClient line, bool healthy)
    {
        if (healthy)
        {
            var watching = new CancellationTokenSource();
            idle.Add(new Idle(line, watching, line.ClosedAsync(watching.Token)));
        }
        else
        {
            line.Dispose();
        }

        room.Release();
    }

    /// <summary>A connection outside the pool, for <c>recv</c>.</summary>
    public async Task<LineClient> ConnectAsync(string client, CancellationToken ct)
    {
        var backoff = new Backoff(time);
        for (var started = time.GetTimestamp(); ; await backoff.WaitAsync(ct))
        {
            LineClient? line = null;
            try
            {
                line = await LineClient.ConnectAsync(socket, ct);
                await line.CallAsync("hello", new { client, turn }, ct);
                return line;
            }
            catch (Exception e) when (HostDown.Is(e))
            {
                line?.Dispose();
                if (time.GetElapsedTime(started) >= Patience)
                    throw new IOException(HostDown.Reason(e), e);
            }
            catch
            {
                line?.Dispose();
                throw;
            }
        }
    }

    /// <summary>Whether the host still holds its end of a connection that nobody uses at the moment.</summary>
    public static async Task<bool> IsOpenAsync(LineClient line)
    {
        using var watching = new CancellationTokenSource();
        return await IsOpenAsync(line.ClosedAsync(watching.Token), watching);
    }

    public void Dispose()
    {
        while (idle.TryTake(out var kept))
        {
            kept.Watching.Cancel();
            kept.Line.Dispose();
        }
    }

    private static async Task<bool> UnwatchAsync(Idle kept)
    {
        using var watching = kept.Watching;
        if (await IsOpenAsync(kept.Closed, watching))
            return true;
        kept.Line.Dispose();
        return false;
    }

    private static async Task<bool> IsOpenAsync(Task closed, CancellationTokenSource watching)
    {
        await watching.CancelAsync();
        try
        {
            await closed;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            // Gone, as if closed.
        }

        return false;
    }
}
