using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.Containers;

/// <summary>
/// The containers of all agents: what is meant to run stands in the database, what does run is known from the processes themselves.
/// Agents outlive the host; the next one finds them again.
/// </summary>
internal sealed partial class AgentContainers(
    IStore store,
    IRoster roster,
    AgentFolders folders,
    HivePaths paths,
    Runtimes runtimes,
    IAgentSpecs specs,
    ContainerLog logs,
    ProcessWatch watch,
    Restarts restarts,
    Transients transients,
    SocketDoors doors,
    IOutbox outbox,
    IInflight inflight,
    Tombstones tombstones,
    Trash trash,
    IConfiguration configuration,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<AgentContainers> log) : IHostedService, IConnectionObserver, IRecipientStates
{
    // Between looks at an agent whose restart has to wait for another verb.
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    // How long whoever waits for an end also waits for it to be stored.
    private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

    // How long the end of an agent waits for the end of its log.
    private static readonly TimeSpan LogGrace = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, Container> containers = new();
    private readonly ConcurrentDictionary<string, int> connections = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turnstiles = new();
    private readonly ConcurrentDictionary<string, string> applied = new();

    /// <summary>What is known of an agent's container; a stopped one when nothing is.</summary>
    public Container Of(string agent) => containers.GetValueOrDefault(agent) ?? Container.Stopped;

    /// <summary>True when the agent's process lives, or for an external agent, when somebody has its socket open.</summary>
    public bool IsRunning(AgentEntry agent) =>
        agent.Runtime == Runtimes.External ? connections.GetValueOrDefault(agent.Name) > 0 : Of(agent.Name).Process is not null;

    /// <summary>True when an agent runs on something other than what is applied for it now.</summary>
    public bool NeedsUpdate(string agent) => Of(agent).RunsOn is { } old && applied.TryGetValue(agent, out var now) && now != old;

    /// <summary>True when an agent was started by another version of Hive than this one.</summary>
    public bool IsOfAnotherHive(string agent) => Of(agent).RunsOn is { } old && !old.StartsWith(HiveVersion.Text + " ", StringComparison.Ordinal);

    /// <summary>True when a rebuild would change something about an agent that is meant to run, or would say what is wrong with it.</summary>
    public bool NeedsRebuild(AgentEntry agent) => NeedsUpdate(agent.Name) || Of(agent.Name).Failed || (Of(agent.Name).RunsOn is not null && !CanBeRead(agent.Name));

    /// <summary>True when an agent is meant to run, whether it does or not.</summary>
    public Task<bool> IsWanted(string agent) => store.Read(db => db.ExecuteScalar<long>("SELECT count(*) FROM containers WHERE agent = @agent AND wanted = 'running'", new { agent }) > 0);

    /// <inheritdoc />
    string IRecipientStates.Of(string agent) => roster.Find(agent) switch
    {
        null => "stopped",
        { Paused: true } => "paused",
        var entry => IsRunning(entry) ? "running" : "stopped",
    };

    /// <summary>Makes an agent: folders, roster, socket. It does not run yet. When that fails, nothing of it is left but what was there before.</summary>
    public async Task Create(string name, string runtime)
    {
        var (revived, configured) = (Directory.Exists(folders.Of(name)), Directory.Exists(folders.Applied(name)));
        try
        {
            CreateFolders(name);
            await specs.Seed(name);
            var spec = specs.Read(name);
            await store.Write(write =>
            {
                roster.Add(write, new AgentEntry(name, runtime, Recipients: spec.Recipients, ActiveModel: spec.Model));
                write.Db.Execute("INSERT INTO containers (agent, wanted) VALUES (@name, 'stopped')", new { name });
            });
            try
            {
                OpenSocket(name);
            }
            catch
            {
                await Forget(name, purge: !revived);
                throw;
            }

            // Nothing of it is read at a start, since there is none.
            if (runtime == Runtimes.External)
                await RunsOn(name, RunningOn(spec));
        }
        catch (Exception e)
        {
            if (!revived && roster.Find(name) is null)
                await trash.Remove(folders.Of(name));
            if (!configured && roster.Find(name) is null)
                await trash.Remove(folders.Applied(name));
            if (roster.Find(name) is null)
                await specs.Forget(name);
            throw e is IOException ? Problem.Invalid(e.Message, e) : e;
        }
        finally
        {
            // Made anew or revived, it is no tombstone any more.
            await tombstones.Refresh(name);
        }
    }

    /// <summary>Starts an agent's process unless it runs.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="ct">Gives up before the process is started.</param>
    /// <param name="anew">Somebody asked for it: earlier failures do not count any more.</param>
    public async Task Start(string name, CancellationToken ct, bool anew = true)
    {
        var agent = roster.Require(name);
        if (agent.Runtime == Runtimes.External)
            throw Problem.Conflict($"{name} is external: it runs wherever somebody opens {paths.AgentSocket(name)}");
        using var hold = await Hold(name);
        if (Of(name).Process is not null)
            return;
        if (anew)
            restarts.Forget(name);
        try
        {
            await Launch(agent, ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            StartFailed(name, e);
            throw e is Problem ? e : Problem.Unavailable($"{name} cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Ends an agent's process: TERM, then KILL after 10 s.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="atOnce">KILL without asking.</param>
    /// <param name="wanted">What it is meant to be from here on: <c>stopped</c>, or <c>running</c> when a start follows, whichever host does it.</param>
    public async Task Stop(string name, bool atOnce, string wanted = "stopped")
    {
        var agent = roster.Require(name);
        if (agent.Runtime == Runtimes.External)
            throw Problem.Conflict($"{name} is external: whoever runs it must stop it");
        using var hold = await Hold(name);
        await store.Write(
            write =>
            {
                StoreNote(write, name, wanted, failed: false, note: null);
                if (atOnce && !agent.IsManager)
                    TellManager(write, new { @event = "killed", agent = name });
            },
            CancellationToken.None);
        SetNote(name, failed: false, note: null);
        if (Of(name) is not { Process: { } process, Gone: { } gone })
            return;
        containers.AddOrUpdate(name, Container.Stopped, (_, now) => now.Process == process ? now with { Stopping = true } : now);
        if (atOnce)
            process.Kill();
        else
            process.Terminate(spareLeader: agent.Runtime == "sandbox");
        if (!atOnce && await Task.WhenAny(gone, Task.Delay(Grace, clock)) != gone)
        {
            LogKilled(log, name, Grace.TotalSeconds);
            process.Kill();
        }

        await gone;
        // It may have ended by itself just before it was asked to.
        if (Of(name) is not { Process: null, Failed: false, Note: null })
        {
            SetNote(name, failed: false, note: null);
            await Soon(UntilStored(name, write => StoreNote(write, name, wanted, failed: false, note: null)));
        }
    }

    /// <summary>
    /// Makes everything about an agent what it should be, whatever state it is in: folders, configuration, socket, and a process that runs on the present configuration.
    /// What cannot work is found before anything that runs is ended.
    /// </summary>
    public async Task Rebuild(string name)
    {
        var agent = roster.Require(name);
        string? fault = "the host stopped meanwhile";
        try
        {
            await specs.Seed(name);
            var spec = specs.Read(name);
            var runtime = runtimes.Find(agent.Runtime);
            if (runtime is not null)
                await MustWork(runtime, CancellationToken.None);
            using (await Hold(name))
            {
                CreateFolders(name);
                if (!File.Exists(paths.AgentSocket(name)))
                {
                    doors.Close(paths.AgentSocket(name));
                    OpenSocket(name);
                }

                await store.Write(write => write.Db.Execute("INSERT OR IGNORE INTO containers (agent, wanted) VALUES (@name, 'stopped')", new { name }));
            }

            if (runtime is null)
            {
                await store.Write(write => TakeOn(write, name, spec));
                await RunsOn(name, RunningOn(spec));
            }
            else
            {
                await Stop(name, atOnce: false, wanted: "running");
                await Start(name, CancellationToken.None);
            }

            fault = null;
        }
        catch (Exception e)
        {
            fault = e.Message;
            throw e is Problem ? e : Problem.Unavailable($"{name} cannot be rebuilt: {e.Message}", e);
        }
        finally
        {
            if (!agent.IsManager)
                await Soon(UntilStored(name, write => TellManager(write, new { @event = "rebuilt", agent = name, ok = fault is null, note = fault })));
        }
    }

    /// <summary>Reads what is applied for an agent; when it runs on something else, its row says so and the manager is told, once.</summary>
    public async Task LookAtSpec(string name)
    {
        if (roster.Find(name) is null)
        {
            applied.TryRemove(name, out _);
            return;
        }

        var known = applied.GetValueOrDefault(name);
        try
        {
            applied[name] = RunningOn(specs.Read(name));
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            // Half written, or wrong. It runs on what it has; the next start says what is wrong.
            return;
        }

        var needs = NeedsUpdate(name);
        // A file was touched, and nothing became different: the database is asked nothing.
        if (!needs && known == applied.GetValueOrDefault(name))
            return;
        await UntilStored(name, write =>
        {
            if (write.Db.Execute("UPDATE containers SET needs_update = @needs WHERE agent = @name AND needs_update <> @needs", new { name, needs }) > 0 && needs && name != Principals.Manager)
                TellManager(write, new { @event = "needs_update", agent = name });
        });
    }

    /// <summary>Removes an agent. Its folders stay as a tombstone unless it is purged.</summary>
    public async Task Destroy(string name, bool purge)
    {
        if (roster.Require(name).IsManager)
            throw Problem.Forbidden("the manager cannot be destroyed");
        if (roster.Require(name).Runtime != Runtimes.External)
            await Stop(name, atOnce: false);
        doors.Close(paths.AgentSocket(name));
        await Forget(name, purge);
        await RemoveFiles(name, purge);
        await tombstones.Refresh(name);
    }

    /// <summary>Removes for good what is kept of a destroyed agent.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: an agent of that name lives. Code <c>not_found</c>: nothing is kept under it.</exception>
    public async Task Purge(string name)
    {
        if (roster.Find(name) is not null)
            throw Problem.Conflict($"there is an agent '{name}', so there is no tombstone of that name; destroy the agent first");
        if (!tombstones.Exists(name))
            throw Problem.NotFound($"there is no tombstone '{name}'; there are: {(tombstones.All.Count > 0 ? string.Join(", ", tombstones.All.Select(t => t.Name)) : "none")}");
        await using var guard = await transients.Begin(name, "destroying");
        // It may have been revived or purged before this could begin.
        if (!tombstones.Exists(name))
            throw Problem.Conflict($"the tombstone '{name}' has just gone");
        // The files last: while they are there it is a tombstone still, and can be purged again.
        await store.Write(write =>
        {
            inflight.Forget(write, name);
            IdempotencyKeys.Forget(write, name);
            write.Raise(new AgentDestroyed(name));
        });
        await RemoveFiles(name, purge: true);
        await tombstones.Refresh(name);
    }

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var rows = (await store.Read(db => db.Query<Row>("SELECT agent, wanted, failed, note, restarts, runs_on AS RunsOn FROM containers").ToList(), cancellationToken)).ToDictionary(r => r.Agent);
        foreach (var agent in roster.All)
        {
            CreateFolders(agent.Name);
            OpenSocket(agent.Name);
            var row = rows.GetValueOrDefault(agent.Name);
            containers[agent.Name] = Container.Stopped with { Failed = row?.Failed ?? false, Note = row?.Note };
            restarts.Load(agent.Name, row?.Restarts);
            var process = AgentProcess.Find(PidFile(agent.Name), out var handle) ?? AgentProcess.Find(OldPidFile(agent.Name), out handle);
            if (process is not null && row?.Wanted == "stopped")
            {
                // An earlier host ended in the middle of stopping it.
                LogStillThere(log, agent.Name, process.Pid);
                process.Kill();
                await watch.Ended(handle!);
            }
            else if (process is { RunDir: { } other } && Path.TrimEndingDirectorySeparator(other) != Path.TrimEndingDirectorySeparator(paths.RunDir))
            {
                // It has its socket where this host is not. What is meant to run is started below.
                LogElsewhere(log, agent.Name, process.Pid, other);
                process.Kill();
                await watch.Ended(handle!);
            }
            else if (process is not null)
            {
                // A Hive that did not note it yet was another one than this.
                Watch(agent.Name, process, handle!, row?.Note, row?.RunsOn ?? "");
                LogAdopted(log, agent.Name, process.Pid);
            }
            else if (agent.Runtime == Runtimes.External)
            {
                containers[agent.Name] = containers[agent.Name] with { RunsOn = row?.RunsOn };
            }

            _ = LookAtSpec(agent.Name);
        }

        await EnsureManager(cancellationToken);
        // What should run and does not: it ended while no host was there to see it.
        _ = StartMissing([.. rows.Values.Where(r => r.Wanted == "running" && !r.Failed).Select(r => r.Agent)]);
        await tombstones.Refresh();
        // However much an earlier host has left there, nothing waits for it.
        _ = trash.Sweep();
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken)
    {
        doors.Dispose();
        return Task.CompletedTask;
    }

    void IConnectionObserver.Opened(Caller caller) => CountConnection(caller.Name, 1);

    void IConnectionObserver.Closed(Caller caller) => CountConnection(caller.Name, -1);

    private async Task RemoveFiles(string name, bool purge)
    {
        if (Directory.Exists(folders.Run(name)))
            Directory.Delete(folders.Run(name), recursive: true);
        logs.Remove(name);
        File.Delete(PidFile(name));
        if (!purge)
            return;
        await trash.Remove(folders.Applied(name));
        await trash.Remove(folders.Of(name));
    }

    // In the data folder, which belongs to one host at a time: with another run folder, too, an agent that runs is found.
    private string PidFile(string name) => Path.Combine(paths.DataDir, "pids", name);

    // Where an earlier Hive put it.
    private string OldPidFile(string name) => Path.Combine(paths.RunDir, "pids", name);

    private void CountConnection(string name, int change)
    {
        var count = connections.AddOrUpdate(name, change, (_, before) => before + change);
        if (roster.Find(name) is { Runtime: Runtimes.External } && ((change > 0 && count == 1) || count == 0))
            _ = Announce(name);
    }

    private void CreateFolders(string name)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(folders.Shared);
        foreach (var folder in new[] { folders.Config(name), folders.State(name), folders.Home(name), folders.Run(name), Path.GetDirectoryName(PidFile(name))! })
            Directory.CreateDirectory(folder, Private);
    }

    private void OpenSocket(string name) => doors.Open(
        paths.AgentSocket(name), name == Principals.Manager ? CallerKind.Manager : CallerKind.Agent, name, UnixFileMode.UserRead | UnixFileMode.UserWrite);

    private async Task EnsureManager(CancellationToken ct)
    {
        if (roster.Find(Principals.Manager) is not null)
            return;
        string runtime;
        try
        {
            runtime = await runtimes.Choose(null, ct);
        }
        catch (Problem e)
        {
            // It exists all the same, so that messages to it are kept; starting it says again what is missing.
            LogNoRuntime(log, e.Message);
            runtime = runtimes.Preferred;
        }

        await Create(Principals.Manager, runtime);
        if (runtime != Runtimes.External)
            _ = StartMissing([Principals.Manager]);
    }

    private async Task StartMissing(IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            try
            {
                if (roster.Find(name) is { } agent && agent.Runtime != Runtimes.External)
                    await Start(name, CancellationToken.None, anew: false);
            }
            catch (Problem)
            {
                // Said on its row and in the log.
            }
        }
    }

    private async Task Launch(AgentEntry agent, CancellationToken ct)
    {
        var name = agent.Name;
        var runtime = runtimes.Find(agent.Runtime)!;
        await MustWork(runtime, ct);
        var spec = specs.Read(name);
        var runsOn = RunningOn(spec);
        CreateFolders(name);
        CopySpec(name, spec);
        // Before it runs: a start that cannot be stored is refused, not half done.
        agent = await store.Write(
            write =>
            {
                StoreNote(write, name, "running", failed: false, runtime.Warning);
                StoreRunsOn(write, name, runsOn);
                return TakeOn(write, name, spec);
            },
            CancellationToken.None);
        var process = await AgentProcess.Start(runtime.Prepare(agent, DriverOf(spec)), PidFile(name), paths.RunDir, logs.Open(name), clock.GetUtcNow());
        if (Native.OpenProcess(process.Pid) is not { } handle)
            throw Problem.Unavailable($"{name} ended as soon as it was started; see `hive logs {name}`");
        Watch(name, process, handle, runtime.Warning, runsOn);
        LogStarted(log, name, runtime.Name, process.Pid);
        await UntilStored(name, write => outbox.Append(write, Principals.System, name, Wake(agent)));
        // It may have changed since it was read.
        _ = LookAtSpec(name);
    }

    private static async Task MustWork(IRuntime runtime, CancellationToken ct)
    {
        if (await runtime.Fault(ct) is { } fault)
            throw Problem.Unavailable($"the runtime '{runtime.Name}' does not work here: {fault}");
    }

    private AgentEntry TakeOn(IWrite write, string name, AgentSpec spec) => roster.Change(write, name, entry => entry with
    {
        Recipients = spec.Recipients is not null && entry.Recipients is not null && spec.Recipients.SequenceEqual(entry.Recipients) ? entry.Recipients : spec.Recipients,
        ActiveModel = spec.Model,
    });

    private string DriverOf(AgentSpec spec) => spec.Driver ?? (configuration["Driver"] is { Length: > 0 } configured && configured != "auto" ? configured : "scripted");

    // Everything that a process started now would run on, the harness included.
    private string RunningOn(AgentSpec spec) => $"{HiveVersion.Text} {DriverOf(spec)} {spec.Fingerprint}";

    private static void StoreRunsOn(IWrite write, string name, string runsOn) =>
        write.Db.Execute("UPDATE containers SET runs_on = @runsOn, needs_update = 0 WHERE agent = @name", new { name, runsOn });

    private async Task RunsOn(string name, string runsOn)
    {
        await store.Write(write =>
        {
            StoreRunsOn(write, name, runsOn);
            write.Raise(new ContainerChanged(name));
        });
        containers.AddOrUpdate(name, _ => Container.Stopped with { RunsOn = runsOn }, (_, before) => before with { RunsOn = runsOn });
        await LookAtSpec(name);
    }

    private bool CanBeRead(string name)
    {
        try
        {
            specs.Read(name);
            return true;
        }
        catch (Problem)
        {
            return false;
        }
    }

    private string Wake(AgentEntry agent) =>
        $"You have been started. Your notes are in {folders.StateAsSeenBy(agent)}/; read them to see where you were.";

    // The harness finds its configuration beside its socket, where it cannot change it.
    private void CopySpec(string name, AgentSpec spec)
    {
        var target = folders.Run(name);
        foreach (var old in Directory.EnumerateFiles(target).Where(f => !f.EndsWith(".sock", StringComparison.Ordinal)))
            File.Delete(old);
        foreach (var file in spec.Files)
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
    }

    private void Watch(string name, AgentProcess process, SafeFileHandle handle, string? note, string runsOn)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        containers[name] = new Container(process, gone.Task, Stopping: false, Failed: false, note, Restart: null, runsOn);
        _ = AwaitEnd(name, process, handle, gone);
    }

    private async Task AwaitEnd(string name, AgentProcess process, SafeFileHandle handle, TaskCompletionSource gone)
    {
        try
        {
            await watch.Ended(handle);
            // What it started and left behind in its group must not go on beside the next one.
            process.Kill();
            // Whoever is told of its end finds its last words in the log; what it left outside its group may print for ever.
            if (process.OpenPump() is { } pump)
                await Task.WhenAny(watch.Ended(pump), Task.Delay(LogGrace, clock));
            var (clean, note) = await process.Outcome();
            LogEnded(log, name, process.Pid, note ?? "cleanly");
            var (ended, asked) = End(name, process, clean, note ?? "ended by itself");
            // Known here at once; stored as soon as the disk lets it.
            var stored = Ended(name, ended, asked);
            await Soon(stored);
            if (ended.Restart is { } restart)
                _ = RestartLater(name, restart);
        }
        catch (Exception e)
        {
            LogWatchFailed(log, name, e);
            // It has ended all the same.
            var ended = Container.Stopped with { Failed = true, Note = $"ended; {e.Message}" };
            if (containers.TryGetValue(name, out var now) && now.Process == process && containers.TryUpdate(name, ended, now))
                _ = Ended(name, ended, asked: now.Stopping);
        }
        finally
        {
            gone.SetResult();
        }
    }

    // What is known of the container from its end on, and whether that was asked for. Whoever asks from now on finds no process any more.
    private (Container Ended, bool Asked) End(string name, AgentProcess process, bool clean, string note)
    {
        Container? ended = null;
        while (containers.TryGetValue(name, out var now) && now.Process == process)
        {
            if (now.Stopping)
            {
                if (containers.TryUpdate(name, Container.Stopped, now))
                    return (Container.Stopped, true);
                continue;
            }

            ended ??= clean ? Container.Stopped with { Note = note } : AfterFailure(name, note);
            if (containers.TryUpdate(name, ended, now))
                return (ended, false);
        }

        return (Of(name), true);
    }

    private Container AfterFailure(string name, string note)
    {
        if (!RestartsOnFailure(name))
            return Container.Stopped with { Failed = true, Note = note };
        var (pause, told) = restarts.Next(name);
        return Container.Stopped with { Failed = pause is null, Note = $"{note}; {told}", Restart = pause is { } after ? new PendingRestart(after) : null };
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

    private Task Ended(string name, Container ended, bool asked) => UntilStored(name, write =>
    {
        if (roster.Find(name) is null)
            return;
        inflight.RequeueAll(write, name);
        if (asked)
            return;
        write.Db.Execute(
            "UPDATE containers SET failed = @Failed, note = @Note, restarts = @restarts WHERE agent = @name",
            new { name, ended.Failed, ended.Note, restarts = restarts.Stored(name) });
        if (name != Principals.Manager)
            TellManager(write, new { @event = "container_crash", agent = name, note = ended.Note });
    });

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
            if (Of(name).Restart != restart)
                return true;
            await using var guard = await transients.Begin(name, "restarting");
            using var hold = await Hold(name);
            if (Of(name).Restart != restart || roster.Find(name) is not { } agent)
                return true;
            try
            {
                await Launch(agent, CancellationToken.None);
            }
            catch (Exception e)
            {
                StartFailed(name, e);
                if (!agent.IsManager)
                    await UntilStored(name, write => TellManager(write, new { @event = "container_crash", agent = name, note = $"it could not be started again: {e.Message}" }));
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops. What is meant to run is started by the next one.
        }
        catch (Problem)
        {
            return Of(name).Restart != restart;
        }

        return true;
    }

    private void StartFailed(string name, Exception e)
    {
        LogStartFailed(log, name, e);
        SetNote(name, failed: true, e.Message);
        _ = UntilStored(name, write => StoreNote(write, name, "running", failed: true, e.Message));
    }

    private void TellManager(IWrite write, object happened) =>
        outbox.Append(write, Principals.System, Principals.Manager, System.Text.Json.JsonSerializer.Serialize(happened, WireJson.Options));

    private void StoreNote(IWrite write, string name, string wanted, bool failed, string? note)
    {
        write.Db.Execute(
            "UPDATE containers SET wanted = @wanted, failed = @failed, note = @note, restarts = @restarts WHERE agent = @name",
            new { name, wanted, failed, note, restarts = restarts.Stored(name) });
        write.Raise(new ContainerChanged(name));
    }

    private void SetNote(string name, bool failed, string? note) =>
        containers.AddOrUpdate(name, _ => Container.Stopped with { Failed = failed, Note = note }, (_, before) => before with { Failed = failed, Note = note, Restart = null });

    // Stored as soon as the disk lets it; nobody waits longer for that than a while.
    private async Task Soon(Task stored) => await Task.WhenAny(stored, Task.Delay(StoreGrace, clock));

    private Task Announce(string name) => UntilStored(name, _ => { });

    private Task UntilStored(string name, Action<IWrite> work) => store.WriteUntilStored(
        write =>
        {
            work(write);
            write.Raise(new ContainerChanged(name));
        },
        clock,
        lifetime.ApplicationStopping);

    // One thing at a time with an agent, whoever asks for it: the operator, the manager, or this host at its start.
    private async Task<IDisposable> Hold(string name)
    {
        var turnstile = turnstiles.GetOrAdd(name, _ => new SemaphoreSlim(1, 1));
        await turnstile.WaitAsync();
        return new Held(turnstile);
    }

    private async Task Forget(string name, bool purge)
    {
        await store.Write<object?>(
            write =>
            {
                roster.Remove(write, name);
                write.Db.Execute("DELETE FROM containers WHERE agent = @name", new { name });
                TellManager(write, new { @event = "destroyed", agent = name });
                // Nobody works on it any more: a revived agent gets what this one held.
                if (purge)
                {
                    inflight.Forget(write, name);
                    IdempotencyKeys.Forget(write, name);
                }
                else
                {
                    inflight.RequeueAll(write, name);
                }

                write.Raise(new AgentDestroyed(name));
                return null;
            },
            CancellationToken.None);
        containers.TryRemove(name, out _);
        restarts.Forget(name);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} (pid {Pid}) was being stopped when an earlier Hive ended; it is ended now")]
    private static partial void LogStillThere(ILogger logger, string agent, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} started ({Runtime}, pid {Pid})")]
    private static partial void LogStarted(ILogger logger, string agent, string runtime, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} still runs as pid {Pid}; taken over")]
    private static partial void LogAdopted(ILogger logger, string agent, int pid);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} still runs as pid {Pid} with its socket in {RunDir}; it is ended")]
    private static partial void LogElsewhere(ILogger logger, string agent, int pid, string runDir);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} (pid {Pid}) ended: {How}")]
    private static partial void LogEnded(ILogger logger, string agent, int pid, string how);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} did not end within {Seconds} s and was killed")]
    private static partial void LogKilled(ILogger logger, string agent, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} could not be started")]
    private static partial void LogStartFailed(ILogger logger, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the manager cannot run yet: {Reason}")]
    private static partial void LogNoRuntime(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "watching {Agent} failed")]
    private static partial void LogWatchFailed(ILogger logger, string agent, Exception error);

    /// <summary>What is known of one container. Never changed in place.</summary>
    /// <param name="Process">The process; null when none lives.</param>
    /// <param name="Gone">Completes when the process has ended and that is known everywhere.</param>
    /// <param name="Stopping">Its end was asked for.</param>
    /// <param name="Failed">It ended by itself with an error.</param>
    /// <param name="Note">Why it does not run, or what is weak about how it runs.</param>
    /// <param name="Restart">It failed and is to be started again.</param>
    /// <param name="RunsOn">What it runs on; null when nothing does. An external agent runs on what it was made or rebuilt with.</param>
    internal sealed record Container(AgentProcess? Process, Task? Gone, bool Stopping, bool Failed, string? Note, PendingRestart? Restart, string? RunsOn)
    {
        public static Container Stopped { get; } = new(null, null, false, false, null, null, null);
    }

    /// <summary>One start that is to follow a failure; no other is equal to it.</summary>
    /// <param name="after">The pause before it.</param>
    internal sealed class PendingRestart(TimeSpan after)
    {
        public TimeSpan After => after;
    }

    private sealed class Held(SemaphoreSlim turnstile) : IDisposable
    {
        public void Dispose() => turnstile.Release();
    }

    private sealed record Row
    {
        public required string Agent { get; init; }

        public required string Wanted { get; init; }

        public required bool Failed { get; init; }

        public string? Note { get; init; }

        public string? Restarts { get; init; }

        public string? RunsOn { get; init; }
    }
}
