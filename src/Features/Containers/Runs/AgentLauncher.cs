using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Limits;
using Hive.Features.Egress.Contracts;
using Hive.Protocol;
using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Runs;

/// <summary>A run that has just been started.</summary>
/// <param name="Running">The run.</param>
/// <param name="Weakness">Its weakness; null for none.</param>
/// <param name="RunsOn">The configuration it runs on.</param>
internal sealed record LaunchedRun(IRunning Running, string? Weakness, string RunsOn);

/// <summary>Prepares an agent's folders and socket on the host, and starts its container.</summary>
internal sealed partial class AgentLauncher(
    IStore store,
    IRoster roster,
    AgentFolders folders,
    HivePaths paths,
    RuntimeCatalog runtimes,
    Blueprints blueprints,
    IAgentSpecs specs,
    AppliedState applied,
    ContainerStates states,
    SocketDoors doors,
    WakeNotes wakeNotes,
    AgentGit git,
    IEgress egress,
    DiskLimits disk,
    ProjectQuotas quotas,
    ILogger<AgentLauncher> log
)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Creates the folders that every agent has, where they are missing.</summary>
    public async Task CreateFolders(string name)
    {
        string[] own = [folders.State(name), folders.Home(name)];
        string[] created = [.. own.Where(folder => !Directory.Exists(folder))];
        var isFirst = !Directory.Exists(folders.Shared);
        Directory.CreateDirectory(folders.Shared);
        Directory.CreateDirectory(Path.Combine(paths.DataDir, "meta"));
        foreach (var folder in (string[])[folders.Config(name), .. own, folders.Run(name)])
            Directory.CreateDirectory(folder, Private);
        await quotas.Begin(name, created);
        if (isFirst)
            await quotas.Begin(ProjectQuotas.Shared, [folders.Shared]);
    }

    /// <summary>Opens the agent's socket.</summary>
    public void OpenSocket(string name) =>
        doors.Open(
            paths.AgentSocket(name),
            name == Principals.Manager ? CallerKind.Manager : CallerKind.Agent,
            name,
            UnixFileMode.UserRead | UnixFileMode.UserWrite
        );

    /// <summary>Opens the agent's socket again if its file is missing or nobody listens on it.</summary>
    public void RepairSocket(string name)
    {
        if (File.Exists(paths.AgentSocket(name)) && doors.IsOpen(paths.AgentSocket(name)))
            return;
        doors.Close(paths.AgentSocket(name));
        OpenSocket(name);
    }

    /// <summary>Copies the roster's part of an agent's configuration to the roster.</summary>
    public AgentEntry UpdateRoster(IWrite write, string name, AgentSpec spec) =>
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
                    // Equal work keeps its instance, so that nothing counts as changed.
                    Configured = spec.Work.Equals(entry.Configured) ? entry.Configured : spec.Work,
                }
        );

    /// <summary>Starts an agent's container on its applied configuration, and leaves the agent a note about
    /// it.</summary>
    /// <param name="agent">Its entry.</param>
    /// <param name="reason">The reason that the note gives.</param>
    /// <param name="ct">Gives up before the container is started.</param>
    /// <exception cref="Problem">Code <c>conflict</c>: its files take more room than it may have.</exception>
    public async Task<LaunchedRun> Launch(AgentEntry agent, StartReason reason, CancellationToken ct)
    {
        var name = agent.Name;
        var runtime = runtimes.Find(agent.Runtime)!;
        await RuntimeCatalog.MustWork(runtime, ct);
        var spec = specs.Read(name);
        var (runsOn, weakness) = (
            applied.RunsOn(agent, spec),
            await runtime.AllWeaknesses(Blueprints.NetworkOf(spec), ct)
        );
        await CreateFolders(name);
        try
        {
            disk.MustFit(name, spec.Limits);
        }
        catch (Problem e)
        {
            // It is started again when its files fit.
            states.Change(name, at => at with { OverLimit = e.Message });
            throw;
        }

        await disk.SetQuota(name, spec.Limits);
        // Opening it may have failed when the host started.
        if (!doors.IsOpen(paths.AgentSocket(name)))
            OpenSocket(name);
        CopySpec(name, spec);
        blueprints.WriteLaunchers(agent, applied.DriverOf(spec));
        await egress.Set(name, spec.Hosts);
        LogPrepared(log, name);
        // Before the start: one that cannot be stored is refused, not half done.
        agent = await store.Write(
            write =>
            {
                states.StoreNote(write, name, "running", failed: false, weakness);
                var before = AppliedState.ReadRunsOn(write, name);
                AppliedState.StoreRunsOn(write, name, runsOn);
                var updated = before?.Contains(spec.Fingerprint, StringComparison.Ordinal) == false;
                wakeNotes.Leave(write, name, reason, updated);
                return UpdateRoster(write, name, spec);
            },
            CancellationToken.None
        );
        LogStored(log, name);
        var blueprint = blueprints.For(agent, spec, applied.DriverOf(spec));
        var running = await runtime.Start(blueprint, CancellationToken.None);
        LogStarted(log, name, runtime.Name, running.Id);
        // A trial in between may have found another one.
        return new LaunchedRun(running, running.Weakness, runsOn);
    }

    // The harness reads its configuration beside its socket, where it cannot change it.
    private void CopySpec(string name, AgentSpec spec)
    {
        var target = folders.Run(name);
        foreach (var old in Directory.EnumerateFiles(target).Where(f => !f.EndsWith(".sock", StringComparison.Ordinal)))
            File.Delete(old);
        foreach (var file in spec.Files)
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        git.Write(target, name);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "start {Agent}: folders and configuration ready")]
    private static partial void LogPrepared(ILogger logger, string agent);

    [LoggerMessage(Level = LogLevel.Debug, Message = "start {Agent}: stored that it should run")]
    private static partial void LogStored(ILogger logger, string agent);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Agent} started ({Runtime}, {Id})")]
    private static partial void LogStarted(ILogger logger, string agent, string runtime, string id);
}
