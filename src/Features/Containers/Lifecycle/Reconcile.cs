using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>
/// Makes what runs equal to what is meant to run: at the host's start, by finding again what earlier hosts have started
/// and finishing what they have not; and for ever after, by a sweep that
/// catches what no event told.
/// </summary>
internal sealed partial class Reconcile(
    IStore store,
    IRoster roster,
    HivePaths paths,
    Runtimes runtimes,
    AgentContainers containers,
    AgentLauncher launcher,
    AppliedState applied,
    ContainerStates states,
    CrashWatch crashes,
    ManagersView view,
    Restarts restarts,
    SocketDoors doors,
    Tombstones tombstones,
    Transients transients,
    Trash trash,
    SweepBell bell,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<Reconcile> log
) : IHostedService
{
    // As many starts of one runtime go on at a time.
    private const int StartsAtOnce = 4;

    // Ten seconds, but no round number of them: nothing that is due in whole seconds meets it every time.
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMilliseconds(9_973);
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await containers.FinishHalfDone();
        var rows = await Rows(cancellationToken);
        foreach (var agent in roster.All)
        {
            var row = rows.GetValueOrDefault(agent.Name);
            restarts.Load(agent.Name, row?.Restarts);
            states.Set(
                agent.Name,
                Container.Stopped with
                {
                    Failed = row?.Failed ?? false,
                    Note = MakeReady(agent.Name) ?? row?.Note,
                    RunsOn = agent.Runtime == Runtimes.External ? row?.RunsOn : null,
                }
            );
        }

        // Runtimes side by side, and none of them is asked again for each agent when it does not answer at all.
        await Task.WhenAll(roster.All.GroupBy(a => a.Runtime).Select(group => FindAll(group.Key, [.. group], rows)));
        foreach (var agent in roster.All)
            _ = applied.Look(agent.Name);

        await EnsureManager(cancellationToken);
        // What should run and does not: it ended while no host was there to see it.
        _ = StartMissing([.. rows.Values.Where(r => r.Wanted == "running" && !r.Failed).Select(r => r.Agent)]);
        await tombstones.Refresh();
        // However much an earlier host has left there, nothing waits for it.
        _ = trash.Sweep();
        _ = SweepForEver();
        // Who came or went while the manager ran on without a host.
        view.Changed();
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken)
    {
        doors.Dispose();
        return Task.CompletedTask;
    }

    // Why an agent's folders or its socket cannot be had; null when they are there. The others, and this host, do
    // without.
    private string? MakeReady(string name)
    {
        try
        {
            launcher.CreateFolders(name);
            launcher.OpenSocket(name);
            return null;
        }
        catch (Exception e)
        {
            LogNotReady(log, name, e);
            return $"nobody can be {name} now: {e.Message}; mend that, then `rebuild` it";
        }
    }

    private async Task FindAll(string name, IReadOnlyList<AgentEntry> agents, Dictionary<string, Row> rows)
    {
        if (runtimes.Find(name) is not { } runtime)
            return;
        var answers = true;
        foreach (var agent in agents)
        {
            if (answers)
                answers = await Find(agent, runtime, rows.GetValueOrDefault(agent.Name));
            else
                states.Change(
                    agent.Name,
                    before =>
                        before with
                        {
                            Unknown = true,
                            Note = $"whether it runs is not known: {name} does not answer",
                        }
                );
        }
    }

    // What a runtime says of an agent that is not known to run. True when that could be found out.
    private async Task<bool> Find(AgentEntry agent, IRuntime runtime, Row? row)
    {
        try
        {
            await FindOrThrow(agent, runtime, row);
            return true;
        }
        catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            states.Change(
                agent.Name,
                before => before with { Unknown = true, Note = $"whether it runs is not known: {e.Message}" }
            );
            LogUnknown(log, agent.Name, e.Message);
            return false;
        }
    }

    private async Task FindOrThrow(AgentEntry agent, IRuntime runtime, Row? row)
    {
        var running = await runtime.Find(agent.Name, lifetime.ApplicationStopping);
        if (states.Of(agent.Name).Unknown)
            states.Change(agent.Name, before => before with { Unknown = false, Note = row?.Note });
        if (running is null)
            return;
        if (row?.Wanted == "stopped")
        {
            // An earlier host ended in the middle of stopping it.
            LogStillThere(log, agent.Name, running.Id);
            await End(agent.Name, running);
        }
        else if (
            running.RunDir is { } other
            && Path.TrimEndingDirectorySeparator(other) != Path.TrimEndingDirectorySeparator(paths.RunDir)
        )
        {
            // It has its socket where this host is not. What is meant to run is started anew.
            LogElsewhere(log, agent.Name, running.Id, other);
            await End(agent.Name, running);
        }
        else if (row is { Restarting: true })
        {
            // It has been asked to end, or was about to be. What is meant to run is started again.
            LogRestarting(log, agent.Name, running.Id);
            await End(agent.Name, running);
        }
        else
        {
            // A Hive that did not note it yet was another one than this.
            crashes.Watch(agent.Name, running, states.Of(agent.Name).Note, row?.RunsOn ?? "");
            LogAdopted(log, agent.Name, running.Id);
        }
    }

    private static async Task End(string name, IRunning running)
    {
        await running.Kill();
        if (await Task.WhenAny(running.Ended, Task.Delay(SweepEvery, TimeProvider.System)) != running.Ended)
            throw Problem.Unavailable($"{name} ({running.Id}) was told to end by KILL and has not");
    }

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

        await containers.Create(Principals.Manager, runtime, start: runtime != Runtimes.External);
        if (runtime != Runtimes.External)
            _ = StartMissing([Principals.Manager]);
    }

    // Side by side: a container that takes long to start keeps none of the others from it.
    private Task StartMissing(IReadOnlyList<string> names) =>
        Task.WhenAll(names.GroupBy(n => roster.Find(n)?.Runtime).Select(group => StartGroup([.. group])));

    private async Task StartGroup(IReadOnlyCollection<string> names)
    {
        try
        {
            // Whoever does something else with one of them is let do it, and whether it is to run is looked at again
            // after that.
            for (ConcurrentBag<string> busy; names.Count > 0; names = busy)
            {
                busy = [];
                await Parallel.ForEachAsync(
                    names,
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = StartsAtOnce,
                        CancellationToken = lifetime.ApplicationStopping,
                    },
                    async (name, _) =>
                    {
                        if (!await StartedIfMissing(name))
                            busy.Add(name);
                    }
                );
                if (!busy.IsEmpty)
                    await Task.Delay(BusyPause, clock, lifetime.ApplicationStopping);
            }
        }
        catch (OperationCanceledException)
        {
            // The next host starts them.
        }
    }

    // False when something else is under way with it.
    private async Task<bool> StartedIfMissing(string name)
    {
        IAsyncDisposable guard;
        try
        {
            guard = await transients.Begin(name, "starting");
        }
        catch (Problem)
        {
            return false;
        }

        await using (guard)
        {
            try
            {
                if (
                    roster.Find(name) is { } agent
                    && agent.Runtime != Runtimes.External
                    && !states.Of(name).Unknown
                    && (await Rows(CancellationToken.None)).GetValueOrDefault(name)
                        is { Wanted: "running", Failed: false }
                )
                    await containers.Start(name, CancellationToken.None, anew: false);
            }
            catch (Problem)
            {
                // Said on its row and in the log.
            }
            catch (Exception e)
            {
                LogNotStarted(log, name, e);
            }
        }

        return true;
    }

    private async Task SweepForEver()
    {
        while (true)
        {
            try
            {
                await bell.Rung(SweepEvery, lifetime.ApplicationStopping);
                foreach (var group in roster.All.GroupBy(a => a.Runtime))
                {
                    if (runtimes.Find(group.Key) is { } runtime)
                        await Sweep(runtime, [.. group]);
                }

                foreach (var runtime in containers.Owing)
                    await containers.RemoveOrphans(runtime);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                LogSweepFailed(log, e);
            }
        }
    }

    private async Task Sweep(IRuntime runtime, IReadOnlyList<AgentEntry> agents)
    {
        // Asking for the list alone lets a runtime notice the ends that it has missed.
        if (await containers.RemoveOrphans(runtime) is not { } runs)
        {
            foreach (var agent in agents.Where(a => states.Of(a.Name) is { Running: not null, Unknown: false }))
                Doubt(agent.Name, unknown: true, $"whether it still runs is not known: {runtime.Name} does not answer");
            return;
        }

        var weakness = agents.Any(a => states.Of(a.Name) is { Running: not null, Unknown: true })
            ? await runtime.Weakness(lifetime.ApplicationStopping)
            : null;
        foreach (var agent in agents.Where(a => states.Of(a.Name) is { Running: not null, Unknown: true }))
            Doubt(agent.Name, unknown: false, weakness);
        foreach (var agent in agents.Where(a => IsToBeFound(a.Name, runs)))
        {
            using (await states.Hold(agent.Name))
            {
                var wasUnknown = states.Of(agent.Name).Unknown;
                if (roster.Find(agent.Name) is null || !IsToBeFound(agent.Name, runs))
                    continue;
                var row = (await Rows(CancellationToken.None)).GetValueOrDefault(agent.Name);
                if (await Find(agent, runtime, row) && wasUnknown && row is { Wanted: "running", Failed: false })
                    _ = StartMissing([agent.Name]);
                _ = states.UntilStored(agent.Name, _ => { });
            }
        }
    }

    private void Doubt(string agent, bool unknown, string? note)
    {
        states.Change(
            agent,
            before => before.Running is null ? before : before with { Unknown = unknown, Note = note }
        );
        _ = states.UntilStored(agent, _ => { });
    }

    // One that somebody started by hand, or that could not be asked for until now.
    private bool IsToBeFound(string agent, IReadOnlyDictionary<string, bool> runs) =>
        states.Of(agent) is { Running: null, Restart: null } state && (state.Unknown || runs.GetValueOrDefault(agent));

    private async Task<Dictionary<string, Row>> Rows(CancellationToken ct) =>
        (await store.Read(db => db.Query<Row>(Select).ToList(), ct)).ToDictionary(r => r.Agent);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Agent} ({Id}) was being stopped when an earlier Hive ended; it is ended now"
    )]
    private static partial void LogStillThere(ILogger logger, string agent, string id);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} still runs as {Id}; taken over")]
    private static partial void LogAdopted(ILogger logger, string agent, string id);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Agent} still runs as {Id} with its socket in {RunDir}; it is ended"
    )]
    private static partial void LogElsewhere(ILogger logger, string agent, string id, string runDir);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Agent} ({Id}) was being restarted when an earlier Hive ended; it is ended now and started again"
    )]
    private static partial void LogRestarting(ILogger logger, string agent, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "whether {Agent} runs is not known: {Error}")]
    private static partial void LogUnknown(ILogger logger, string agent, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "starting {Agent}, which is meant to run, failed")]
    private static partial void LogNotStarted(ILogger logger, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "the folders or the socket of {Agent} cannot be had")]
    private static partial void LogNotReady(ILogger logger, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the manager cannot run yet: {Reason}")]
    private static partial void LogNoRuntime(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "the sweep over the containers failed")]
    private static partial void LogSweepFailed(ILogger logger, Exception error);

    private const string Select =
        "SELECT agent, wanted, failed, note, restarts, runs_on AS RunsOn, restarting FROM containers";

    private sealed record Row
    {
        public required string Agent { get; init; }

        public required string Wanted { get; init; }

        public required bool Failed { get; init; }

        public string? Note { get; init; }

        public string? Restarts { get; init; }

        public string? RunsOn { get; init; }

        public required bool Restarting { get; init; }
    }
}
