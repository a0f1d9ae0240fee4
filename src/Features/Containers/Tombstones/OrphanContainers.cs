using System.Collections.Concurrent;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Ends and removes containers whose agent is not on the roster.</summary>
internal sealed partial class OrphanContainers(IRoster roster, ContainerStates states, ILogger<OrphanContainers> log)
{
    private readonly ConcurrentDictionary<(IRuntime Runtime, string Agent), bool> unfinished = new();

    /// <summary>The runtimes that failed to remove a container.</summary>
    public IEnumerable<IRuntime> Unfinished => unfinished.Keys.Select(left => left.Runtime).Distinct();

    /// <summary>Removes every orphan of a runtime.</summary>
    /// <returns>The agents that have a container, and whether it runs; null when the runtime does not answer.</returns>
    public async Task<IReadOnlyDictionary<string, bool>?> RemoveAll(IRuntime runtime)
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

        var left = unfinished.Keys.Where(u => u.Runtime == runtime).Select(u => u.Agent).ToHashSet();
        foreach (var name in listed.Keys.Union(left))
        {
            if (IsOrphan(name, runtime))
            {
                LogOrphan(log, runtime.Name, name);
                if (!await TryRemove(runtime, name, onlyIfListed: !left.Contains(name)))
                    continue;
            }

            if (left.Contains(name))
            {
                unfinished.TryRemove((runtime, name), out _);
                await states.WaitBriefly(
                    states.UntilStored(name, write => Removals.EndContainer(write, name, runtime.Name))
                );
            }
        }

        return listed;
    }

    /// <summary>Removes the container of an agent that is not on the roster. False when that failed: then the sweep
    /// retries.</summary>
    /// <param name="runtime">Its runtime.</param>
    /// <param name="name">The agent.</param>
    /// <param name="onlyIfListed">True to do nothing when the runtime does not list it any more: it may have been
    /// removed since the caller looked.</param>
    public async Task<bool> TryRemove(IRuntime runtime, string name, bool onlyIfListed = false)
    {
        using var hold = await states.Hold(name);
        if (!IsOrphan(name, runtime))
            return true;
        try
        {
            if (onlyIfListed && !(await runtime.List(CancellationToken.None)).ContainsKey(name))
                return true;
            await runtime.Remove(name);
            return true;
        }
        catch (Exception e)
        {
            unfinished[(runtime, name)] = true;
            LogNotRemoved(log, name, e.Message);
            return false;
        }
    }

    // An agent of that name may run in another runtime by now.
    private bool IsOrphan(string name, IRuntime runtime) =>
        roster.Find(name) is not { } agent || (agent.Runtime != runtime.Name && !runtime.SharesList);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Runtime}: container of {Agent}, which is not on the roster; removing"
    )]
    private static partial void LogOrphan(ILogger logger, string runtime, string agent);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not remove the container of {Agent}; will retry: {Error}"
    )]
    private static partial void LogNotRemoved(ILogger logger, string agent, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Runtime}: could not list its containers")]
    private static partial void LogNotListed(ILogger logger, string runtime, Exception error);
}
