using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>
/// The driver's own connection: what it calls never waits behind the turn loop's <c>recv</c>, and a call that a restart
/// of the host cuts off is made again until it is answered. <c>send</c>, <c>ask</c> and <c>remind</c> carry a key, so
/// that this never does them twice.
/// </summary>
internal sealed class HostCalls(HostConnector connector, string client) : IAsyncDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private LineClient? line;
    private int generation;

    /// <summary>A new connection was made: whoever keeps the host up to date says everything again.</summary>
    public event Action? Renewed;

    /// <summary>Another number for each life of the host, as far as that was seen.</summary>
    public int Generation => Volatile.Read(ref generation);

    /// <summary>The host was seen to be another one.</summary>
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
            for (var again = false; ; again = true)
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
                catch (HiveException e) when (again && command == "answer" && e.Code == "conflict")
                {
                    // The first answer wins, and the one that was cut off may have been it.
                    return JsonSerializer.SerializeToElement(new { ok = true });
                }
                catch (HiveException)
                {
                    throw;
                }
                catch (Exception e)
                {
                    // A cancelled call has given the connection up too.
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
