using System.Text.Json;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>A request of the operator to the harness, as <c>controls</c> returns it (docs/turns.md).</summary>
internal sealed record Control(string Kind, string? Model = null, string? Code = null, long? Turn = null);

/// <summary>Receives the operator's controls on a connection of its own.</summary>
internal sealed class Controls(HostConnector connector, string client, HostCalls calls, Log log, TimeProvider time)
{
    private readonly TaskCompletionSource received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Backoff backoff = new(time);
    private bool isUnsupportedLogged;

    private sealed record Answer(IReadOnlyList<Control> Controls);

    /// <summary>Completes when the waiting controls, such as the model, were received once.</summary>
    public Task Received => received.Task;

    /// <summary>Completes <see cref="Received"/> without controls, since none will come.</summary>
    public void Abandon() => received.TrySetResult();

    /// <summary>Passes on controls until stopped.</summary>
    public async Task RunAsync(Action<Control> take, CancellationToken stop)
    {
        while (true)
        {
            using var line = await connector.ConnectAsync(client, stop);
            // A restarted host knows no earlier reports.
            calls.Renew();
            try
            {
                await ServeAsync(line, take, stop);
            }
            catch (HiveException e)
            {
                log.Warn($"the host refused to return controls: {e.Message}");
                received.TrySetResult();
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
                controls = (await line.CallAsync<Answer>("controls", new { wait_seconds = wait }, stop)).Controls;
            }
            catch (HiveException e) when (e.Code == "unknown_command")
            {
                if (!isUnsupportedLogged)
                    log.Info("the host is older than this hive-agent and passes on no controls");
                isUnsupportedLogged = true;
                received.TrySetResult();
                await line.ClosedAsync(stop);
                return;
            }

            foreach (var control in controls)
                take(control);
            received.TrySetResult();
            // A host that answers at once without controls must not cause a busy loop.
            if (wait > 0 && controls.Count == 0 && time.GetElapsedTime(asked) < TimeSpan.FromSeconds(1))
                await backoff.WaitAsync(stop);
            else
                backoff.Reset();
        }
    }
}
