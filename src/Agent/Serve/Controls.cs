using System.Text.Json;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>What the operator asks of the harness, as <c>controls</c> hands it out (docs/turns.md).</summary>
internal sealed record Control(string Kind, string? Model = null, string? Code = null);

/// <summary>The connection that waits for the operator.</summary>
internal sealed class Controls(HostConnector connector, string client, HostCalls calls, Log log, TimeProvider time)
{
    private readonly TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Backoff backoff = new(time);
    private bool saidOld;

    private sealed record Asked(IReadOnlyList<Control> Controls);

    /// <summary>The host was asked once, and what it had is handed on: the model above all.</summary>
    public Task Looked => looked.Task;

    /// <summary>Nothing will be handed on; nobody waits for the first look any more.</summary>
    public void Abandon() => looked.TrySetResult();

    /// <summary>Hands on what the operator asks for, until told to stop.</summary>
    public async Task RunAsync(Action<Control> take, CancellationToken stop)
    {
        while (true)
        {
            using var line = await connector.ConnectAsync(client, stop);
            // A host that was restarted has forgotten what it was told.
            calls.Renew();
            try
            {
                await ServeAsync(line, take, stop);
            }
            catch (HiveException e)
            {
                log.Warn($"the host refused to say what the operator asks for: {e.Message}");
                looked.TrySetResult();
                await backoff.WaitAsync(stop);
            }
            catch (Exception e) when (HostDown.Is(e))
            {
                connector.Down(HostDown.Reason(e));
                await backoff.WaitAsync(stop);
            }
        }
    }

    private async Task ServeAsync(LineClient line, Action<Control> take, CancellationToken stop)
    {
        for (var wait = 0; ; wait = Limits.MaxWaitSeconds)
        {
            var asked = time.GetTimestamp();
            IReadOnlyList<Control> controls;
            try
            {
                controls = (await line.CallAsync<Asked>("controls", new { wait_seconds = wait }, stop)).Controls;
            }
            catch (HiveException e) when (e.Code == "unknown_command")
            {
                if (!saidOld)
                    log.Info("this host is older and passes on nothing that the operator asks of the harness");
                saidOld = true;
                looked.TrySetResult();
                await line.ClosedAsync(stop);
                return;
            }

            foreach (var control in controls)
                take(control);
            looked.TrySetResult();
            // The host waits for us; if it ever answers at once with nothing, asking again at once would be a busy
            // loop.
            if (wait > 0 && controls.Count == 0 && time.GetElapsedTime(asked) < TimeSpan.FromSeconds(1))
                await backoff.WaitAsync(stop);
            else
                backoff.Reset();
        }
    }
}
