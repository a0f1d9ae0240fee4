using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Logs;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Runs;

/// <summary>Starts containers and waits for their ends. An end is published at once and returns the agent's leased
/// messages; if nobody asked for it, the agent is restarted as its policy says.</summary>
internal sealed partial class CrashWatch(
    ContainerStates states,
    AgentLauncher launcher,
    AppliedState applied,
    IRoster roster,
    IAgentSpecs specs,
    Restarts restarts,
    Transients transients,
    IInflight inflight,
    LastWords lastWords,
    IRunEvents runEvents,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<CrashWatch> log
)
{
    // Before a restart that has to wait for another operation is tried again.
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    /// <summary>Starts an agent's container and watches it.</summary>
    /// <param name="agent">Its entry.</param>
    /// <param name="reason">The reason that the agent is told.</param>
    /// <param name="ct">Gives up before the container is started.</param>
    public async Task Launch(AgentEntry agent, StartReason reason, CancellationToken ct)
    {
        var (running, weakness, runsOn) = await launcher.Launch(agent, reason, ct);
        Watch(agent.Name, running, weakness, runsOn);
        _ = states.UntilStored(
            agent.Name,
            write => runEvents.Started(write, agent.Name, reason.ToString().ToLowerInvariant())
        );
        // The configuration may have changed since it was read.
        _ = applied.Refresh(agent.Name);
    }

    /// <summary>Records a run as the agent's current one, and waits for its end.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="running">Its run.</param>
    /// <param name="note">The run's weakness.</param>
    /// <param name="runsOn">The configuration it runs on.</param>
    public void Watch(string name, IRunning running, string? note, string runsOn)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        states.Set(
            name,
            new Container(running, gone.Task, Stopping: false, Failed: false, note, Restart: null, runsOn)
        );
        _ = AwaitEnd(name, running, gone);
    }

    /// <summary>Records why an agent that should run does not.</summary>
    public void StartFailed(string name, Exception e)
    {
        LogStartFailed(log, name, e);
        states.SetNote(name, failed: true, e.Message);
        _ = states.UntilStored(
            name,
            write =>
            {
                states.StoreNote(write, name, "running", failed: true, e.Message);
                runEvents.StartFailed(write, name, e.Message);
            }
        );
    }

    private async Task AwaitEnd(string name, IRunning running, TaskCompletionSource gone)
    {
        try
        {
            await running.Ended;
            var (clean, note) = await running.Outcome();
            // Before the end is published and stored: a later write would take back the next run's leases.
            var words = await lastWords.Of(name);
            LogEnded(log, name, running.Id, note ?? "cleanly");
            var (ended, asked) = End(name, running, await IsWanted(name), clean, note ?? "ended on its own");
            // The pause begins with the end, and not when that is stored.
            var pause = ended.Restart is null ? Task.CompletedTask : Pause(ended.Restart.After);
            // In memory at once; stored as soon as the disk allows.
            var stored = StoreEnd(name, ended, asked, words);
            await states.WaitBriefly(stored);
            if (ended.Restart is { } restart)
                _ = RestartLater(name, restart, pause);
        }
        catch (Exception e)
        {
            LogWatchFailed(log, name, e);
            // The run has ended in any case.
            var ended = Container.Stopped with
            {
                Failed = true,
                Note = $"ended; {e.Message}",
            };
            var now = states.Of(name);
            if (now.Running == running && states.TryChange(name, now, ended))
                _ = StoreEnd(name, ended, asked: now.Stopping, words: null);
        }
        finally
        {
            gone.SetResult();
        }
    }

    // Sets the state after the end of a run, and returns it and whether the end was asked for.
    private (Container Ended, bool Asked) End(string name, IRunning running, bool wanted, bool clean, string note)
    {
        Container? ended = null;
        while (states.Of(name) is var now && now.Running == running)
        {
            if (now.Stopping || !wanted)
            {
                if (states.TryChange(name, now, Container.Stopped))
                    return (Container.Stopped, true);
                continue;
            }

            if (now.OverLimit is { } why)
                ended = Container.Stopped with { Failed = true, Note = why, OverLimit = why };
            ended ??= clean ? Container.Stopped with { Note = note } : AfterFailure(name, note);
            if (states.TryChange(name, now, ended))
                return (ended, false);
        }

        return (states.Of(name), true);
    }

    // An agent whose stop failed, and that ends later, should not run any more.
    private async Task<bool> IsWanted(string name)
    {
        try
        {
            return await states.IsWanted(name);
        }
        catch (Exception e) when (e is Problem or ObjectDisposedException)
        {
            // The database fails, or the host stops.
            return true;
        }
    }

    private Container AfterFailure(string name, string note)
    {
        if (!RestartsOnFailure(name))
            return Container.Stopped with { Failed = true, Note = note };
        var (pause, told) = restarts.Next(name);
        return Container.Stopped with
        {
            Failed = pause is null,
            Note = $"{note}; {told}",
            Restart = pause is { } after ? RestartAfter(after) : null,
        };
    }

    private PendingRestart RestartAfter(TimeSpan pause) => new(pause, clock.GetUtcNow() + pause);

    private bool RestartsOnFailure(string name)
    {
        try
        {
            return specs.Read(name).RestartsOnFailure;
        }
        catch (Problem)
        {
            // The start that follows reports why it cannot be read.
            return true;
        }
    }

    private Task StoreEnd(string name, Container ended, bool asked, string? words) =>
        states.UntilStored(
            name,
            write =>
            {
                if (roster.Find(name) is null)
                    return;
                runEvents.Ended(write, name, asked ? null : ended.Note, words);
                inflight.RequeueAll(write, name, words);
                if (asked)
                    return;
                write.Db.Execute(
                    """
                    UPDATE containers
                       SET failed = @Failed, note = @Note, over_limit = @OverLimit, restarts = @restarts,
                           changed_at = @at
                     WHERE agent = @name
                    """,
                    new
                    {
                        name,
                        ended.Failed,
                        ended.Note,
                        ended.OverLimit,
                        restarts = restarts.Stored(name),
                        // Not the time of this write, which may come much later: the next host knows the failure by it.
                        at = states.Since(name).ToUnixTimeMilliseconds(),
                    }
                );
                TellOfCrash(write, name, ended.Note);
            }
        );

    private void TellOfCrash(IWrite write, string agent, string? note)
    {
        if (agent != Principals.Manager)
            states.TellManager(
                write,
                new
                {
                    @event = "container_crash",
                    agent,
                    note,
                }
            );
    }

    // Any other operation on the agent replaces its state, which discards the restart.
    private async Task RestartLater(string name, PendingRestart restart, Task first)
    {
        for (var pause = first; !await RestartedAfter(pause, name, restart); pause = Pause(BusyPause))
        {
            // Another operation is in progress. If it does not change the state, the restart is still due.
        }
    }

    private Task Pause(TimeSpan time) => Task.Delay(time, clock, lifetime.ApplicationStopping);

    // False to try again.
    private async Task<bool> RestartedAfter(Task pause, string name, PendingRestart restart)
    {
        try
        {
            await pause;
            if (states.Of(name).Restart != restart)
                return true;
            await using var guard = await transients.Begin(name, "restarting");
            using var hold = await states.Hold(name);
            if (
                states.Of(name).Restart != restart
                || roster.Find(name) is not { } agent
                || !await states.IsWanted(name)
            )
                return true;
            try
            {
                await specs.Seed(name, agent.Runtime);
                await Launch(agent, StartReason.Crash, CancellationToken.None);
            }
            catch (Problem e) when (e.Code == ErrorCode.Unavailable && restarts.Next(name) is ({ } after, var told))
            {
                // A daemon or a disk that fails for a moment counts as one more failure, and the restart is retried.
                var next = RestartAfter(after);
                states.Set(name, Container.Stopped with { Note = $"{e.Message}; {told}", Restart = next });
                await states.UntilStored(
                    name,
                    write => states.StoreNote(write, name, "running", failed: false, $"{e.Message}; {told}")
                );
                _ = RestartLater(name, next, Pause(after));
            }
            catch (Exception e)
            {
                StartFailed(name, e);
                await states.UntilStored(name, write => TellOfCrash(write, name, $"restart failed: {e.Message}"));
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops. The next one starts the agents that should run.
        }
        catch (Problem)
        {
            return states.Of(name).Restart != restart;
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} ({Id}) ended: {How}")]
    private static partial void LogEnded(ILogger logger, string agent, string id, string how);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} could not be started")]
    private static partial void LogStartFailed(ILogger logger, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "watching the run of {Agent} failed")]
    private static partial void LogWatchFailed(ILogger logger, string agent, Exception error);
}
