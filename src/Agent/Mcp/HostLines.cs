using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Mcp;

/// <summary>A pool of connections to the host: one per running call, so that no call waits for another.</summary>
internal sealed class HostLines(string socket, long? turn, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // A socket serves 32 connections; the harness and other bridges of the agent need some of them.
    private readonly SemaphoreSlim room = new(8, 8);
    private readonly ConcurrentBag<Idle> idle = [];

    /// <summary>An unused connection, which is watched so that a closed one is not handed out.</summary>
    private sealed record Idle(LineClient Line, CancellationTokenSource Watching, Task Closed);

    /// <summary>Calls a command on a connection of the pool.</summary>
    /// <exception cref="IOException">The host could not be reached for five seconds.</exception>
    public async Task<JsonElement> CallAsync(string client, string command, JsonObject fields, CancellationToken ct)
    {
        var line = await TakeAsync(client, ct);
        var healthy = false;
        try
        {
            var answer = await line.CallAsync(command, fields, ct);
            healthy = true;
            return answer;
        }
        catch (HiveException e)
        {
            // The host closes the connection after a line that is too long.
            healthy = e.Code != "too_large";
            throw;
        }
        finally
        {
            Release(line, healthy);
        }
    }

    private async Task<LineClient> TakeAsync(string client, CancellationToken ct)
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

    private void Release(LineClient line, bool healthy)
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

    /// <summary>Opens a connection outside of the pool, for <c>recv</c>.</summary>
    public async Task<LineClient> ConnectAsync(string client, CancellationToken ct)
    {
        var backoff = new Backoff(time);
        for (var started = time.GetTimestamp(); ; await backoff.WaitAsync(ct))
        {
            LineClient? line = null;
            try
            {
                line = await LineClient.ConnectAsync(socket, time, ct);
                // The members of an anonymous object would be read by reflection, with code compiled at the start.
                var hello = new JsonObject { ["client"] = client };
                if (turn is not null)
                    hello["turn"] = turn;
                await line.CallAsync("hello", hello, ct);
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

    /// <summary>Whether the host has not closed an unused connection.</summary>
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
            // A broken connection counts as closed.
        }

        return false;
    }
}
