using System.Globalization;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Programs;

namespace Hive.Features.Containers.Runs;

/// <summary>Describes an agent's container, with the same mounts for every runtime (docs/architecture.md).</summary>
internal sealed class Blueprints(
    AgentFolders folders,
    IRoster roster,
    HivePaths paths,
    RuntimeCatalog runtimes,
    ClaudeCode claude
)
{
    private const string OwnLoopback = "localhost,127.0.0.1,::1";
    private const string Launchers = "bin";

    private const UnixFileMode ForAll =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    public Blueprint For(AgentEntry agent, AgentSpec spec, string driver)
    {
        var name = agent.Name;
        var mounted = claude.For(driver, agent.Runtime)?.Mounts ?? [];
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = mounted.Count == 0 ? HostPrograms.ContainerPath : SearchedIn(agent.Runtime),
            ["LANG"] = "C.UTF-8",
            ["HOME"] = "/home/agent",
            ["HIVE_AGENT"] = name,
            ["HIVE_SOCKET"] = "/run/hive/agent.sock",
            ["HIVE_STATE_DIR"] = $"/agents/{name}/state",
            [AgentGit.Variable] = $"/run/hive/{AgentGit.FileName}",
        };
        if (spec.Hosts is not null)
        {
            foreach (var (variable, value) in ProxyVariables)
                environment[variable] = value;
        }

        return new Blueprint(
            name,
            [$"{HarnessBinary.FolderInContainer}/{HarnessBinary.FileName}", "serve", "--driver", driver],
            [.. Mounts(agent, spec), .. mounted],
            environment,
            new ContainerLimits(spec.Limits.MemoryBytes, spec.Limits.CpuPercent),
            NetworkOf(spec)
        );
    }

    /// <summary>Writes the scripts that start the mounted programs, into the folder that an agent sees as
    /// <c>/run/hive</c>.</summary>
    public void WriteLaunchers(AgentEntry agent, string driver)
    {
        var folder = Path.Combine(folders.Run(agent.Name), Launchers);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        if (claude.For(driver, agent.Runtime) is not { } program)
            return;
        Directory.CreateDirectory(folder);
        var launcher = Path.Combine(folder, ClaudeCode.Name);
        File.WriteAllText(launcher, program.Launcher);
        File.SetUnixFileMode(launcher, ForAll);
    }

    // An image's own program comes first: the image may have been made with another version on purpose.
    private string SearchedIn(string runtime) =>
        runtimes.Find(runtime)?.Programs == ContainerPrograms.Image
            ? $"{HostPrograms.ContainerPath}:/run/hive/{Launchers}"
            : $"/run/hive/{Launchers}:{HostPrograms.ContainerPath}";

    // Programs read one or the other case. Services of the agent's own are on its own loopback. Node.js needs the last
    // one.
    private static IEnumerable<(string Name, string Value)> ProxyVariables
    {
        get
        {
            yield return (EgressProxyAddress.Variable, "/run/hive/proxy.sock");
            var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{EgressProxyAddress.Port}");
            foreach (var name in (string[])["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
            {
                yield return (name, url);
                yield return (name.ToLowerInvariant(), url);
            }

            yield return ("NO_PROXY", OwnLoopback);
            yield return ("no_proxy", OwnLoopback);
            yield return ("NODE_USE_ENV_PROXY", "1");
        }
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
