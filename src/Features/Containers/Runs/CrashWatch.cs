using Dapper;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Runs;

/// <summary>Waits for the end of every container that runs: says it at once, gives back what the agent had leased, and
/// starts it again as its policy says when nobody asked for the end.</summary>
internal sealed partial class CrashWatch(
    ContainerStates states,
    AgentLauncher launcher,
    IRoster roster,
    IAgentSpecs specs,
    Restarts restarts,
    Transients transients,
    IInflight inflight,
    LastWords lastWords,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<CrashWatch> log
)
{
    // Between looks at an agent whose restart has to wait for another verb.
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    /// <summary>From here on the agent's container is this run, until it ends.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="running">Its run.</param>
    /// <param name="note">What is weak about it.</param>
    /// <param name="runsOn">What it runs on.</param>
    public void Watch(string name, IRunning running, string? note, string runsOn)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        states.Set(
            name,
            new Container(running, gone.Task, Stopping: false, Failed: false, note, Restart: null, runsOn)
        );
        _ = AwaitEnd(name, running, gone);
    }

    /// <summary>Says why an agent that is meant to run does not.</summary>
    public void StartFailed(string name, Exception e)
    {
        LogStartFailed(log, name, e);
        states.SetNote(name, failed: true, e.Message);
        _ = states.UntilStored(name, write => states.StoreNote(write, name, "running", failed: true, e.Message));
    }

    private async Task AwaitEnd(string name, IRunning running, TaskCompletionSource gone)
    {
        try
        {
            await running.Ended;
            var (clean, note) = await running.Outcome();
            // Before anybody knows of the end: a start after that must not lose its leases to what is stored of this
            // end.
            var words = await lastWords.Of(name);
            LogEnded(log, name, running.Id, note ?? "cleanly");
            var (ended, asked) = End(name, running, await IsWanted(name), clean, note ?? "ended by itself");
            // Known here at once; stored as soon as the disk lets it.
            var stored = Ended(name, ended, asked, words);
            await states.Soon(stored);
            if (ended.Restart is { } restart)
                _ = RestartLater(name, restart);
        }
        catch (Exception e)
        {
            LogWatchFailed(log, name, e);
            // It has ended all the same.
            var ended = Container.Stopped with
            {
                Failed = true,
                Note = $"ended; {e.Message}",
            };
            var now = states.Of(name);
            if (now.Running == running && states.TryChange(name, now, ended))
                _ = Ended(name, ended, asked: now.Stopping, words: null);
        }
        finally
        {
            gone.SetResult();
        }
    }

    // What is known of the container from its end on, and whether that was asked for. Whoever asks from now on finds no
    // run any more.
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

            ended ??= clean ? Container.Stopped with { Note = note } : AfterFailure(name, note);
            if (states.TryChange(name, now, ended))
                return (ended, false);
        }

        return (states.Of(name), true);
    }

    // One that could not be stopped when that was asked for, and ends after all, is not meant to run any more.
    private async Task<bool> IsWanted(string name)
    {
        try
        {
            return await states.IsWanted(name);
        }
        catch (Exception e) when (e is Problem or ObjectDisposedException)
        {
            // The database is out of order, or the host stops.
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
            Restart = pause is { } after ? new PendingRestart(after) : null,
        };
    }

    private bool RestartsOnFailure(string name)
    {
        try
        {
            return specs.Read(name).RestartsOnFailure;
        }
        catch (Problem)
        {
            // It cannot be read now: the start that follows says so.
            return true;
        }
    }

    private Task Ended(string name, Container ended, bool asked, string? words) =>
        states.UntilStored(
            name,
            write =>
            {
                if (roster.Find(name) is null)
                    return;
                inflight.RequeueAll(write, name, words);
                if (asked)
                    return;
                write.Db.Execute(
                    "UPDATE containers SET failed = @Failed, note = @Note, restarts = @restarts WHERE agent = @name",
                    new
                    {
                        name,
                        ended.Failed,
                        ended.Note,
                        restarts = restarts.Stored(name),
                    }
                );
                if (name != Principals.Manager)
                    states.TellManager(
                        write,
                        new
                        {
                            @event = "container_crash",
                            agent = name,
                            note = ended.Note,
                        }
                    );
            }
        );

    // Whatever is done with the agent meanwhile puts another state in the place of this one, and it is let go.
    private async Task RestartLater(string name, PendingRestart restart)
    {
        for (var pause = restart.After; !await RestartedAfter(pause, name, restart); pause = BusyPause)
        {
            // Somebody does something else with it just now; when that changes nothing, it is this one's turn again.
        }
    }

    // False when it is to be tried again.
    private async Task<bool> RestartedAfter(TimeSpan pause, string name, PendingRestart restart)
    {
        try
        {
            await Task.Delay(pause, clock, lifetime.ApplicationStopping);
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
                await launcher.Launch(
                    agent,
                    StartReason.Crash,
                    (running, note, runsOn) => Watch(name, running, note, runsOn),
                    CancellationToken.None
                );
            }
            catch (Problem e) when (e.Code == ErrorCode.Unavailable && restarts.Next(name) is ({ } after, var told))
            {
                // A daemon or a disk that is away for a moment is one failure more, not the last word.
                var next = new PendingRestart(after);
                states.Set(name, Container.Stopped with { Note = $"{e.Message}; {told}", Restart = next });
                await states.UntilStored(
                    name,
                    write => states.StoreNote(write, name, "running", failed: false, $"{e.Message}; {told}")
                );
                _ = RestartLater(name, next);
            }
            catch (Exception e)
            {
                StartFailed(name, e);
                if (!agent.IsManager)
                    await states.UntilStored(
                        name,
                        write =>
                            states.TellManager(
                                write,
                                new
                                {
                                    @event = "container_crash",
                                    agent = name,
                                    note = $"it could not be started again: {e.Message}",
                                }
                            )
                    );
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops. What is meant to run is started by the next one.
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

    [LoggerMessage(Level = LogLevel.Error, Message = "watching {Agent} failed")]
    private static partial void LogWatchFailed(ILogger logger, string agent, Exception error);
}
