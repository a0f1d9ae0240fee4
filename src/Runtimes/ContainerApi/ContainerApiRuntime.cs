using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes.Local;
using Hive.Runtimes.Logs;
using Hive.Runtimes.Programs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.ContainerApi;

/// <summary>
/// Runs an agent as a container of podman or docker: an image with a C library, the harness and the agent's own mounts;
/// no capabilities, a read-only root, the daemon's network.
/// </summary>
internal sealed partial class ContainerApiRuntime : IRuntime, IDisposable
{
    private readonly DaemonApi api;
    private readonly DaemonRuns runs;
    private readonly DaemonLogs output;
    private readonly ILogger log;
    private readonly string image;
    private readonly string instance;
    private readonly string runDir;
    private readonly AgentVolumes volumes;
    private readonly LaunchFolder folder;
    private readonly ContainerTrial trial;
    private readonly KeptTrial kept;

    private volatile bool hasUnmounted;

    public ContainerApiRuntime(
        ContainerDaemon daemon,
        HivePaths paths,
        ContainerLog logs,
        HiveOptions options,
        SweepBell bell,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        ILogger<ContainerApiRuntime> log
    )
    {
        (Name, image, this.log) = (daemon.Name, options.Image, log);
        (instance, runDir) = (Runtimes.Instance.Of(paths), paths.RunDir);
        api = new DaemonApi(daemon);
        folder = LaunchFolder.Of(paths);
        volumes = new AgentVolumes(paths, daemon.Name);
        TryUnmount(volumes.UnmountTrials);
        trial = new ContainerTrial(api, volumes, image, instance);
        kept = new KeptTrial(trial.Run, clock, () => trial.IsLess);
        runs = new DaemonRuns(api, instance, bell, clock, log, lifetime.ApplicationStopping);
        output = new DaemonLogs(api, runs, logs, log);
    }

    public string Name { get; }

    public ContainerPrograms Programs => ContainerPrograms.Image;

    public Task<Fault?> FindFault(CancellationToken ct) => kept.FindFault(ct);

    public async Task<string?> FindWeakness(CancellationToken ct) =>
        await kept.FindFault(ct) is null ? trial.Found!.Weakness : null;

    public async Task<string?> FindNetworkWeakness(NetworkAccess network, CancellationToken ct) =>
        await kept.FindFault(ct) is null ? Networks.Weakness(network, trial.Found!.NetworkFault) : null;

    public async Task<IRunning> Start(Blueprint blueprint, CancellationToken ct)
    {
        await RuntimeCatalog.MustWork(this, ct);
        var agent = blueprint.Agent;
        await runs.Follow(ct);
        var imageId = (
            await api.Image(image, ct) ?? throw Problem.Unavailable($"{Name} no longer has the image '{image}'")
        ).Id;
        var can = trial.Found!;
        // Docker refuses a missing folder too; podman creates an empty one in its place.
        if (blueprint.Mounts.FirstOrDefault(m => !Path.Exists(m.Source)) is { } missing)
            throw Problem.Unavailable($"{agent} cannot mount {missing.Source} as {missing.Target}: not found");
        if (can.HasUsers)
            blueprint = blueprint with { Mounts = await Task.Run(() => volumes.Mount(blueprint), ct) };
        string? id = null;
        var created = true;
        try
        {
            var filter = api.Daemon.FilterIn(folder, can.Filter);
            var weakness = Networks.Join(can.Weakness, Networks.Weakness(blueprint.Network, can.NetworkFault));
            var recipe = ContainerRecipe.For(
                api.Daemon,
                blueprint,
                volumes.UserOf(agent),
                image,
                imageId,
                instance,
                runDir,
                can,
                filter,
                weakness
            );
            id = await KeepSame(agent, ContainerRecipe.HashOf(recipe), ct);
            created = id is null;
            id ??= await api.Create($"hive-{instance}-{agent}", recipe, ct);
            await api.Start(id, ct);
            var container =
                await api.Inspect(id, ct)
                ?? throw Problem.Unavailable(
                    $"{agent} was started, but its container has been removed from outside Hive; start it again"
                );
            var run = runs.Add(container);
            if (!container.State.IsRunning)
                await runs.Check(id);
            return run;
        }
        catch
        {
            await TryUndo(agent, id, created);
            throw;
        }
    }

    public async Task<IRunning?> Find(string agent, CancellationToken ct) => await runs.Find(agent, ct);

    public async Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct)
    {
        var all = await runs.List(ct);
        if (!hasUnmounted)
            hasUnmounted = TryUnmount(() => volumes.UnmountOthers(all.Keys));
        return all;
    }

    public async Task Remove(string agent)
    {
        foreach (var container in await runs.Of(agent, CancellationToken.None))
        {
            await api.Remove(container.Id, CancellationToken.None);
            await runs.Check(container.Id);
        }

        volumes.Unmount(agent);
        output.Remove(agent);
    }

    public Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct) =>
        output.Tail(agent, lines, ct);

    public IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, CancellationToken ct) =>
        output.Follow(agent, lines, ct);

    public void Dispose() => api.Dispose();

    // Returns the container that fits the recipe, if there is one, and removes every other container of the agent.
    private async Task<string?> KeepSame(string agent, string hash, CancellationToken ct)
    {
        string? same = null;
        foreach (var container in await runs.Of(agent, ct))
        {
            if (
                same is null
                && (container.State is "created" or "exited" or "running")
                && container.Labels?.GetValueOrDefault(ContainerRecipe.Blueprint) == hash
            )
            {
                same = container.Id;
                continue;
            }

            await output.Keep(agent, container.Id);
            await api.Remove(container.Id, ct);
            await runs.Check(container.Id);
        }

        return same;
    }

    private bool TryUnmount(Action unmount)
    {
        try
        {
            unmount();
            return true;
        }
        catch (Problem e)
        {
            LogNotUnmounted(log, Name, e.Message);
            return false;
        }
    }

    private async Task TryUndo(string agent, string? id, bool created)
    {
        try
        {
            if (!created)
                await api.Signal(id!, "KILL", CancellationToken.None);
            else if (id is not null)
                await api.Remove(id, CancellationToken.None);
            if (created)
                volumes.Unmount(agent);
        }
        catch (Problem e)
        {
            LogNotUndone(log, Name, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Daemon}: mounts of an earlier host are left: {Error}")]
    private static partial void LogNotUnmounted(ILogger logger, string daemon, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Daemon} could not undo a start that failed: {Error}")]
    private static partial void LogNotUndone(ILogger logger, string daemon, string error);
}
