using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>
/// Calls the host on a connection of the driver's own, so that no call waits for the turn loop's <c>recv</c>. A call
/// that a restart of the host interrupts is repeated until it is answered; a tool that takes a key gets one, so that
/// its work is not done twice.
/// </summary>
internal sealed class HostCalls(HostConnector connector, string client) : IAsyncDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private LineClient? line;
    private int generation;
    private volatile KnownTools tools = KnownTools.None;

    /// <summary>Raised after a new connection: every state must be reported again.</summary>
    public event Action? Renewed;

    /// <summary>Grows with each restart of the host that was noticed.</summary>
    public int Generation => Volatile.Read(ref generation);

    /// <summary>Notes that the host was restarted.</summary>
    public void Renew()
    {
        Interlocked.Increment(ref generation);
        Renewed?.Invoke();
    }

    /// <summary>Calls one of the agent's tools.</summary>
    /// <exception cref="HiveException">The host refused, or the tool or a field is unknown.</exception>
    public async Task<JsonElement> CallToolAsync(string tool, JsonObject fields, CancellationToken ct)
    {
        // A newer host may have replaced the one that listed the tools.
        var known = tools;
        if (!known.Has(tool, fields))
            tools = known = new KnownTools(
                (await CallAsync("tools", new JsonObject(), ct)).GetProperty("tools").EnumerateArray()
            );
        known.Check(tool, fields);
        known.AddKey(tool, fields);
        return await CallAsync(tool, fields, ct);
    }

    /// <exception cref="HiveException">The host refused.</exception>
    public async Task<JsonElement> CallAsync(string command, JsonObject fields, CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
        {
            for (var isRetry = false; ; isRetry = true)
            {
                if (line is null)
                {
                    line = await connector.ConnectAsync(client, ct);
                    Renew();
                }

                try
                {
                    return await line.CallAsync(command, fields, ct);
                }
                catch (HiveException e) when (isRetry && command == "answer" && e.Code == "conflict")
                {
                    // The first answer counts, and the interrupted call may have been the first.
                    return JsonSerializer.SerializeToElement(new { ok = true });
                }
                catch (HiveException)
                {
                    throw;
                }
                catch (Exception e)
                {
                    // A cancelled call leaves the connection unusable too.
                    line.Dispose();
                    line = null;
                    if (!HostDown.Is(e))
                        throw;
                }
            }
        }
        finally
        {
            turn.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        line?.Dispose();
        return ValueTask.CompletedTask;
    }
}
