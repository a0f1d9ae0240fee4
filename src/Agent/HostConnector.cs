using Hive.Protocol;

namespace Hive.Agent;

/// <summary>
/// Connects to the host and retries until it works; logs the loss and the return of the host once each.
/// </summary>
internal sealed class HostConnector(string socket, Log log, TimeProvider time)
{
    private readonly Lock gate = new();
    private bool? up;

    /// <summary>Connects and introduces this program as <paramref name="client"/>; retries until that works.</summary>
    public async Task<LineClient> ConnectAsync(string client, CancellationToken ct)
    {
        for (var backoff = new Backoff(time); ; await backoff.WaitAsync(ct))
        {
            LineClient? line = null;
            try
            {
                line = await LineClient.ConnectAsync(socket, time, ct);
                await line.CallAsync("hello", new { client }, ct);
                Up();
                return line;
            }
            catch (Exception e) when (HostDown.Is(e) || e is HiveException)
            {
                line?.Dispose();
                if (SocketFolder.IsGone(socket))
                    throw new AgentGoneException();
                Down(HostDown.Reason(e));
            }
            catch
            {
                line?.Dispose();
                throw;
            }
        }
    }

    public void Down(string reason)
    {
        lock (gate)
        {
            if (up == false)
                return;
            up = false;
        }

        log.Warn($"no connection to the host at {socket}: {reason}; retrying");
    }

    private void Up()
    {
        lock (gate)
        {
            if (up == true)
                return;
            up = true;
        }

        log.Info($"connected to the host at {socket}");
    }
}
