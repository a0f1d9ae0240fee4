using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Agent.Drivers;
using Hive.Agent.Login;
using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// The harness: receive, begin a turn, let the driver do it, end the turn. Messages are acknowledged by the host when a turn ended well
/// and come again otherwise, so whatever dies here, nothing is lost. A running turn outlives the connection to the host.
/// </summary>
internal sealed class TurnLoop : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5), GiveUp = TimeSpan.FromSeconds(7), LastWords = TimeSpan.FromSeconds(1);

    // A burst is one wake: what is sent together rarely comes in the same millisecond.
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(100);

    // Credentials that were refused may be good again without having changed.
    private static readonly TimeSpan TryLoginAgain = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestPause = TimeSpan.FromDays(1);

    private readonly string socket;
    private readonly AgentSettings settings;
    private readonly string? stateDir;
    private readonly Log log;
    private readonly TimeProvider time;
    private readonly HostConnector connector;
    private readonly Backoff backoff;
    private readonly HostCalls calls;
    private readonly LiveEvents live;
    private readonly HarnessReport report;
    private readonly Controls controls;
    private readonly string client = $"hive-agent/{AgentVersion.Text}";
    private readonly Lock gate = new();
    private readonly ConcurrentQueue<Control> asked = [];
    private TaskCompletionSource askedAny = Signal();
    private string? refusal;
    private IDriver? driver;
    private TurnStats? stats;
    private LoginWatch? login;
    private LoginSession? loginSession;
    private RunningTurn? running;
    private CancellationTokenSource? working;
    private Task? starting;
    private Pause? pause;
    private bool compacting, untidy;
    private long turns;

    public TurnLoop(string socket, AgentSettings settings, string? stateDir, Log log, TimeProvider time)
    {
        (this.socket, this.settings, this.stateDir, this.log, this.time) = (socket, settings, stateDir, log, time);
        connector = new HostConnector(socket, log, time);
        backoff = new Backoff(time);
        calls = new HostCalls(connector, $"{client} {settings.Driver}");
        live = new LiveEvents(calls, log, time);
        report = new HarnessReport(calls, settings.Driver, log, time);
        controls = new Controls(connector, $"{client} controls", calls, log, time);
    }

    private sealed record RunningTurn(Turn Turn, Task<TurnRow> Work)
    {
        /// <summary>With what was open after it.</summary>
        public TurnRow? Ended { get; set; }
    }

    /// <summary>Nothing is received for that long, counted by a clock that only goes forward.</summary>
    private sealed record Pause(long From, TimeSpan For);

    private sealed record WhoAmI(string Name, string Role, string? StateDir = null, string? OperatorPronouns = null);

    private sealed record Received(IReadOnlyList<Message> Messages);

    private sealed record Begun(long Turn);

    private sealed record Status(long Unread);

    /// <summary>Runs until <paramref name="stop"/>; then the running turn has five seconds to finish, and all of it at most seven.</summary>
    /// <exception cref="FormatException">The settings or the driver's own configuration are wrong.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var cancelTurn = new CancellationTokenSource();
        using var giveUp = new CancellationTokenSource();
        using var graceTimer = time.CreateTimer(_ => cancelTurn.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using var giveUpTimer = time.CreateTimer(_ => giveUp.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using var onStop = stop.Register(() =>
        {
            graceTimer.Change(Grace, Timeout.InfiniteTimeSpan);
            giveUpTimer.Change(GiveUp, Timeout.InfiniteTimeSpan);
        });
        using var beside = new CancellationTokenSource();
        using var lastWords = new CancellationTokenSource();
        Task[] others = [BesideAsync(live.RunAsync(beside.Token, lastWords.Token)), BesideAsync(report.RunAsync(beside.Token)), BesideAsync(controls.RunAsync(c => Take(c, stop), beside.Token))];

        try
        {
            while (running is not null || !stop.IsCancellationRequested)
            {
                // Without a turn there is nothing to wait for once told to stop; with one, its end wants to be reported.
                var patience = running is null ? stop : giveUp.Token;
                using var line = await connector.ConnectAsync(client, patience);
                try
                {
                    await ServeAsync(line, stop, cancelTurn.Token, giveUp.Token);
                }
                catch (HiveException e)
                {
                    // Closing the connection gives back what it had leased; the next one asks for it again.
                    if (refusal != e.Message)
                        log.Warn($"the host refused: {e.Message}; trying until it does not");
                    refusal = e.Message;
                    await backoff.WaitAsync(running is null ? stop : giveUp.Token);
                }
                catch (Exception e) when (HostDown.Is(e))
                {
                    connector.Down(HostDown.Reason(e));
                    await backoff.WaitAsync(running is null ? stop : giveUp.Token);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (running is { } left)
                log.Warn($"stopped before the end of turn {left.Turn.Id} could be reported; it is reported at the next start, or its messages come again");
        }
        finally
        {
            await beside.CancelAsync();
            using var limit = time.CreateTimer(_ => lastWords.Cancel(), null, LastWords, Timeout.InfiniteTimeSpan);
            await Task.WhenAll(others);
            if (loginSession is not null)
                await loginSession.EndedAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (driver is not null)
                await driver.DisposeAsync();
        }

        log.Info("stopped");
    }

    public ValueTask DisposeAsync() => calls.DisposeAsync();

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>One connection's life.</summary>
    private async Task ServeAsync(LineClient line, CancellationToken stop, CancellationToken cancelTurn, CancellationToken giveUp)
    {
        driver ??= await CreateDriverAsync(line, stop);
        // Before anything is asked back: a turn that ended well is not done again.
        await TellUnsentAsync(line, giveUp);
        long[] mine = running is null ? [] : [running.Turn.Id];
        var again = await line.CallAsync("requeue_inflight", new { except_turns = mine }, giveUp);
        if (again.TryGetProperty("requeued", out var count) && count.TryGetInt64(out var requeued) && requeued > 0)
            log.Info($"{requeued} message(s) of an earlier life come again");
        starting ??= StartDriverAsync(driver, stop);
        await starting;
        await controls.Looked.WaitAsync(stop);

        Task<IReadOnlyList<Message>>? receiving = null;
        while (running is not null || !stop.IsCancellationRequested)
        {
            if (running is not null)
            {
                await FinishedOrClosedAsync(running.Work, line, giveUp);
                await EndTurnAsync(line, running, giveUp);
                running = null;
                Show();
                Worked();
                continue;
            }

            await BetweenTurnsAsync(driver, stop);
            if (receiving is null && await HeldBackAsync(line, stop))
                continue;
            // What the operator asks for need not wait for a message: the receiving goes on meanwhile.
            receiving ??= ReceiveAsync(line, driver.MaxBatch, stop);
            await Task.WhenAny(receiving, AskedAny());
            if (!receiving.IsCompleted)
                continue;
            var messages = await receiving;
            receiving = null;
            if (messages.Count > 0 && !stop.IsCancellationRequested)
                running = await BeginTurnAsync(line, driver, messages, cancelTurn, giveUp);
        }
    }

    private async Task<IDriver> CreateDriverAsync(LineClient line, CancellationToken stop)
    {
        var me = await line.CallAsync<WhoAmI>("whoami", null, stop);
        var folder = stateDir ?? me.StateDir ?? settings.Folder;
        var context = new DriverContext(me.Name, me.Role, me.OperatorPronouns, folder, socket, settings, calls, live, report, log, time);
        try
        {
            var made = DriverCatalog.Knows(settings.Driver)
                ? DriverCatalog.Create(settings.Driver, context)
                : throw new FormatException($"there is no driver `{settings.Driver}`; there are: {DriverCatalog.Names}");
            log.Info($"{me.Name} ({me.Role}), driver {settings.Driver}, state folder {folder}");
            stats = new TurnStats(folder, log, time);
            if (made.Login is { } needed)
            {
                login = new LoginWatch(needed, time);
                loginSession = new LoginSession(needed, folder, report, live, log, time);
            }

            Show();
            return made;
        }
        catch (FormatException e)
        {
            // The operator sees the row before the log.
            await line.CallAsync("set_status", new { text = WireText.Cut(e.Message, Limits.StatusBytes) }, stop);
            throw;
        }
    }

    private async Task StartDriverAsync(IDriver driver, CancellationToken stop)
    {
        try
        {
            await driver.StartAsync(stop);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.Error($"the driver's start failed: {e.Message}");
        }
    }

    /// <summary>What runs beside the turns ends when they do, and never ends them.</summary>
    private async Task BesideAsync(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (e is OperationCanceledException or AgentGoneException)
        {
            // Told to stop, or the turn loop says it.
        }
        catch (Exception e)
        {
            log.Error($"{e.GetType().Name} beside the turns: {e.Message}");
            controls.Abandon();
        }
    }

    private async Task<IReadOnlyList<Message>> ReceiveAsync(LineClient line, int most, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        var messages = (await line.CallAsync<Received>("recv", new { wait_seconds = Limits.MaxWaitSeconds, max = most }, stop)).Messages;
        if (messages.Count == 0)
        {
            // The host waits for us; if it ever answers at once (paused, stopping), asking again at once would be a busy loop.
            if (time.GetElapsedTime(began) < TimeSpan.FromSeconds(1))
                await backoff.WaitAsync(stop);
            else
                Worked();
            return messages;
        }

        Worked();
        if (messages.Count >= most)
            return messages;
        await Task.Delay(Burst, time, stop);
        var more = (await line.CallAsync<Received>("recv", new { wait_seconds = 0, max = most - messages.Count }, stop)).Messages;
        return [.. messages, .. more];
    }

    private async Task<RunningTurn> BeginTurnAsync(LineClient line, IDriver driver, IReadOnlyList<Message> messages, CancellationToken cancelTurn, CancellationToken giveUp)
    {
        var ids = messages.Select(m => m.Id).ToArray();
        var begun = await line.CallAsync<Begun>("begin_turn", new { ids, wake_from = Turn.WakeFromOf(messages) }, giveUp);
        var turn = new Turn(begun.Turn, ++turns, messages, (await line.CallAsync<Status>("status", null, giveUp)).Unread);
        log.Info($"turn {turn.Id} begins: message {string.Join(", ", ids)} from {turn.WakeFrom}{(turn.Redelivered ? ", redelivered" : "")}");
        var cancel = Work(cancelTurn);
        live.Turn = turn.Id;
        live.AddAlways("turn_started", ("from", turn.WakeFrom), ("ids", new JsonArray([.. ids.Select(id => (JsonNode)id)])), ("text", WakePrompt.Of(turn)), ("waiting", turn.Waiting), ("redelivered", turn.Redelivered));
        report.Change(s => s with { State = HarnessState.Thinking, Turn = turn.Id });
        return new RunningTurn(turn, Task.Run(() => RunTurnAsync(driver, turn, cancel, cancelTurn), CancellationToken.None));
    }

    /// <summary>A token for what is about to be done, which the operator can cancel.</summary>
    private CancellationToken Work(CancellationToken ct)
    {
        lock (gate)
        {
            working?.Dispose();
            working = CancellationTokenSource.CreateLinkedTokenSource(ct);
            return working.Token;
        }
    }

    private void Worked()
    {
        backoff.Reset();
        refusal = null;
    }

    private async Task<TurnRow> RunTurnAsync(IDriver driver, Turn turn, CancellationToken ct, CancellationToken stopped)
    {
        var (startedAt, began) = (time.GetUtcNow(), time.GetTimestamp());
        TurnOutcome outcome;
        try
        {
            outcome = await driver.RunAsync(turn, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            outcome = TurnOutcome.Cancelled("");
        }
        catch (Exception e)
        {
            outcome = TurnOutcome.Failed(e.Message);
        }

        if (outcome is { Result: "cancelled" })
            outcome = outcome with { Note = stopped.IsCancellationRequested ? "the agent was stopped" : "cancelled by the operator" };

        var took = (long)time.GetElapsedTime(began).TotalMilliseconds;
        var row = new TurnRow(turn.Id, outcome, turn.WakeFrom, startedAt, time.GetUtcNow(), took);
        // Here, and not when the host is told: it may be away, and this process may not live until it is back.
        stats!.Add(row);
        var text = $"turn {turn.Id} ended {outcome.Result} after {took} ms{(outcome.Note is null ? "" : ": " + outcome.Note)}";
        if (outcome.Result == "ok")
            log.Info(text);
        else
            log.Warn(text);
        return row;
    }

    /// <summary>Returns when the work is done; throws when the connection ended first, so that it is made again while the work goes on.</summary>
    private static async Task FinishedOrClosedAsync(Task work, LineClient line, CancellationToken giveUp)
    {
        if (work.IsCompleted)
            return;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(giveUp);
        var closed = line.ClosedAsync(watching.Token);
        var first = await Task.WhenAny(work, closed);
        giveUp.ThrowIfCancellationRequested();
        if (first == closed)
        {
            await closed;
            throw new IOException("the host closed the connection");
        }

        await watching.CancelAsync();
        try
        {
            await closed;
        }
        catch (OperationCanceledException)
        {
            // The watch is over, the connection is ours again.
            return;
        }

        throw new IOException("the host closed the connection");
    }

    /// <summary>Idempotent at the host: said again after a reconnect until it is answered.</summary>
    private async Task EndTurnAsync(LineClient line, RunningTurn ended, CancellationToken giveUp)
    {
        if (ended.Ended is null)
        {
            var row = await OpenAfterAsync(line, await ended.Work, giveUp);
            Learn(row.Outcome);
            ended.Ended = row;
            live.AddAlways("turn_ended", [("result", row.Outcome.Result), ("note", row.Note()), .. row.ToFigures().Select(f => (f.Key, f.Value?.DeepClone()))]);
            live.Turn = null;
        }

        try
        {
            await line.CallAsync("end_turn", ended.Ended.ToEnding(), giveUp);
            stats!.Sent(ended.Turn.Id);
        }
        catch (HiveException e) when (e.Code is not ("unavailable" or "internal"))
        {
            // It will not be accepted the next time either. Reconnecting without naming the turn gives its messages back.
            log.Error($"the host refused the end of turn {ended.Turn.Id}: {e.Message}");
            stats!.Sent(ended.Turn.Id);
            running = null;
            Show();
            throw;
        }
    }

    /// <summary>Adds what the agent waits for and owes, as far as the host says it.</summary>
    private async Task<TurnRow> OpenAfterAsync(LineClient line, TurnRow row, CancellationToken giveUp)
    {
        try
        {
            var open = await line.CallAsync("loose_ends", null, giveUp);
            var pending = await line.CallAsync("count_pending_reminders", null, giveUp);
            row = row with { OpenLooseEnds = open.GetProperty("items").GetArrayLength(), OpenReminders = pending.GetProperty("count").GetInt64() };
            stats!.Opened(row);
        }
        catch (HiveException)
        {
            // Figures, no more: the turn has ended all the same.
        }

        return row;
    }

    /// <summary>What the end of a turn says about those to come.</summary>
    private void Learn(TurnOutcome outcome)
    {
        if (outcome.LoginLost)
            login?.Refused();
        else if (outcome.Result == "ok")
            login?.Accepted();
        if (outcome is { Result: "rate_limited", LoginLost: false, Pause: { } wait })
            pause = new Pause(time.GetTimestamp(), wait < LongestPause ? wait : LongestPause);
        untidy |= outcome.Result == "ok";
    }

    /// <summary>Turns that ended while the host was away, or that an earlier life of this process could not tell it of.</summary>
    private async Task TellUnsentAsync(LineClient line, CancellationToken giveUp)
    {
        foreach (var row in stats!.Unsent().Where(r => r.Id != running?.Turn.Id))
        {
            try
            {
                await line.CallAsync("end_turn", row.ToEnding(), giveUp);
                log.Info($"the host is told that turn {row.Id} ended {row.Outcome.Result}");
            }
            catch (HiveException e) when (e.Code is not ("unavailable" or "internal"))
            {
                log.Warn($"the host does not want the end of turn {row.Id}: {e.Message}");
            }

            stats.Sent(row.Id);
        }
    }

    /// <summary>True when nothing may be received yet, after a wait for a reason to look again.</summary>
    private async Task<bool> HeldBackAsync(LineClient line, CancellationToken stop)
    {
        var left = pause is { } limit ? limit.For - time.GetElapsedTime(limit.From) : TimeSpan.Zero;
        if (left <= TimeSpan.Zero)
            pause = null;
        var needed = login?.IsNeeded == true;
        Show();
        if (!needed && pause is null)
            return false;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var reason = needed ? login!.RestoredAsync(waiting.Token) : Task.Delay(left, time, waiting.Token);
        var again = needed && login!.MayTry ? Task.Delay(TryLoginAgain, time, waiting.Token) : Task.Delay(Timeout.Infinite, waiting.Token);
        try
        {
            await FinishedOrClosedAsync(Task.WhenAny(reason, again, AskedAny()), line, stop);
            // One turn is tried; the state stays what it is until that goes well.
            return !again.IsCompletedSuccessfully;
        }
        finally
        {
            await waiting.CancelAsync();
        }
    }

    private void Take(Control control, CancellationToken stop)
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
            case "login" when loginSession is { } session:
                session.Start(Show, stop);
                Show();
                break;
            case "login_code" when loginSession is { } session:
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

    private Task AskedAny()
    {
        lock (gate)
            return askedAny.Task;
    }

    /// <summary>What the operator asked for and what the driver does by itself, neither of which cuts a turn off.</summary>
    private async Task BetweenTurnsAsync(IDriver driver, CancellationToken stop)
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
                break;
            await DoAsync(driver, control, stop);
        }

        if (!untidy)
            return;
        untidy = false;
        await CompactingAsync(driver.TidyAsync, stop);
    }

    private async Task DoAsync(IDriver driver, Control control, CancellationToken stop)
    {
        switch (control.Kind)
        {
            case "model":
                if (driver.Model == control.Model)
                    break;
                driver.Model = control.Model;
                live.Note($"the model is {control.Model ?? settings.Model ?? "the tool's own choice"} from the next turn on");
                report.Change(s => s with { Model = control.Model ?? settings.Model });
                break;
            case "new_session":
                live.Note(driver.NewSession() ? "the next turn starts a new conversation" : $"the driver {settings.Driver} holds no conversation");
                break;
            case "compact":
                await CompactingAsync(
                    async ct =>
                    {
                        if (!await driver.CompactAsync(ct))
                            live.Note($"the driver {settings.Driver} holds no conversation");
                    },
                    stop);
                break;
            default:
                log.Warn($"`{control.Kind}` is nothing that this harness can do");
                break;
        }
    }

    private async Task CompactingAsync(Func<CancellationToken, Task> work, CancellationToken stop)
    {
        var ct = Work(stop);
        try
        {
            compacting = true;
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
            compacting = false;
            Show();
        }
    }

    /// <summary>Says what the harness does now, when no turn says more.</summary>
    private void Show()
    {
        var limit = pause;
        report.Change(s => running is not null ? s : s with
        {
            State = loginSession?.IsActive == true ? HarnessState.LoggingIn
                : login?.IsNeeded == true ? HarnessState.NeedsLogin
                : limit is not null ? HarnessState.RateLimited
                : compacting ? s.State
                : HarnessState.Idle,
            Turn = null,
            RateLimitedUntil = limit is { } wait ? s.RateLimitedUntil ?? Whole(time.GetUtcNow() + wait.For - time.GetElapsedTime(wait.From)) : null,
        });
    }

    private static DateTimeOffset Whole(DateTimeOffset at) => new(at.Ticks - (at.Ticks % TimeSpan.TicksPerSecond), at.Offset);
}
