using System.Globalization;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;

namespace Hive.Runtimes.Local;

/// <summary>The abilities of bubblewrap on this machine.</summary>
internal sealed record SandboxAbilities(Fault? NoNamespace, Fault? NoUser, Fault? NoFilter, Fault? NoNetwork)
    : Abilities(NoNamespace, NoUser, NoFilter, NoNetwork)
{
    /// <summary>It can make a user namespace and forbid further ones.</summary>
    public bool Strict => NoNamespace is null;

    /// <summary>Agents are users of their own.</summary>
    public bool HasUsers => Strict && NoUser is null && Environment.IsPrivilegedProcess;
}

/// <summary>Composes the command line of a sandbox. Bubblewrap reads its arguments from a file, so that the agent does
/// not see the host's paths in the arguments of its first process.</summary>
internal sealed class SandboxCommand(Pasta pasta, HivePaths paths)
{
    public const string Program = "bwrap";

    // In a user namespace of its own an agent could mount control groups, and so lift its limits and freeze others.
    private static readonly string[] NoFurtherNamespaces = ["--unshare-user", "--disable-userns"];

    // As for a container of podman. Older versions of bubblewrap have no --size.
    private const int PartInMemory = 2;

    private static readonly string[] InMemory = ["/dev/shm", "/tmp", "/run"];

    private const string Script = $"""
        filter=$2
        exec 8< "$1" || exit 125
        shift 2
        [ -z "$filter" ] || exec 9< "$filter" || exit 125
        exec {Program} --args 8 -- "$@"
        """;

    /// <summary>Composes the start of a container.</summary>
    /// <param name="blueprint">The container.</param>
    /// <param name="can">What is possible here.</param>
    /// <param name="folder">Receives the arguments, and holds the filter.</param>
    public Launch Of(Blueprint blueprint, SandboxAbilities can, LaunchFolder folder)
    {
        string[] sources = [folder.Path, .. blueprint.Mounts.Select(m => m.Source)];
        var user = AgentUser.Of(Instance.Of(paths), blueprint.Agent);
        var seen = can.HasUsers ? [.. sources.Select((_, i) => MappedFolders.PathOf(i))] : sources;
        var network = Networks.Given(blueprint.Network, can.NoNetwork);
        var own = network == NetworkAccess.Outbound;
        folder.WriteArguments(blueprint.Agent, Arguments(blueprint, can, seen, network));
        List<string> command =
        [
            .. can.HasUsers ? Pasta.As(user) : [],
            .. own ? [.. pasta.Command(), "--"] : Array.Empty<string>(),
            "sh",
            "-c",
            Script,
            "hive",
            $"{seen[0]}/{LaunchFolder.ArgumentsName(blueprint.Agent)}",
            can.NoFilter is null ? $"{seen[0]}/{LaunchFolder.FilterName}" : "",
            .. blueprint.Command,
        ];
        return new Launch(command, Launch.PathAlone, "/")
        {
            View = can.HasUsers ? new MappedFolders(user, sources) : null,
        };
    }

    private static List<string> Arguments(
        Blueprint blueprint,
        SandboxAbilities can,
        string[] seen,
        NetworkAccess network
    )
    {
        List<string> arguments =
        [
            "--cap-drop",
            "ALL",
            .. can.Strict ? NoFurtherNamespaces : ["--unshare-user-try"],
            .. can.Strict ? Identity(can.HasUsers) : [],
            .. network == NetworkAccess.None ? ["--unshare-net"] : Array.Empty<string>(),
            .. can.NoFilter is null ? ["--seccomp", "9"] : Array.Empty<string>(),
            .. Host(network == NetworkAccess.Outbound, can.Strict ? blueprint.Limits.MemoryBytes / PartInMemory : 0),
            "--hostname",
            blueprint.Agent,
        ];
        foreach (var (mount, source) in blueprint.Mounts.Zip(seen.Skip(1)))
            arguments.AddRange([mount.Writable ? "--bind" : "--ro-bind", source, mount.Target]);
        arguments.AddRange(["--chdir", blueprint.WorkingDirectory, "--clearenv"]);
        foreach (var (key, value) in blueprint.Environment)
            arguments.AddRange(["--setenv", key, value]);
        return arguments;
    }

    // Inside, the agent has the number that owns its files there.
    private static string[] Identity(bool root) =>
        root
            ? ["--uid", "0", "--gid", "0"]
            :
            [
                "--uid",
                LinuxProcess.UserId.ToString(CultureInfo.InvariantCulture),
                "--gid",
                LinuxProcess.GroupId.ToString(CultureInfo.InvariantCulture),
            ];

    private static List<string> Host(bool ownNetwork, long memory)
    {
        string[] size = memory > 0 ? ["--size", memory.ToString(CultureInfo.InvariantCulture)] : [];
        List<string> arguments =
        [
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--ro-bind",
            "/usr",
            "/usr",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            .. InMemory.SelectMany(folder => (string[])[.. size, "--tmpfs", folder]),
            .. KernelFiles.ReadOnly.SelectMany(path => (string[])["--ro-bind", path, path]),
            .. KernelFiles.HiddenFiles.SelectMany(path => (string[])["--ro-bind", "/dev/null", path]),
            .. KernelFiles.HiddenFolders.SelectMany(path => (string[])["--tmpfs", path, "--remount-ro", path]),
        ];
        foreach (var folder in new[] { "bin", "sbin", "lib", "lib32", "lib64" })
        {
            // On a merged-/usr system these are links, elsewhere folders.
            var path = $"/{folder}";
            if (new DirectoryInfo(path) is { LinkTarget: not null })
                arguments.AddRange(["--symlink", $"usr/{folder}", path]);
            else if (Directory.Exists(path))
                arguments.AddRange(["--ro-bind", path, path]);
        }

        foreach (var path in HostEtc.Paths)
        {
            var source = ownNetwork && path == HostEtc.Resolver ? Pasta.ResolverFile : path;
            arguments.AddRange(["--ro-bind-try", source, path]);
        }

        return arguments;
    }
}
