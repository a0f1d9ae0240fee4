using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Finishes removals: the container, then the files, of agents that are off the roster.</summary>
internal sealed partial class AgentRemoval(
    IRoster roster,
    RuntimeCatalog runtimes,
    ContainerStates states,
    Removals removals,
    OrphanContainers orphans,
    AgentFiles files,
    Cleanup cleanup,
    ILogger<AgentRemoval> log
)
{
    /// <summary>Finishes a removal.</summary>
    /// <exception cref="IOException">Not all files could be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">Not all files could be removed.</exception>
    public async Task Finish(Removal removal, bool atStart = false)
    {
        var name = removal.Agent;
        var removed = runtimes.Find(removal.Runtime) is not { } runtime || await orphans.TryRemove(runtime, name);
        LogStep(log, name, "container removed");
        if (roster.Find(name) is null)
            await files.Remove(name, removal.Purge, atStart);
        LogStep(log, name, "files removed");
        await states.WaitBriefly(
            states.UntilStored(name, write => Removals.End(write, removal, containerRemoved: removed))
        );
    }

    /// <summary>Finishes the removals that an earlier host left, side by side: one that hangs does not delay the
    /// others.</summary>
    public async Task FinishAll() =>
        await Task.WhenAll(
            (await removals.Read()).Select(left => cleanup.TryAndLog(left.Agent, () => Finish(left, atStart: true)))
        );

    /// <summary>Finishes an earlier purge under this name, so that a new agent inherits nothing of it.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: files are left.</exception>
    public async Task FinishPurges(string name)
    {
        try
        {
            foreach (var left in (await removals.Read()).Where(r => r.Agent == name && r.Purge))
                await Finish(left);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable(
                $"the files of an earlier agent '{name}', which was purged, cannot be removed: {e.Message}",
                e
            );
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "destroy {Agent}: {Step}")]
    private static partial void LogStep(ILogger logger, string agent, string step);
}
