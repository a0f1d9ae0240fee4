using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Tombstones;
using Hive.Features.Containers.Verbs;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>
/// Reconciles the containers with the states that they should have. At the host's start it finishes what earlier hosts
/// left, finds their runs, and starts what is missing; from then on a sweep catches the changes that no event reported.
/// </summary>
internal sealed partial class Reconciler(
    IRoster roster,
    RuntimeCatalog runtimes,
    ContainerRows rows,
    UnfinishedWork unfinished,
    RunFinder finder,
    MissingStarts missing,
    ContainerSweep sweep,
    AgentCreation creation,
    AgentLauncher launcher,
    AppliedState applied,
    ContainerStates states,
    ManagerMounts mounts,
    Restarts restarts,
    SocketDoors doors,
    TombstoneList tombstones,
    Trash trash,
    ILogger<Reconciler> log
) : IHostedService
{
    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await unfinished.Finish();
        var stored = await rows.Read(cancellationToken);
        foreach (var agent in roster.All)
        {
            var row = stored.GetValueOrDefault(agent.Name);
            restarts.Load(agent.Name, row?.Restarts);
            var fault = await TryPrepare(agent.Name);
            states.Load(
                agent.Name,
                Container.Stopped with
                {
                    Failed = row?.Failed ?? false,
                    Note = fault ?? row?.Note,
                    OverLimit = row?.OverLimit,
                    RunsOn = agent.Runtime == RuntimeCatalog.External ? row?.RunsOn : null,
                },
                row?.ChangedAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null
            );
        }

        // The runtimes side by side; one that does not answer is not asked again for each agent.
        await Task.WhenAll(
            roster.All.GroupBy(a => a.Runtime).Select(group => finder.FindAll(group.Key, [.. group], stored))
        );
        foreach (var agent in roster.All)
            _ = applied.Refresh(agent.Name);

        await EnsureManager(cancellationToken);
        // Agents that ended while no host was there to see it. The others are free for verbs at once.
        _ = missing.Start([
            .. stored.Values.Where(r => r.ShouldRun && states.Of(r.Agent).Running is null).Select(r => r.Agent),
        ]);
        await tombstones.Refresh();
        // However much an earlier host has left in the trash, nothing waits for it.
        _ = trash.Sweep();
        _ = sweep.Run();
        // Agents may have come or gone while the manager ran without a host.
        mounts.Refresh();
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken)
    {
        doors.Dispose();
        return Task.CompletedTask;
    }

    // Creates an agent's folders and opens its socket. A failure becomes the agent's note, and affects no other agent.
    private async Task<string?> TryPrepare(string name)
    {
        try
        {
            await launcher.CreateFolders(name);
            launcher.OpenSocket(name);
            return null;
        }
        catch (Exception e)
        {
            LogNotReady(log, name, e);
            return $"{name} cannot connect: {e.Message}; fix that, then `rebuild` it";
        }
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
            // Created in any case, so that messages to it are kept; its start reports again what is missing.
            LogNoRuntime(log, e.Message);
            runtime = runtimes.Preferred;
        }

        await creation.Create(Principals.Manager, runtime, start: runtime != RuntimeCatalog.External);
        if (runtime != RuntimeCatalog.External)
            _ = missing.Start([Principals.Manager]);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Agent}: could not create folders or socket")]
    private static partial void LogNotReady(ILogger logger, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the manager cannot run yet: {Reason}")]
    private static partial void LogNoRuntime(ILogger logger, string reason);
}
