using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Agent.Drivers;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// The harness: receive, begin a turn, let the driver do it, end the turn. Messages are acknowledged by the host when a turn ended well
/// and come again otherwise, so whatever dies here, nothing is lost. A running turn outlives the connection to the host.
/// </summary>
internal sealed class TurnLoop(string socket, AgentSettings settings, string? stateDir, Log log, TimeProvider time)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5), GiveUp = TimeSpan.FromSeconds(7);

    private readonly HostConnector connector = new(socket, log, time);
    private readonly Backoff backoff = new(time);
    private readonly string client = $"hive-agent/{AgentVersion.Text}";
    private string? refusal;
    private IDriver? driver;
    private HostCalls? calls;
    private RunningTurn? running;
    private Task? starting;
    private long turns;

    private sealed record RunningTurn(Turn Turn, DateTimeOffset StartedAt, long StartedTicks, Task<TurnOutcome> Work)
    {
        /// <summary>What the host is told; made once, so that repeating it says the same.</summary>
        public JsonObject? Ending { get; set; }
    }

    private sealed record WhoAmI(string Name, string Role, string? StateDir = null);

    private sealed record Received(IReadOnlyList<Message> Messages);

    private sealed record Begun(long Turn);

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
                log.Warn($"stopped before the end of turn {left.Turn.Id} could be reported; its messages come again");
        }
        finally
        {
            if (driver is not null)
                await driver.DisposeAsync();
            if (calls is not null)
                await calls.DisposeAsync();
        }

        log.Info("stopped");
    }

    /// <summary>One connection's life.</summary>
    private async Task ServeAsync(LineClient line, CancellationToken stop, CancellationToken cancelTurn, CancellationToken giveUp)
    {
        long[] mine = running is null ? [] : [running.Turn.Id];
        var again = await line.CallAsync("requeue_inflight", new { except_turns = mine }, giveUp);
        if (again.TryGetProperty("requeued", out var count) && count.TryGetInt64(out var requeued) && requeued > 0)
            log.Info($"{requeued} message(s) of an earlier life come again");
        driver ??= await CreateDriverAsync(line, stop);
        starting ??= StartDriverAsync(driver, stop);
        await starting;

        while (running is not null || !stop.IsCancellationRequested)
        {
            if (running is null)
            {
                running = await NextTurnAsync(line, driver, stop, cancelTurn, giveUp);
                continue;
            }

            await FinishedOrClosedAsync(running.Work, line, giveUp);
            await EndTurnAsync(line, running, giveUp);
            running = null;
            Worked();
        }
    }

    private async Task<IDriver> CreateDriverAsync(LineClient line, CancellationToken stop)
    {
        var me = await line.CallAsync<WhoAmI>("whoami", null, stop);
        calls ??= new HostCalls(connector, $"{client} {settings.Driver}");
        var context = new DriverContext(me.Name, me.Role, stateDir ?? me.StateDir ?? settings.Folder, socket, settings, calls, log, time);
        try
        {
            var made = DriverCatalog.Knows(settings.Driver)
                ? DriverCatalog.Create(settings.Driver, context)
                : throw new FormatException($"there is no driver `{settings.Driver}`; there are: {DriverCatalog.Names}");
            log.Info($"{me.Name} ({me.Role}), driver {settings.Driver}, state folder {context.StateDir}");
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

    private async Task<RunningTurn?> NextTurnAsync(LineClient line, IDriver driver, CancellationToken stop, CancellationToken cancelTurn, CancellationToken giveUp)
    {
        var asked = time.GetTimestamp();
        var messages = (await line.CallAsync<Received>("recv", new { wait_seconds = Limits.MaxWaitSeconds, max = driver.MaxBatch }, stop)).Messages;
        if (messages.Count == 0)
        {
            // The host waits for us; if it ever answers at once (paused, stopping), asking again at once would be a busy loop.
            if (time.GetElapsedTime(asked) < TimeSpan.FromSeconds(1))
                await backoff.WaitAsync(stop);
            else
                Worked();
            return null;
        }

        Worked();
        if (stop.IsCancellationRequested)
            return null;
        var ids = messages.Select(m => m.Id).ToArray();
        var begun = await line.CallAsync<Begun>("begin_turn", new { ids, wake_from = Turn.WakeFromOf(messages) }, giveUp);
        var turn = new Turn(begun.Turn, ++turns, messages);
        log.Info($"turn {turn.Id} begins: message {string.Join(", ", ids)} from {turn.WakeFrom}{(messages.Any(m => m.Redelivered == true) ? ", redelivered" : "")}");
        return new RunningTurn(turn, time.GetUtcNow(), time.GetTimestamp(), Task.Run(() => RunTurnAsync(driver, turn, cancelTurn), CancellationToken.None));
    }

    private void Worked()
    {
        backoff.Reset();
        refusal = null;
    }

    private static async Task<TurnOutcome> RunTurnAsync(IDriver driver, Turn turn, CancellationToken ct)
    {
        try
        {
            return await driver.RunAsync(turn, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return TurnOutcome.Cancelled("the agent was stopped");
        }
        catch (Exception e)
        {
            return TurnOutcome.Failed(e.Message);
        }
    }

    /// <summary>Returns when the turn is done; throws when the connection ended first, so that it is made again while the turn goes on.</summary>
    private static async Task FinishedOrClosedAsync(Task turn, LineClient line, CancellationToken giveUp)
    {
        if (turn.IsCompleted)
            return;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(giveUp);
        var closed = line.ClosedAsync(watching.Token);
        var first = await Task.WhenAny(turn, closed);
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
        var outcome = await ended.Work;
        if (ended.Ending is null)
        {
            var ending = JsonSerializer.SerializeToNode(outcome with { Note = outcome.Note is null ? null : WireText.Cut(outcome.Note, Limits.BodyBytes) }, WireJson.Options)!.AsObject();
            var took = time.GetElapsedTime(ended.StartedTicks);
            ending["turn"] = ended.Turn.Id;
            ending["duration_ms"] = (long)took.TotalMilliseconds;
            ending["started_at"] = JsonSerializer.SerializeToNode(ended.StartedAt, WireJson.Options);
            ending["ended_at"] = JsonSerializer.SerializeToNode(time.GetUtcNow(), WireJson.Options);
            ended.Ending = ending;
            var text = $"turn {ended.Turn.Id} ended {outcome.Result} after {(long)took.TotalMilliseconds} ms{(outcome.Note is null ? "" : ": " + outcome.Note)}";
            if (outcome.Result == "ok")
                log.Info(text);
            else
                log.Warn(text);
        }

        try
        {
            await line.CallAsync("end_turn", ended.Ending, giveUp);
        }
        catch (HiveException e) when (e.Code is not ("unavailable" or "internal"))
        {
            // It will not be accepted the next time either. Reconnecting without naming the turn gives its messages back.
            log.Error($"the host refused the end of turn {ended.Turn.Id}: {e.Message}");
            running = null;
            throw;
        }
    }
}
