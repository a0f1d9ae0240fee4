using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>
/// Calls the host on a connection of the driver's own, so that no call waits for the turn loop's <c>recv</c>. A call
/// that a restart of the host interrupts is repeated until it is answered; <c>send</c>, <c>ask</c> and <c>remind</c>
/// carry a key, so that they are not done twice.
/// </summary>
internal sealed class HostCalls(HostConnector connector, string client) : IAsyncDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private LineClient? line;
    private int generation;

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

    /// <exception cref="HiveException">The host refused.</exception>
    public async Task<JsonElement> CallAsync(string command, JsonObject fields, CancellationToken ct)
    {
        if (command is "send" or "ask" or "remind" && !fields.ContainsKey("key"))
            fields["key"] = Guid.NewGuid().ToString("N");

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
