using System.Collections.Concurrent;
using Hive.Agent.Drivers;
using Hive.Agent.Login;

namespace Hive.Agent.Serve;

/// <summary>Carries out the operator's controls: cancel and login at once, all others between two turns.</summary>
/// <param name="settings">The configured driver and model.</param>
/// <param name="live">Shows the results.</param>
/// <param name="report">Reports a changed model.</param>
/// <param name="log">Logs cancellations and unknown controls.</param>
/// <param name="stateChanged">Called when the state of the harness may have changed.</param>
internal sealed class OperatorRequests(
    AgentSettings settings,
    LiveEvents live,
    HarnessReport report,
    Log log,
    Action stateChanged
)
{
    private readonly Lock gate = new();
    private readonly ConcurrentQueue<Control> queue = [];
    private TaskCompletionSource arrived = Signal();
    private CancellationTokenSource? working;
    private long? workingTurn;
    private long? cancelledTurn;

    /// <summary>The login for the operator; null when the driver needs none.</summary>
    public LoginSession? Login { get; set; }

    public bool IsCompacting { get; private set; }

    /// <summary>Says who cancelled the last work that was cancelled, for a turn's note.</summary>
    public string CancelNote { get; private set; } = "";

    /// <summary>Completes when a control waits for the time between two turns.</summary>
    public Task Waiting
    {
        get
        {
            lock (gate)
                return arrived.Task;
        }
    }

    /// <summary>A token for the next work, which the operator can cancel.</summary>
    /// <param name="ct">Cancels it, too.</param>
    /// <param name="turn">The turn that it is; null for other work.</param>
    public CancellationToken Cancellable(CancellationToken ct, long? turn = null)
    {
        lock (gate)
        {
            working?.Dispose();
            working = CancellationTokenSource.CreateLinkedTokenSource(ct);
            workingTurn = turn;
            var token = working.Token;
            // The control can be faster than the answer to begin_turn.
            if (turn is not null && turn == cancelledTurn)
                Cancel(turn);
            return token;
        }
    }

    public void Take(Control control, CancellationToken stop)
    {
        switch (control.Kind)
        {
            case "cancel_turn":
                Cancel(control.Turn);
                break;
            case "login" when Login is { } session:
                session.Start(stateChanged, stop);
                stateChanged();
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
                    queue.Enqueue(control);
                    arrived.TrySetResult();
                }

                break;
        }
    }

    /// <summary>Carries out the waiting controls.</summary>
    public async Task RunWaitingAsync(IDriver driver, CancellationToken stop)
    {
        while (true)
        {
            Control? control;
            lock (gate)
            {
                if (!queue.TryDequeue(out control))
                    arrived = Signal();
            }

            if (control is null)
                return;
            await RunAsync(driver, control, stop);
        }
    }

    /// <summary>Compacts the conversation; the operator can cancel this, and a failure is only logged.</summary>
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
            log.Warn($"compacting the conversation failed: {e.Message}");
            live.Note($"compacting the conversation failed: {e.Message}", "error");
        }
        finally
        {
            IsCompacting = false;
            stateChanged();
        }
    }

    /// <summary>Cancels the current work; with a turn, that turn only.</summary>
    private void Cancel(long? turn)
    {
        lock (gate)
        {
            if (turn is not null && turn != workingTurn)
            {
                cancelledTurn = turn;
                return;
            }

            CancelNote = turn is null ? "cancelled by the operator" : "cancelled by the host";
            log.Info(turn is null ? "the operator cancelled the current work" : $"the host cancelled turn {turn}");
            _ = working?.CancelAsync();
        }
    }

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync(IDriver driver, Control control, CancellationToken stop)
    {
        switch (control.Kind)
        {
            case "model":
                if (driver.Model == control.Model)
                    break;
                driver.Model = control.Model;
                var model = control.Model ?? settings.Model ?? "the tool's default";
                live.Note($"the model is {model} from the next turn on");
                report.Change(s => s with { Model = control.Model ?? settings.Model });
                break;
            case "new_session":
                live.Note(
                    driver.NewSession()
                        ? "the next turn starts a new conversation"
                        : $"the driver {settings.Driver} has no conversation"
                );
                break;
            case "compact":
                await CompactingAsync(
                    async ct =>
                    {
                        if (!await driver.CompactAsync(ct))
                            live.Note($"the driver {settings.Driver} has no conversation");
                    },
                    stop
                );
                break;
            default:
                log.Warn($"unknown control `{control.Kind}` ignored");
                break;
        }
    }
}
