using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes.Logs;
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
    private readonly ContainerTrial trial;
    private readonly KeptTrial kept;

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
        trial = new ContainerTrial(api, image, instance);
        kept = new KeptTrial(trial.Run, clock, () => trial.IsLess);
        runs = new DaemonRuns(api, instance, bell, clock, log, lifetime.ApplicationStopping);
        output = new DaemonLogs(api, runs, logs, log);
    }

    public string Name { get; }

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
        var recipe = ContainerRecipe.For(blueprint, image, imageId, instance, runDir, trial.Found!);
        var id = await KeepSame(agent, ContainerRecipe.HashOf(recipe), ct);
        var created = id is null;
        if (id is null)
        {
            // Docker refuses a missing folder too; podman creates an empty one in its place.
            if (blueprint.Mounts.FirstOrDefault(m => !Path.Exists(m.Source)) is { } missing)
                throw Problem.Unavailable($"{agent} cannot mount {missing.Source} as {missing.Target}: not found");
            id = await api.Create($"hive-{instance}-{agent}", recipe, ct);
        }

        try
        {
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
            if (created)
                await TryUndo(api.Remove(id, CancellationToken.None));
            else
                await TryUndo(api.Signal(id, "KILL", CancellationToken.None));
            throw;
        }
    }

    public async Task<IRunning?> Find(string agent, CancellationToken ct) => await runs.Find(agent, ct);

    public Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct) => runs.List(ct);

    public async Task Remove(string agent)
    {
        foreach (var container in await runs.Of(agent, CancellationToken.None))
        {
            await api.Remove(container.Id, CancellationToken.None);
            await runs.Check(container.Id);
        }

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

    private async Task TryUndo(Task undoing)
    {
        try
        {
            await undoing;
        }
        catch (Problem e)
        {
            LogNotUndone(log, Name, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Daemon} could not undo a start that failed: {Error}")]
    private static partial void LogNotUndone(ILogger logger, string daemon, string error);
}
