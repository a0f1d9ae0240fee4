using Hive.Agent.Drivers;
using Hive.Agent.Login;
using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// The harness: receive, begin a turn, let the driver do it, end the turn. Messages are acknowledged by the host when a
/// turn ended well and come again otherwise, so whatever dies here, nothing is lost. A running turn outlives the
/// connection to the host.
/// </summary>
internal sealed class TurnLoop : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5),
        GiveUp = TimeSpan.FromSeconds(7),
        LastWords = TimeSpan.FromSeconds(1);

    // A burst is one wake: what is sent together rarely comes in the same millisecond.
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
    private readonly OperatorsWishes wishes;
    private readonly HoldBack holdBack;
    private readonly string client = $"hive-agent/{AgentVersion.Text}";
    private string? refusal;
    private Parts? parts;
    private RunningTurn? running;
    private Task? starting;
    private bool untidy;

    // What the driver lacks will not come any more, and another can work: this loop ends for one with that driver.
    private bool isAnotherWanted;

    public TurnLoop(string socket, AgentSettings settings, string? stateDir, Log log, TimeProvider time)
    {
        (this.socket, this.settings, this.stateDir, this.log, this.time) = (socket, settings, stateDir, log, time);
        connector = new HostConnector(socket, log, time);
        backoff = new Backoff(time);
        calls = new HostCalls(connector, $"{client} {settings.Driver}");
        live = new LiveEvents(calls, log, time);
        report = new HarnessReport(calls, settings.Driver, log, time);
        controls = new Controls(connector, $"{client} controls", calls, log, time);
        wishes = new OperatorsWishes(settings, live, report, log, Show);
        holdBack = new HoldBack(time);
    }

    /// <summary>What there is once the host has said who this agent is.</summary>
    private sealed record Parts(IDriver Driver, TurnRuns Runs, TurnEndings Endings);

    private sealed record WhoAmI(string Name, string Role, string? StateDir = null, string? OperatorPronouns = null);

    private sealed record Received(IReadOnlyList<Message> Messages);

    /// <summary>
    /// Runs until <paramref name="stop"/>, after which the running turn has five seconds to finish, and all of it at
    /// most seven; or until nothing can be done with this driver, but with another that <see
    /// cref="DriverCatalog.Choose"/> finds.
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
        using var beside = new CancellationTokenSource();
        using var lastWords = new CancellationTokenSource();
        Task[] others =
        [
            BesideAsync(live.RunAsync(beside.Token, lastWords.Token)),
            BesideAsync(report.RunAsync(beside.Token)),
            BesideAsync(controls.RunAsync(c => wishes.Take(c, stop), beside.Token)),
        ];

        try
        {
            while (running is not null || !(stop.IsCancellationRequested || isAnotherWanted))
            {
                // Without a turn there is nothing to wait for once told to stop; with one, its end wants to be
                // reported.
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
                log.Warn(
                    $"stopped before the end of turn {left.Turn.Id} could be reported; it is reported at the next start, or its messages come again"
                );
        }
        finally
        {
            await beside.CancelAsync();
            using var limit = time.CreateTimer(_ => lastWords.Cancel(), null, LastWords, Timeout.InfiniteTimeSpan);
            await Task.WhenAll(others);
            if (wishes.Login is { } login)
                await login.EndedAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (parts is not null)
                await parts.Driver.DisposeAsync();
        }

        log.Info("stopped");
    }

    public ValueTask DisposeAsync() => calls.DisposeAsync();

    /// <summary>One connection's life.</summary>
    private async Task ServeAsync(
        LineClient line,
        CancellationToken stop,
        CancellationToken cancelTurn,
        CancellationToken giveUp
    )
    {
        var (driver, runs, endings) = parts ??= await MakePartsAsync(line, stop);
        // Before anything is asked back: a turn that ended well is not done again.
        await endings.TellUnsentAsync(line, running?.Turn.Id, giveUp);
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
                await line.HoldsUntilAsync(running.Work, giveUp);
                await EndTurnAsync(line, endings, running, giveUp);
                running = null;
                Show();
                Worked();
                continue;
            }

            await BetweenTurnsAsync(driver, stop);
            if (receiving is null && await HeldBackAsync(line, stop))
            {
                isAnotherWanted = IsAnotherWanted();
                if (isAnotherWanted)
                    return;
                continue;
            }

            // What the operator asks for need not wait for a message: the receiving goes on meanwhile.
            receiving ??= ReceiveAsync(line, driver.MaxBatch, stop);
            await Task.WhenAny(receiving, wishes.Any);
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
                : throw new FormatException(
                    $"there is no driver `{settings.Driver}`; there are: {DriverCatalog.Names}"
                );
            await status.BeginAsync(line, settings.Driver, stop);
            log.Info($"{me.Name} ({me.Role}), driver {settings.Driver}, state folder {folder}");
            if (driver.Login is { } needed)
            {
                holdBack.Login = new LoginWatch(needed, time);
                wishes.Login = new LoginSession(needed, folder, report, live, log, time);
            }

            holdBack.Driver = driver;
            holdBack.Look();
            Show();
            report.Begin();
            if (holdBack.Missing is { } missing)
                log.Warn($"no message is received before this is put right: {missing}");
            var stats = new TurnStats(folder, log, time);
            return new Parts(
                driver,
                new TurnRuns(driver, stats, wishes, live, report, log, time),
                new TurnEndings(stats, log)
            );
        }
        catch (FormatException e)
        {
            // The operator sees the row before the log.
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
        var messages = (
            await line.CallAsync<Received>("recv", new { wait_seconds = Limits.MaxWaitSeconds, max = most }, stop)
        ).Messages;
        if (messages.Count == 0)
        {
            // The host waits for us; if it ever answers at once (paused, stopping), asking again at once would be a
            // busy loop.
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
        var more = (
            await line.CallAsync<Received>("recv", new { wait_seconds = 0, max = most - messages.Count }, stop)
        ).Messages;
        return [.. messages, .. more];
    }

    private void Worked()
    {
        backoff.Reset();
        refusal = null;
    }

    private async Task EndTurnAsync(LineClient line, TurnEndings endings, RunningTurn ended, CancellationToken giveUp)
    {
        if (ended.Ended is null)
        {
            var row = await endings.OpenAfterAsync(line, await ended.Work, giveUp);
            holdBack.Learn(row.Outcome);
            untidy |= row.Outcome.Result == "ok";
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
            await endings.TellAsync(line, ended.Ended, giveUp);
        }
        catch (HiveException e) when (endings.IsFinal(e, ended.Turn.Id))
        {
            // Reconnecting without naming the turn gives its messages back.
            running = null;
            Show();
            throw;
        }
    }

    /// <summary>
    /// What the operator asked for and what the driver does by itself, neither of which cuts a turn off.
    /// </summary>
    private async Task BetweenTurnsAsync(IDriver driver, CancellationToken stop)
    {
        await wishes.FulfilAsync(driver, stop);
        if (!untidy)
            return;
        untidy = false;
        await wishes.CompactingAsync(driver.TidyAsync, stop);
    }

    /// <summary>True when nothing may be received yet, after a wait for a reason to look again.</summary>
    private Task<bool> HeldBackAsync(LineClient line, CancellationToken stop)
    {
        holdBack.Look();
        Show();
        return holdBack.WaitAsync(line, wishes.Any, stop);
    }

    private bool IsAnotherWanted()
    {
        if (
            holdBack.Missing is null
            || DriverCatalog.Choose(settings).Driver is var chosen && chosen == settings.Driver
        )
            return false;
        log.Info($"the driver {chosen} can work now");
        return true;
    }

    /// <summary>Says what the harness does now, when no turn says more.</summary>
    private void Show()
    {
        var limit = holdBack.Until;
        report.Change(s =>
            running is not null
                ? s
                : s with
                {
                    State =
                        wishes.Login?.IsActive == true ? HarnessState.LoggingIn
                        : holdBack.Missing is not null ? HarnessState.NotReady
                        : holdBack.NeedsLogin ? HarnessState.NeedsLogin
                        : limit is not null ? HarnessState.RateLimited
                        : wishes.IsCompacting ? s.State
                        : HarnessState.Idle,
                    Turn = null,
                    Missing = holdBack.Missing,
                    // Said once: worked out anew it would waver.
                    RateLimitedUntil = limit is null ? null : s.RateLimitedUntil ?? limit,
                }
        );
    }
}
