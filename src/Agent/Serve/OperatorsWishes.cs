using System.Collections.Concurrent;
using Hive.Agent.Drivers;
using Hive.Agent.Login;

namespace Hive.Agent.Serve;

/// <summary>Does what the operator asks for: cancelling and logging in at once, the rest between two turns.</summary>
/// <param name="settings">Names the driver and the model that is configured.</param>
/// <param name="live">Where it says what came of it.</param>
/// <param name="report">Is told of another model.</param>
/// <param name="log">Is told what is cancelled, and what nobody here can do.</param>
/// <param name="show">Called when what the harness does has changed.</param>
internal sealed class OperatorsWishes(
    AgentSettings settings,
    LiveEvents live,
    HarnessReport report,
    Log log,
    Action show
)
{
    private readonly Lock gate = new();
    private readonly ConcurrentQueue<Control> asked = [];
    private TaskCompletionSource askedAny = Signal();
    private CancellationTokenSource? working;

    /// <summary>The login that the operator can lead; null when the driver needs none.</summary>
    public LoginSession? Login { get; set; }

    public bool IsCompacting { get; private set; }

    /// <summary>Completes when something waits for the time between two turns.</summary>
    public Task Any
    {
        get
        {
            lock (gate)
                return askedAny.Task;
        }
    }

    /// <summary>A token for what is about to be done, which the operator can cancel.</summary>
    public CancellationToken Cancellable(CancellationToken ct)
    {
        lock (gate)
        {
            working?.Dispose();
            working = CancellationTokenSource.CreateLinkedTokenSource(ct);
            return working.Token;
        }
    }

    public void Take(Control control, CancellationToken stop)
    {
        switch (control.Kind)
        {
            case "cancel_turn":
                lock (gate)
                {
                    log.Info("the operator cancels what is under way");
                    _ = working?.CancelAsync();
                }

                break;
            case "login" when Login is { } session:
                session.Start(show, stop);
                show();
                break;
            case "login_code" when Login is { } session:
                _ = session.CodeAsync(control.Code ?? "");
                break;
            case "login" or "login_code":
                live.Note($"the driver {settings.Driver} needs no login", "warn");
                break;
            default:
                lock (gate)
                {
                    asked.Enqueue(control);
                    askedAny.TrySetResult();
                }

                break;
        }
    }

    /// <summary>Does what has waited.</summary>
    public async Task FulfilAsync(IDriver driver, CancellationToken stop)
    {
        while (true)
        {
            Control? control;
            lock (gate)
            {
                if (!asked.TryDequeue(out control))
                    askedAny = Signal();
            }

            if (control is null)
                return;
            await DoAsync(driver, control, stop);
        }
    }

    /// <summary>Makes the conversation shorter, which the operator can cancel and which never ends the loop.</summary>
    public async Task CompactingAsync(Func<CancellationToken, Task> work, CancellationToken stop)
    {
        var ct = Cancellable(stop);
        try
        {
            IsCompacting = true;
            await work(ct);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            live.Note("cancelled by the operator", "warn");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.Warn($"the conversation could not be made shorter: {e.Message}");
            live.Note($"the conversation could not be made shorter: {e.Message}", "error");
        }
        finally
        {
            IsCompacting = false;
            show();
        }
    }

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task DoAsync(IDriver driver, Control control, CancellationToken stop)
    {
        switch (control.Kind)
        {
            case "model":
                if (driver.Model == control.Model)
                    break;
                driver.Model = control.Model;
                live.Note(
                    $"the model is {control.Model ?? settings.Model ?? "the tool's own choice"} from the next turn on"
                );
                report.Change(s => s with { Model = control.Model ?? settings.Model });
                break;
            case "new_session":
                live.Note(
                    driver.NewSession()
                        ? "the next turn starts a new conversation"
                        : $"the driver {settings.Driver} holds no conversation"
                );
                break;
            case "compact":
                await CompactingAsync(
                    async ct =>
                    {
                        if (!await driver.CompactAsync(ct))
                            live.Note($"the driver {settings.Driver} holds no conversation");
                    },
                    stop
                );
                break;
            default:
                log.Warn($"`{control.Kind}` is nothing that this harness can do");
                break;
        }
    }
}
