using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>The verbs: what is done with an agent's container, one thing at a time. What is meant to run stands in the
/// database before anything is done to what does, so that a host that dies in between is finished by the
/// next.</summary>
internal sealed partial class AgentContainers(
    IStore store,
    IRoster roster,
    AgentFolders folders,
    HivePaths paths,
    Runtimes runtimes,
    IAgentSpecs specs,
    AgentLauncher launcher,
    AppliedState applied,
    ContainerStates states,
    CrashWatch crashes,
    Restarts restarts,
    SocketDoors doors,
    IInflight inflight,
    IHarnessSigns signs,
    IEnumerable<IAgentRemains> remains,
    Tombstones tombstones,
    Trash trash,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<AgentContainers> log
)
{
    private const int LastWords = 5;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ComesUp = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, IRuntime> owing = new();

    // How many were taken away by this host, and how many it were when nothing was owed of any.
    private int destroyed,
        noneOwedAt = -1;

    /// <summary>Runtimes that could not remove a container when they were asked to.</summary>
    public IEnumerable<IRuntime> Owing => owing.Values;

    /// <summary>Makes an agent: folders, roster, socket. It does not run yet. When that fails, nothing of it is left
    /// but what was there before.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="runtime">What its container is.</param>
    /// <param name="start">It is meant to run: a start follows, whichever host does it.</param>
    public async Task Create(string name, string runtime, bool start)
    {
        await FinishPurges(name);
        var begun = new Creation
        {
            Agent = name,
            Revived = Directory.Exists(folders.Of(name)),
            Configured = Directory.Exists(folders.Applied(name)),
        };
        await store.Write(write =>
            write.Db.Execute(
                "INSERT OR REPLACE INTO creations (agent, revived, configured) VALUES (@Agent, @Revived, @Configured)",
                begun
            )
        );
        LogStep(log, "spawn", name, "begun");
        try
        {
            launcher.CreateFolders(name);
            LogStep(log, "spawn", name, "its folders are there");
            await specs.Seed(name, runtime);
            var spec = specs.Read(name);
            LogStep(log, "spawn", name, "its configuration is there");
            await store.Write(write =>
            {
                roster.Add(write, new AgentEntry(name, runtime, Recipients: spec.Recipients, ActiveModel: spec.Model));
                write.Db.Execute(
                    "INSERT INTO containers (agent, wanted) VALUES (@name, @wanted)",
                    new { name, wanted = start ? "running" : "stopped" }
                );
                write.Db.Execute("DELETE FROM creations WHERE agent = @name", new { name });
            });
            LogStep(log, "spawn", name, "on the roster");
            try
            {
                launcher.OpenSocket(name);
            }
            catch
            {
                await Forget(name, purge: !begun.Revived);
                throw;
            }

            LogStep(log, "spawn", name, "its socket is open");
            // Nothing of it is read at a start, since there is none.
            if (runtime == Runtimes.External)
                await applied.Now(name, spec);
        }
        catch (Exception e)
        {
            await OrLog(name, () => UndoCreation(begun));
            throw e is IOException ? Problem.Invalid(e.Message, e) : e;
        }
        finally
        {
            // Made anew or revived, it is no tombstone any more.
            await tombstones.Refresh(name);
        }
    }

    /// <summary>Removes what there is of agents whose making an earlier host did not finish, and of those whose end it
    /// did not.</summary>
    public async Task FinishHalfDone()
    {
        foreach (
            var begun in await store.Read(db =>
                db.Query<Creation>("SELECT agent, revived, configured FROM creations").ToList()
            )
        )
        {
            LogUndone(log, begun.Agent);
            await OrLog(begun.Agent, () => UndoCreation(begun));
        }

        // Side by side: one that hangs keeps none of the others from answering.
        await Task.WhenAll((await Removals()).Select(owed => OrLog(owed.Agent, () => Finish(owed, atStart: true))));
        await Task.WhenAll(runtimes.All.Select(RemoveOrphans));
        var sockets = Path.GetDirectoryName(folders.Run(Principals.Manager))!;
        if (!Directory.Exists(sockets))
            return;
        foreach (
            var name in Directory
                .EnumerateDirectories(sockets)
                .Select(f => Path.GetFileName(f)!)
                .Where(n => roster.Find(n) is null)
        )
            await OrLog(name, () => RemoveFiles(name, purge: false));
    }

    // What cannot be cleaned up for one agent keeps the host from nothing; the next one tries again.
    private async Task OrLog(string name, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e)
        {
            LogNotCleaned(log, name, e);
        }
    }

    /// <summary>Starts an agent's container unless it runs.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="ct">Gives up before the container is started.</param>
    /// <param name="anew">Somebody asked for it: earlier failures do not count any more.</param>
    /// <param name="seeded">What it is to run on is locked already.</param>
    /// <param name="reason">What the agent is told.</param>
    public async Task Start(
        string name,
        CancellationToken ct,
        bool anew = true,
        bool seeded = false,
        StartReason reason = StartReason.Start
    )
    {
        var agent = roster.Require(name);
        if (agent.Runtime == Runtimes.External)
            throw Problem.Conflict($"{name} is external: it runs wherever somebody opens {paths.AgentSocket(name)}");
        if (states.Of(name).Running is not null)
            return;
        // Before it is held, since it may fetch something from afar.
        var fault = seeded ? null : await FaultOfSeed(agent);
        using var hold = await states.Hold(name);
        if (states.Of(name).Running is not null)
            return;
        if (anew)
            restarts.Forget(name);
        try
        {
            fault?.Throw();
            await launcher.Launch(
                agent,
                reason,
                (running, note, runsOn) => crashes.Watch(name, running, note, runsOn),
                ct
            );
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            crashes.StartFailed(name, e);
            throw e is Problem ? e : Problem.Unavailable($"{name} cannot be started: {e.Message}", e);
        }
    }

    private async Task<ExceptionDispatchInfo?> FaultOfSeed(AgentEntry agent)
    {
        try
        {
            await specs.Seed(agent.Name, agent.Runtime);
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Ends an agent's container and starts it on its present configuration, which is locked first: what
    /// cannot be locked ends nothing that runs.</summary>
    public async Task Restart(string name, bool anew = true)
    {
        var agent = roster.Require(name);
        MustBeOurs(agent);
        if (await FaultOfSeed(agent) is { SourceException: var e })
            throw e is Problem ? e : Problem.Unavailable($"{name} cannot be restarted: {e.Message}", e);
        await Stop(name, atOnce: false, wanted: "running");
        await Start(name, CancellationToken.None, anew, seeded: true, StartReason.Restart);
    }

    /// <summary>Ends an agent's container: TERM, then KILL after 10 s.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="atOnce">KILL without asking.</param>
    /// <param name="wanted">What it is meant to be from here on: <c>stopped</c>, or <c>running</c> when a start
    /// follows, whichever host does it.</param>
    public async Task Stop(string name, bool atOnce, string wanted = "stopped")
    {
        var agent = roster.Require(name);
        MustBeOurs(agent);
        using var hold = await states.Hold(name);
        if (states.Of(name).Unknown)
            throw Problem.Unavailable($"{name}: {states.Of(name).Note}; try again when that is known");
        await store.Write(
            write =>
            {
                // A run that is told to end may end cleanly after this host has died, as one that nobody starts again.
                states.StoreNote(write, name, wanted, failed: false, note: null, restarting: wanted == "running");
                if (atOnce && !agent.IsManager)
                    states.TellManager(write, new { @event = "killed", agent = name });
            },
            CancellationToken.None
        );
        LogStep(log, "stop", name, "stored what it is to be from here on");
        states.SetNote(name, failed: false, note: null);
        if (states.Of(name) is not { Running: { } running, Gone: { } gone })
            return;
        states.Change(name, now => now.Running == running ? now with { Stopping = true } : now);
        try
        {
            await End(name, running, gone, atOnce);
        }
        catch
        {
            // It runs on, and nobody asks for its end any more: when that comes, it is a failure again.
            states.Change(name, now => now.Running == running ? now with { Stopping = false } : now);
            await states.Soon(
                states.UntilStored(
                    name,
                    write => write.Db.Execute("UPDATE containers SET restarting = 0 WHERE agent = @name", new { name })
                )
            );
            throw;
        }

        LogStep(log, "stop", name, "it has ended");
        // It may have ended by itself just before it was asked to.
        if (states.Of(name) is not { Running: null, Failed: false, Note: null })
        {
            states.SetNote(name, failed: false, note: null);
            await states.Soon(
                states.UntilStored(name, write => states.StoreNote(write, name, wanted, failed: false, note: null))
            );
        }
    }

    private static void MustBeOurs(AgentEntry agent)
    {
        if (agent.Runtime == Runtimes.External)
            throw Problem.Conflict($"{agent.Name} is external: whoever runs it must stop it");
    }

    private async Task End(string name, IRunning running, Task gone, bool atOnce)
    {
        await (atOnce ? running.Kill() : running.Terminate());
        LogStep(log, "stop", name, "asked to end");
        if (!atOnce && await Task.WhenAny(gone, Task.Delay(Grace, clock)) != gone)
        {
            LogKilled(log, name, Grace.TotalSeconds);
            await running.Kill();
        }

        // The time is the machine's own: what KILL does not end waits for a disk or a daemon, and no verb can wait with
        // it for ever.
        if (await Task.WhenAny(gone, Task.Delay(Grace, TimeProvider.System)) != gone)
            throw Problem.Unavailable(
                $"{name} ({running.Id}) has not ended {Grace.TotalSeconds:0} s after KILL; look at what holds it, then try again"
            );
    }

    /// <summary>
    /// Makes everything about an agent what it should be, whatever state it is in: folders, configuration, socket, and
    /// a container that runs on the present configuration.
    /// What cannot work is found before anything that runs is ended.
    /// </summary>
    /// <param name="name">The agent.</param>
    /// <param name="seeded">What it is to run on is locked already, or about to be.</param>
    public async Task Rebuild(string name, bool seeded = false)
    {
        var agent = roster.Require(name);
        string? fault = "the host stopped meanwhile";
        try
        {
            if (!seeded)
                await specs.Seed(name, agent.Runtime);
            var spec = specs.Read(name);
            var runtime = runtimes.Find(agent.Runtime);
            if (runtime is not null)
                await AgentLauncher.MustWork(runtime, CancellationToken.None);
            using (await states.Hold(name))
            {
                launcher.CreateFolders(name);
                if (!File.Exists(paths.AgentSocket(name)) || !doors.IsOpen(paths.AgentSocket(name)))
                {
                    doors.Close(paths.AgentSocket(name));
                    launcher.OpenSocket(name);
                }

                await store.Write(write =>
                    write.Db.Execute(
                        "INSERT OR IGNORE INTO containers (agent, wanted) VALUES (@name, 'stopped')",
                        new { name }
                    )
                );
            }

            LogStep(log, "rebuild", name, "folders, configuration and socket are there");
            if (runtime is null)
            {
                await store.Write(write => launcher.TakeOn(write, name, spec));
                states.SetNote(name, failed: false, note: null);
                await applied.Now(name, spec);
            }
            else
            {
                await Stop(name, atOnce: false, wanted: "running");
                var harness = signs.Expect(name);
                await Start(name, CancellationToken.None, seeded: true, reason: StartReason.Rebuild);
                await MustComeUp(name, runtime, harness);
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
                await states.Soon(
                    states.UntilStored(
                        name,
                        write =>
                            states.TellManager(
                                write,
                                new
                                {
                                    @event = "rebuilt",
                                    agent = name,
                                    ok = fault is null,
                                    note = fault,
                                }
                            )
                    )
                );
        }
    }

    // What runs may end a moment later, because its settings or its driver's are wrong. One that has said hello and
    // does something else before its first message has come up.
    private async Task MustComeUp(string name, IRuntime runtime, HarnessSigns harness)
    {
        var gone = states.Of(name) is { Running: not null, Gone: { } end } ? end : Task.CompletedTask;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        await Task.WhenAny(harness.Asks, gone, Task.Delay(ComesUp, clock, enough.Token));
        await enough.CancelAsync();
        if (harness.Asks.IsCompleted || (harness.Hello.IsCompleted && !gone.IsCompleted))
            return;
        lifetime.ApplicationStopping.ThrowIfCancellationRequested();
        var what = gone.IsCompleted
            ? "it ended right after its start"
            : $"its harness has not said hello within {ComesUp.TotalSeconds:0} s";
        var words = string.Join('\n', await runtime.Tail(name, LastWords, CancellationToken.None));
        throw Problem.Unavailable(
            $"{name} does not come up: {what}. {(words.Length > 0 ? $"Its last words:\n{words}" : states.Of(name).Note)}"
        );
    }

    /// <summary>Removes an agent. Its folders stay as a tombstone unless it is purged.</summary>
    public async Task Destroy(string name, bool purge)
    {
        var agent = roster.Require(name);
        if (agent.IsManager)
            throw Problem.Forbidden("the manager cannot be destroyed");
        if (agent.Runtime != Runtimes.External)
            await Stop(name, atOnce: false);
        doors.Close(paths.AgentSocket(name));
        LogStep(log, "destroy", name, "its socket is closed");
        var owed = new Removal
        {
            Agent = name,
            Runtime = agent.Runtime,
            Purge = purge,
        };
        await Forget(name, purge, owed);
        LogStep(log, "destroy", name, "off the roster");
        try
        {
            await Finish(owed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable(
                $"{name} is destroyed, but not all of its files are gone ({e.Message}); the next start of Hive tries again",
                e
            );
        }
        finally
        {
            await tombstones.Refresh(name);
        }
    }

    // Of one of that name that was to be removed for good, nothing is taken up again.
    private async Task FinishPurges(string name)
    {
        try
        {
            foreach (var owed in (await Removals()).Where(r => r.Agent == name && r.Purge))
                await Finish(owed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable(
                $"there was an agent '{name}' before, whose files were to be removed for good and cannot be: {e.Message}",
                e
            );
        }
    }

    // Removes what there is of one that is on the roster no more. What is done to its end is owed no more.
    private async Task Finish(Removal owed, bool atStart = false)
    {
        var name = owed.Agent;
        var removed = runtimes.Find(owed.Runtime) is not { } runtime || await RemoveContainer(runtime, name);
        LogStep(log, "destroy", name, "its container is removed");
        if (roster.Find(name) is null)
            await RemoveFiles(name, owed.Purge, atStart);
        LogStep(log, "destroy", name, "its files are removed");
        await states.Soon(
            states.UntilStored(
                name,
                write =>
                    write.Db.Execute(
                        removed
                            ? "DELETE FROM removals WHERE agent = @Agent AND runtime = @Runtime"
                            : "UPDATE removals SET purge = 0 WHERE agent = @Agent AND runtime = @Runtime",
                        owed
                    )
            )
        );
    }

    // Every sweep asks: while nobody has been destroyed since none was owed, the database is left alone.
    private async Task<IReadOnlyList<Removal>> Removals()
    {
        var now = Volatile.Read(ref destroyed);
        if (Volatile.Read(ref noneOwedAt) == now)
            return [];
        var owed = await store.Read(db => db.Query<Removal>("SELECT agent, runtime, purge FROM removals").ToList());
        if (owed.Count == 0)
            Volatile.Write(ref noneOwedAt, now);
        return owed;
    }

    /// <summary>Removes for good what is kept of a destroyed agent.</summary>
    public async Task Purge(string name)
    {
        // The files last: while they are there it is a tombstone still, and can be purged again.
        await store.Write(write =>
        {
            inflight.Forget(write, name);
            IdempotencyKeys.Forget(write, name);
            RemoveRemains(write, name, purge: true);
            write.Raise(new AgentDestroyed(name));
        });
        await RemoveFiles(name, purge: true);
        await tombstones.Refresh(name);
    }

    /// <summary>Ends and removes every container of a runtime whose agent is on no roster any more.</summary>
    /// <returns>Which agents it has containers of, and whether those run; null when it does not answer.</returns>
    public async Task<IReadOnlyDictionary<string, bool>?> RemoveOrphans(IRuntime runtime)
    {
        IReadOnlyDictionary<string, bool> listed;
        try
        {
            listed = await runtime.List(CancellationToken.None);
        }
        catch (Problem)
        {
            return null;
        }
        catch (Exception e)
        {
            LogNotListed(log, runtime.Name, e);
            return null;
        }

        var owed = (await Removals())
            .Where(r => r.Runtime == runtime.Name && !r.Purge)
            .Select(r => r.Agent)
            .ToHashSet();
        var all = true;
        foreach (var name in listed.Keys.Union(owed))
        {
            if (IsOrphan(name, runtime))
            {
                LogOrphan(log, runtime.Name, name);
                if (!await RemoveContainer(runtime, name))
                {
                    all = false;
                    continue;
                }
            }

            if (owed.Contains(name))
                await states.Soon(
                    states.UntilStored(
                        name,
                        write =>
                            write.Db.Execute(
                                "DELETE FROM removals WHERE agent = @name AND runtime = @runtime AND purge = 0",
                                new { name, runtime = runtime.Name }
                            )
                    )
                );
        }

        if (all)
            owing.TryRemove(runtime.Name, out _);
        return listed;
    }

    // An agent of that name may live in another runtime by now. The local ones share one list.
    private bool IsOrphan(string name, IRuntime runtime) =>
        roster.Find(name) is not { } agent || (agent.Runtime != runtime.Name && runtime is not LocalRuntime);

    // False when it is owed. Whatever is wrong with one keeps nothing else from being done: the sweep tries again.
    private async Task<bool> RemoveContainer(IRuntime runtime, string name)
    {
        using var hold = await states.Hold(name);
        if (!IsOrphan(name, runtime))
            return true;
        try
        {
            await runtime.Remove(name);
            return true;
        }
        catch (Exception e)
        {
            owing[runtime.Name] = runtime;
            LogNotRemoved(log, name, e.Message);
            return false;
        }
    }

    private async Task UndoCreation(Creation begun)
    {
        if (roster.Find(begun.Agent) is not null)
            return;
        if (!begun.Revived)
            await trash.Remove(folders.Of(begun.Agent));
        if (!begun.Configured)
            await trash.Remove(folders.Applied(begun.Agent));
        await RemoveFiles(begun.Agent, purge: false);
        await specs.Forget(begun.Agent);
        await states.Soon(
            states.UntilStored(
                begun.Agent,
                write => write.Db.Execute("DELETE FROM creations WHERE agent = @Agent", begun)
            )
        );
    }

    private void RemoveRemains(IWrite write, string name, bool purge)
    {
        foreach (var kept in remains)
            kept.Remove(write, name, purge);
    }

    // At a start nothing waits until folders are empty, however full they are: the sweep of the trash that follows does
    // that.
    private async Task RemoveFiles(string name, bool purge, bool atStart = false)
    {
        if (Directory.Exists(folders.Run(name)))
            Directory.Delete(folders.Run(name), recursive: true);
        if (!purge)
            return;
        foreach (var folder in new[] { folders.Applied(name), folders.Of(name) })
        {
            if (atStart)
                trash.Discard(folder);
            else
                await trash.Remove(folder);
        }
    }

    // What is still to be removed after that stands in the database with it.
    private async Task Forget(string name, bool purge, Removal? owed = null)
    {
        await store.Write<object?>(
            write =>
            {
                roster.Remove(write, name);
                if (owed is not null)
                    write.Db.Execute(
                        "INSERT OR REPLACE INTO removals (agent, runtime, purge) VALUES (@Agent, @Runtime, @Purge)",
                        owed
                    );
                write.Db.Execute("DELETE FROM containers WHERE agent = @name", new { name });
                states.TellManager(write, new { @event = "destroyed", agent = name });
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

                RemoveRemains(write, name, purge);
                write.Raise(new AgentDestroyed(name));
                return null;
            },
            CancellationToken.None
        );
        Interlocked.Increment(ref destroyed);
        states.Remove(name);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Verb} of {Agent}: {Step}")]
    private static partial void LogStep(ILogger logger, string verb, string agent, string step);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} did not end within {Seconds} s and was killed")]
    private static partial void LogKilled(ILogger logger, string agent, double seconds);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Agent} was only half made when an earlier Hive ended; what there was of it is removed"
    )]
    private static partial void LogUndone(ILogger logger, string agent);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Runtime} has a container of {Agent}, which is no agent any more; it is removed"
    )]
    private static partial void LogOrphan(ILogger logger, string runtime, string agent);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the container of {Agent} could not be removed yet: {Error}")]
    private static partial void LogNotRemoved(ILogger logger, string agent, string error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "what there still was of {Agent} could not be cleaned up; the next start tries again"
    )]
    private static partial void LogNotCleaned(ILogger logger, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Runtime} does not say which containers it has")]
    private static partial void LogNotListed(ILogger logger, string runtime, Exception error);

    // What is still there of a destroyed agent.
    private sealed record Removal
    {
        public required string Agent { get; init; }

        public required string Runtime { get; init; }

        public required bool Purge { get; init; }
    }

    // A making that has begun, and what there was before.
    private sealed record Creation
    {
        public required string Agent { get; init; }

        public required bool Revived { get; init; }

        public required bool Configured { get; init; }
    }
}
