using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Runs;

/// <summary>Makes ready what an agent needs on the host, and starts its container.</summary>
internal sealed partial class AgentLauncher(
    IStore store,
    IRoster roster,
    AgentFolders folders,
    HivePaths paths,
    Runtimes runtimes,
    Blueprints blueprints,
    IAgentSpecs specs,
    AppliedState applied,
    ContainerStates states,
    SocketDoors doors,
    WakeNotes wakeNotes,
    AgentGit git,
    ILogger<AgentLauncher> log
)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the folders that every agent has, where they are missing.</summary>
    public void CreateFolders(string name)
    {
        Directory.CreateDirectory(folders.Shared);
        Directory.CreateDirectory(Path.Combine(paths.DataDir, "meta"));
        foreach (
            var folder in new[] { folders.Config(name), folders.State(name), folders.Home(name), folders.Run(name) }
        )
            Directory.CreateDirectory(folder, Private);
    }

    /// <summary>Opens the agent's socket.</summary>
    public void OpenSocket(string name) =>
        doors.Open(
            paths.AgentSocket(name),
            name == Principals.Manager ? CallerKind.Manager : CallerKind.Agent,
            name,
            UnixFileMode.UserRead | UnixFileMode.UserWrite
        );

    /// <summary>Says why a runtime does not work here, if it does not.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>.</exception>
    public static async Task MustWork(IRuntime runtime, CancellationToken ct)
    {
        if (await runtime.Fault(ct) is { } fault)
            throw Problem.Unavailable($"the runtime '{runtime.Name}' does not work here: {fault}");
    }

    /// <summary>Takes over into the roster what an agent's configuration says of it.</summary>
    public AgentEntry TakeOn(IWrite write, string name, AgentSpec spec) =>
        roster.Change(
            write,
            name,
            entry =>
                entry with
                {
                    Recipients =
                        spec.Recipients is not null
                        && entry.Recipients is not null
                        && spec.Recipients.SequenceEqual(entry.Recipients)
                            ? entry.Recipients
                            : spec.Recipients,
                    ActiveModel = spec.Model,
                }
        );

    /// <summary>Starts an agent's container on what is applied for it, and leaves it a note of that.</summary>
    /// <param name="agent">Its entry.</param>
    /// <param name="reason">What it is told.</param>
    /// <param name="watch">Told of the run as soon as there is one.</param>
    /// <param name="ct">Gives up before the container is started.</param>
    public async Task Launch(
        AgentEntry agent,
        StartReason reason,
        Action<IRunning, string?, string> watch,
        CancellationToken ct
    )
    {
        var name = agent.Name;
        var runtime = runtimes.Find(agent.Runtime)!;
        await MustWork(runtime, ct);
        var spec = specs.Read(name);
        var (runsOn, weakness) = (applied.RunsOn(agent, spec), await runtime.Weakness(ct));
        CreateFolders(name);
        // It could not be had when the host started.
        if (!doors.IsOpen(paths.AgentSocket(name)))
            OpenSocket(name);
        CopySpec(name, spec);
        LogPrepared(log, name);
        // Before it runs: a start that cannot be stored is refused, not half done.
        agent = await store.Write(
            write =>
            {
                states.StoreNote(write, name, "running", failed: false, weakness);
                var before = AppliedState.Stored(write, name);
                AppliedState.Store(write, name, runsOn);
                var updated = before?.Contains(spec.Fingerprint, StringComparison.Ordinal) == false;
                wakeNotes.Leave(write, name, reason, updated);
                return TakeOn(write, name, spec);
            },
            CancellationToken.None
        );
        LogStored(log, name);
        var running = await runtime.Start(blueprints.For(agent, spec, applied.DriverOf(spec)), CancellationToken.None);
        LogStarted(log, name, runtime.Name, running.Id);
        watch(running, weakness, runsOn);
        // It may have changed since it was read.
        _ = applied.Look(name);
    }

    // The harness finds its configuration beside its socket, where it cannot change it.
    private void CopySpec(string name, AgentSpec spec)
    {
        var target = folders.Run(name);
        foreach (var old in Directory.EnumerateFiles(target).Where(f => !f.EndsWith(".sock", StringComparison.Ordinal)))
            File.Delete(old);
        foreach (var file in spec.Files)
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        git.Write(target, name);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "start of {Agent}: folders and configuration are there")]
    private static partial void LogPrepared(ILogger logger, string agent);

    [LoggerMessage(Level = LogLevel.Debug, Message = "start of {Agent}: stored that it is to run")]
    private static partial void LogStored(ILogger logger, string agent);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} started ({Runtime}, {Id})")]
    private static partial void LogStarted(ILogger logger, string agent, string runtime, string id);
}
