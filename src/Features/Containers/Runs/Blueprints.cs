using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Hive.Runtimes;

namespace Hive.Features.Containers.Runs;

/// <summary>Describes an agent's container, with the same mounts for every runtime (docs/architecture.md).</summary>
internal sealed class Blueprints(AgentFolders folders, IRoster roster, HivePaths paths)
{
    public Blueprint For(AgentEntry agent, AgentSpec spec, string driver)
    {
        var name = agent.Name;
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            ["LANG"] = "C.UTF-8",
            ["HOME"] = "/home/agent",
            ["HIVE_AGENT"] = name,
            ["HIVE_SOCKET"] = "/run/hive/agent.sock",
            ["HIVE_STATE_DIR"] = $"/agents/{name}/state",
            [AgentGit.Variable] = $"/run/hive/{AgentGit.FileName}",
        };
        return new Blueprint(
            name,
            [$"{HarnessBinary.FolderInContainer}/{HarnessBinary.FileName}", "serve", "--driver", driver],
            [.. Mounts(agent, spec)],
            environment,
            new ContainerLimits(spec.Limits.MemoryBytes, spec.Limits.CpuPercent),
            NetworkOf(spec)
        );
    }

    /// <summary>The network that a configuration asks for.</summary>
    public static NetworkAccess NetworkOf(AgentSpec spec) =>
        spec.Network switch
        {
            AgentNetwork.None => NetworkAccess.None,
            AgentNetwork.Host => NetworkAccess.Host,
            _ => NetworkAccess.Outbound,
        };

    private IEnumerable<Mount> Mounts(AgentEntry agent, AgentSpec spec)
    {
        var name = agent.Name;
        yield return new Mount(HarnessBinary.Folder, HarnessBinary.FolderInContainer, Writable: false);
        // Read-only, so that an agent cannot replace its socket or its configuration. It can still connect to the
        // socket.
        yield return new Mount(folders.Run(name), "/run/hive", Writable: false);
        yield return new Mount(folders.State(name), $"/agents/{name}/state", Writable: true);
        yield return new Mount(folders.Home(name), "/home/agent", Writable: true);
        yield return new Mount(folders.Shared, "/shared", Writable: true);
        foreach (var (input, folder) in spec.Inputs.OrderBy(i => i.Key, StringComparer.Ordinal))
            yield return new Mount(folder, $"/inputs/{input}", Writable: false);
        if (!agent.IsManager)
            yield break;
        yield return new Mount(folders.Config(name), $"/agents/{name}/config", Writable: true);
        foreach (var other in roster.Names.Where(n => n != name))
        {
            yield return new Mount(folders.Config(other), $"/agents/{other}/config", Writable: true);
            yield return new Mount(folders.State(other), $"/agents/{other}/state", Writable: true);
        }

        yield return new Mount(Path.GetDirectoryName(folders.Applied(name))!, "/applied", Writable: false);
        yield return new Mount(Path.Combine(paths.DataDir, "meta"), "/meta", Writable: false);
    }
}
