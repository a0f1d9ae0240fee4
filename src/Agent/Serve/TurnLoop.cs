using Hive.Agent.Drivers;
using Hive.Agent.Login;
using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// Runs the harness: receives messages, begins a turn, lets the driver do it and ends the turn. The host acknowledges
/// messages when a turn ended well and delivers them again otherwise, so nothing is lost when anything here ends. A
/// running turn outlives the connection to the host.
/// </summary>
internal sealed class TurnLoop : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5),
        GiveUp = TimeSpan.FromSeconds(7),
        FlushTime = TimeSpan.FromSeconds(1);

    // Messages of one burst rarely arrive in the same millisecond.
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(100);

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
    private readonly OperatorRequests requests;
    private readonly ReceiveGate gate;
    private readonly string client = $"hive-agent/{AgentVersion.Text}";
    private string? refusal;
    private Parts? parts;
    private RunningTurn? running;
    private Task? starting;
    private bool needsTidy;

    // This driver cannot work and another can, so this loop ends.
    private bool shouldChangeDriver;

    public TurnLoop(string socket, AgentSettings settings, string? stateDir, Log log, TimeProvider time)
    {
        (this.socket, this.settings, this.stateDir, this.log, this.time) = (socket, settings, stateDir, log, time);
        connector = new HostConnector(socket, log, time);
        backoff = new Backoff(time);
        calls = new HostCalls(connector, $"{client} {settings.Driver}");
        live = new LiveEvents(calls, log, time);
        report = new HarnessReport(calls, settings.Driver, log, time);
        controls = new Controls(connector, $"{client} controls", calls, log, time);
        requests = new OperatorRequests(settings, live, report, log, ReportState);
        gate = new ReceiveGate(time);
    }

    /// <summary>The parts that exist once the host has told the agent's name.</summary>
    private sealed record Parts(IDriver Driver, TurnRuns Runs, TurnEndings Endings);

    private sealed record WhoAmI(string Name, string Role, string? StateDir = null, string? OperatorPronouns = null);

    private sealed record Received(IReadOnlyList<Message> Messages);

    /// <summary>
    /// Runs until <paramref name="stop"/>; then the running turn has five seconds to finish, and everything together
    /// seven. It also ends when this driver cannot work but <see cref="DriverCatalog.Choose"/> finds one that can.
    /// </summary>
    /// <exception cref="FormatException">The settings or the driver's own configuration are wrong.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var cancelTurn = new CancellationTokenSource();
        using var giveUp = new CancellationTokenSource();
        using var graceTimer = time.CreateTimer(
            _ => cancelTurn.Cancel(),
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
        using var giveUpTimer = time.CreateTimer(
            _ => giveUp.Cancel(),
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
        using var onStop = stop.Register(() =>
        {
            graceTimer.Change(Grace, Timeout.InfiniteTimeSpan);
            giveUpTimer.Change(GiveUp, Timeout.InfiniteTimeSpan);
        });
        using var background = new CancellationTokenSource();
        using var flush = new CancellationTokenSource();
        Task[] tasks =
        [
            InBackgroundAsync(live.RunAsync(background.Token, flush.Token)),
            InBackgroundAsync(report.RunAsync(background.Token)),
            InBackgroundAsync(controls.RunAsync(c => requests.Take(c, stop), background.Token)),
        ];

        try
        {
            while (running is not null || !(stop.IsCancellationRequested || shouldChangeDriver))
            {
                // A running turn must be reported even after a stop.
                var patience = running is null ? stop : giveUp.Token;
                using var line = await connector.ConnectAsync(client, patience);
                try
                {
                    await ServeAsync(line, stop, cancelTurn.Token, giveUp.Token);
                }
                catch (HiveException e)
                {
                    // Closing the connection returns its leases; the next connection receives the messages again.
                    if (refusal != e.Message)
                        log.Warn($"the host refused: {e.Message}; retrying");
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
                log.Warn(
                    $"stopped before the end of turn {left.Turn.Id} could be reported; it is reported at the next "
                        + "start, or its messages are delivered again"
                );
        }
        finally
        {
            await background.CancelAsync();
            using var limit = time.CreateTimer(_ => flush.Cancel(), null, FlushTime, Timeout.InfiniteTimeSpan);
            await Task.WhenAll(tasks);
            if (requests.Login is { } login)
                await login.EndedAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (parts is not null)
                await parts.Driver.DisposeAsync();
        }

        log.Info("stopped");
    }

    public ValueTask DisposeAsync() => calls.DisposeAsync();

    /// <summary>Serves on one connection until it ends.</summary>
    private async Task ServeAsync(
        LineClient line,
        CancellationToken stop,
        CancellationToken cancelTurn,
        CancellationToken giveUp
    )
    {
        var (driver, runs, endings) = parts ??= await MakePartsAsync(line, stop);
        // Before messages are requeued, so that a turn that ended well is not repeated.
        await endings.ReportUnsentAsync(line, running?.Turn.Id, giveUp);
        long[] mine = running is null ? [] : [running.Turn.Id];
        var again = await line.CallAsync("requeue_inflight", new { except_turns = mine }, giveUp);
        if (again.TryGetProperty("requeued", out var count) && count.TryGetInt64(out var requeued) && requeued > 0)
            log.Info($"{requeued} message(s) of an earlier process are delivered again");
        starting ??= StartDriverAsync(driver, stop);
        await starting;
        await controls.Received.WaitAsync(stop);

        Task<IReadOnlyList<Message>>? receiving = null;
        while (running is not null || !stop.IsCancellationRequested)
        {
            if (running is not null)
            {
                await line.WatchUntilAsync(running.Work, giveUp);
                await EndTurnAsync(line, endings, running, giveUp);
                running = null;
                ReportState();
                Succeeded();
                continue;
            }

            await BetweenTurnsAsync(driver, stop);
            if (receiving is null && await IsHeldBackAsync(line, stop))
            {
                shouldChangeDriver = ShouldChangeDriver();
                if (shouldChangeDriver)
                    return;
                continue;
            }

            // The operator's requests need not wait for a message; receiving continues in the meantime.
            receiving ??= ReceiveAsync(line, driver.MaxBatch, stop);
            await Task.WhenAny(receiving, requests.Waiting);
            if (!receiving.IsCompleted)
                continue;
            var messages = await receiving;
            receiving = null;
            if (messages.Count > 0 && !stop.IsCancellationRequested)
                running = await runs.BeginAsync(line, messages, stop, cancelTurn, giveUp);
        }
    }

    private async Task<Parts> MakePartsAsync(LineClient line, CancellationToken stop)
    {
        var me = await line.CallAsync<WhoAmI>("whoami", null, stop);
        var folder = stateDir ?? me.StateDir ?? settings.Folder;
        var status = new StatusNote(folder, log);
        var context = new DriverContext(
            me.Name,
            me.Role,
            me.OperatorPronouns,
            folder,
            socket,
            settings,
            calls,
            live,
            report,
            log,
            time
        );
        try
        {
            var driver = DriverCatalog.Knows(settings.Driver)
                ? DriverCatalog.Create(settings.Driver, context)
                : throw new FormatException($"unknown driver `{settings.Driver}`; available: {DriverCatalog.Names}");
            await status.BeginAsync(line, settings.Driver, stop);
            log.Info($"{me.Name} ({me.Role}), driver {settings.Driver}, state folder {folder}");
            if (driver.Login is { } needed)
            {
                gate.Login = new LoginWatch(needed, time);
                requests.Login = new LoginSession(needed, folder, report, live, log, time);
            }

            gate.Driver = driver;
            gate.Refresh();
            ReportState();
            report.Begin();
            if (gate.Missing is { } missing)
                log.Warn($"no messages are received until this is fixed: {missing}");
            var stats = new TurnStats(folder, log, time);
            return new Parts(
                driver,
                new TurnRuns(driver, stats, requests, live, report, log, time),
                new TurnEndings(stats, log)
            );
        }
        catch (FormatException e)
        {
            // The operator sees the agent's row before its log.
            await status.FailAsync(line, e.Message, stop);
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
            log.Error($"the start of the driver failed: {e.Message}");
        }
    }

    /// <summary>Runs a task beside the turns; its failure is logged and does not end them.</summary>
    private async Task InBackgroundAsync(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (e is OperationCanceledException or AgentGoneException)
        {
            // Stopped, or the turn loop reports it.
        }
        catch (Exception e)
        {
            log.Error($"a background task failed with {e.GetType().Name}: {e.Message}");
            controls.Abandon();
        }
    }

    private async Task<IReadOnlyList<Message>> ReceiveAsync(LineClient line, int most, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        var messages = (
            await line.CallAsync<Received>("recv", new { wait_seconds = Limits.MaxWaitSeconds, max = most }, stop)
        ).Messages;
        if (messages.Count == 0)
        {
            // A host that answers at once (paused, stopping) must not cause a busy loop.
            if (time.GetElapsedTime(began) < TimeSpan.FromSeconds(1))
                await backoff.WaitAsync(stop);
            else
                Succeeded();
            return messages;
        }

        Succeeded();
        if (messages.Count >= most)
            return messages;
        await Task.Delay(Burst, time, stop);
        try
        {
            var more = await line.CallAsync<Received>(
                "recv",
                new { wait_seconds = 0, max = most - messages.Count },
                stop
            );
            return [.. messages, .. more.Messages];
        }
        catch (HiveException e)
        {
            // Such as the limit of received messages: those that came are enough for a turn.
            log.Warn($"the host refused further messages: {e.Message}");
            return messages;
        }
    }

    private void Succeeded()
    {
        backoff.Reset();
        refusal = null;
    }

    private async Task EndTurnAsync(LineClient line, TurnEndings endings, RunningTurn ended, CancellationToken giveUp)
    {
        if (ended.Ended is null)
        {
            var row = await endings.AddOpenAsync(line, await ended.Work, giveUp);
            gate.Update(row.Outcome);
            needsTidy |= row.Outcome.Result == "ok";
            ended.Ended = row;
            live.AddAlways(
                "turn_ended",
                [
                    ("result", row.Outcome.Result),
                    ("note", row.Note()),
                    .. row.ToFigures().Select(f => (f.Key, f.Value?.DeepClone())),
                ]
            );
            live.Turn = null;
        }

        try
        {
            await endings.ReportAsync(line, ended.Ended, giveUp);
        }
        catch (HiveException e) when (endings.IsFinal(e, ended.Turn.Id))
        {
            // A reconnect without this turn requeues its messages.
            running = null;
            ReportState();
            throw;
        }
    }

    /// <summary>
    /// Carries out the operator's requests and the driver's own housekeeping, which may run only between turns.
    /// </summary>
    private async Task BetweenTurnsAsync(IDriver driver, CancellationToken stop)
    {
        await requests.RunWaitingAsync(driver, stop);
        if (!needsTidy)
            return;
        needsTidy = false;
        await requests.CompactingAsync(driver.TidyAsync, stop);
    }

    /// <summary>True when messages are held back, after a wait for a reason to check again.</summary>
    private Task<bool> IsHeldBackAsync(LineClient line, CancellationToken stop)
    {
        gate.Refresh();
        ReportState();
        return gate.WaitAsync(line, requests.Waiting, stop);
    }

    private bool ShouldChangeDriver()
    {
        if (gate.Missing is null || DriverCatalog.Choose(settings).Driver is var chosen && chosen == settings.Driver)
            return false;
        log.Info($"the driver {chosen} can work; changing to it");
        return true;
    }

    /// <summary>Reports the state of the harness; a running turn reports its own.</summary>
    private void ReportState()
    {
        var limit = gate.Until;
        report.Change(s =>
            running is not null
                ? s
                : s with
                {
                    State =
                        requests.Login?.IsActive == true ? HarnessState.LoggingIn
                        : gate.Missing is not null ? HarnessState.NotReady
                        : gate.NeedsLogin ? HarnessState.NeedsLogin
                        : limit is not null ? HarnessState.RateLimited
                        : requests.IsCompacting ? s.State
                        : HarnessState.Idle,
                    Turn = null,
                    Missing = gate.Missing,
                    // Computed once, so that it does not vary.
                    RateLimitedUntil = limit is null ? null : s.RateLimitedUntil ?? limit,
                }
        );
    }
}
