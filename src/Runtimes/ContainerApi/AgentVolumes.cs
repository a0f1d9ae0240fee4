using System.Collections.Concurrent;
using System.Globalization;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Runtimes.Local;

namespace Hive.Runtimes.ContainerApi;

/// <summary>
/// Makes the folders of an agent that is a user of its own ready for a daemon: mounted beside their real place with the
/// owner mapped. The mounts stay while the container exists, so that it can be started by hand.
/// </summary>
internal sealed class AgentVolumes(HivePaths paths, string daemon)
{
    private const string Place = "/run/hive-volumes";

    private const string Trial = ContainerName.Trial;

    // Agents whose folders this host has mounted.
    private readonly ConcurrentDictionary<string, bool> mounted = new();

    private string Prefix => $"{Instance.Of(paths)}-{daemon}-";

    /// <summary>The number of the agent's user and of its group.</summary>
    public uint UserOf(string agent) => AgentUser.Of(Instance.Of(paths), agent);

    /// <summary>Mounts the folders of an agent.</summary>
    /// <returns>Its mounts, with the mounted folders as sources.</returns>
    /// <exception cref="Problem">Code <c>unavailable</c>: they cannot be mounted so.</exception>
    public IReadOnlyList<Mount> Mount(Blueprint blueprint)
    {
        mounted[blueprint.Agent] = true;
        try
        {
            var folders = new MappedFolders(UserOf(blueprint.Agent), [.. blueprint.Mounts.Select(m => m.Source)]);
            var sources = folders.Mount(PlaceOf(blueprint.Agent));
            return [.. blueprint.Mounts.Zip(sources, (mount, source) => mount with { Source = source })];
        }
        catch (IOException e)
        {
            throw Problem.Unavailable($"{blueprint.Agent} cannot be started as a user of its own: {e.Message}", e);
        }
    }

    /// <summary>Mounts every place from which an agent gets folders, for a trial, to find out whether their file
    /// systems can show another owner.</summary>
    /// <param name="mount">The trial's mount.</param>
    /// <param name="use">Uses it, with the mounted folder as its source.</param>
    /// <exception cref="IOException">One cannot be mounted.</exception>
    public async Task<T> Try<T>(Mount mount, Func<uint, Mount, Task<T>> use)
    {
        // Two trials at a time do not use each other's.
        var place = PlaceOf($"{Trial}{Self}_{Guid.NewGuid().ToString("N")[..8]}");
        try
        {
            string[] places = [mount.Source, .. new[] { paths.DataDir, paths.RunDir }.Where(Directory.Exists)];
            var sources = new MappedFolders(UserOf(Trial), places).Mount(place);
            return await use(UserOf(Trial), mount with { Source = sources[0] });
        }
        finally
        {
            MappedFolders.Unmount(place);
        }
    }

    /// <summary>Unmounts an agent's folders.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: they cannot be unmounted.</exception>
    public void Unmount(string agent)
    {
        try
        {
            MappedFolders.Unmount(PlaceOf(agent));
        }
        catch (IOException e)
        {
            throw Problem.Unavailable($"the folders of {agent} cannot be unmounted: {e.Message}; try again", e);
        }

        mounted.TryRemove(agent, out _);
    }

    /// <summary>Unmounts what trials of processes mounted that are gone.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: they cannot be unmounted.</exception>
    public void UnmountTrials()
    {
        foreach (var left in Left().Where(n => n.StartsWith(Trial, StringComparison.Ordinal) && !IsAlive(n)))
            Unmount(left);
    }

    /// <summary>Unmounts what an earlier host mounted for containers that are gone.</summary>
    /// <param name="agents">The agents that have a container.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: they cannot be unmounted.</exception>
    public void UnmountOthers(IEnumerable<string> agents)
    {
        foreach (
            var left in Left()
                .Where(n => !n.StartsWith(Trial, StringComparison.Ordinal))
                .Except(agents)
                .Where(n => !mounted.ContainsKey(n))
        )
            Unmount(left);
    }

    // The process, and by its start that it is still the same one.
    private static string Self =>
        $"{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}_{ProcessTree.StartOf(Environment.ProcessId)}";

    private static bool IsAlive(string trial) =>
        trial.Split('_') is [_, var pid, var start, _]
        && int.TryParse(pid, CultureInfo.InvariantCulture, out var maker)
        && ProcessTree.StartOf(maker) == start;

    private IEnumerable<string> Left() =>
        Environment.IsPrivilegedProcess && Directory.Exists(Place)
            ? Directory.GetDirectories(Place, $"{Prefix}*").Select(p => Path.GetFileName(p)![Prefix.Length..])
            : [];

    private string PlaceOf(string agent) => Path.Combine(Place, Prefix + agent);
}
