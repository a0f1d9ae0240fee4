using System.Globalization;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Containers;

/// <summary>
/// Runs an agent under bubblewrap: own mount, pid, ipc and uts namespaces, the host's <c>/usr</c> read-only, and nothing else but the agent's own mounts.
/// The network is the host's.
/// </summary>
internal sealed class SandboxRuntime(AgentFolders folders, IRoster roster, TimeProvider clock) : IRuntime
{
    private const string Program = "bwrap";
    private static readonly TimeSpan FaultKept = TimeSpan.FromMinutes(1);

    // What programs need of /etc to look up names and trust certificates. Never a whole folder that may hold private keys.
    private static readonly string[] SharedEtc =
        ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/alternatives", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/ld.so.cache"];

    private readonly Lock gate = new();
    private Task<string?>? tried;
    private DateTimeOffset triedAt;

    public string Name => "sandbox";

    public string? Warning => null;

    public Task<string?> Fault(CancellationToken ct)
    {
        lock (gate)
        {
            // What works goes on working; what does not is tried again now and then, not whenever somebody asks.
            var keep = tried is not null && (tried is { IsCompletedSuccessfully: true, Result: null } || clock.GetUtcNow() - triedAt < FaultKept);
            if (!keep)
                (tried, triedAt) = (Try(), clock.GetUtcNow());
            return tried!.WaitAsync(ct);
        }
    }

    public Launch Prepare(AgentEntry agent, string driver)
    {
        var name = agent.Name;
        List<string> arguments = [Program, .. Base()];
        arguments.AddRange(["--hostname", name]);
        arguments.AddRange(["--ro-bind", Path.GetDirectoryName(HarnessBinary.Path)!, "/opt/hive"]);
        // Read-only, so that an agent cannot replace its socket or its configuration; connecting to the socket is no write to the folder.
        arguments.AddRange(["--ro-bind", folders.Run(name), "/run/hive"]);
        arguments.AddRange(["--bind", folders.State(name), $"/agents/{name}/state"]);
        arguments.AddRange(["--bind", folders.Home(name), "/home/agent"]);
        arguments.AddRange(["--bind", folders.Shared, "/shared"]);
        if (agent.IsManager)
            arguments.AddRange(ManagersMounts());
        arguments.AddRange(["--chdir", $"/agents/{name}/state", "--clearenv"]);
        foreach (var (key, value) in new[]
        {
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"), ("LANG", "C.UTF-8"), ("HOME", "/home/agent"), ("HIVE_AGENT", name),
            ("HIVE_SOCKET", "/run/hive/agent.sock"), ("HIVE_STATE_DIR", $"/agents/{name}/state"),
        })
        {
            arguments.AddRange(["--setenv", key, value]);
        }

        arguments.AddRange(["--", $"/opt/hive/{HarnessBinary.FileName}", "serve", "--driver", driver]);
        return new Launch(arguments, new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin" }, "/");
    }

    private static List<string> Base()
    {
        List<string> arguments =
        [
            "--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
            "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run",
        ];
        foreach (var folder in new[] { "bin", "sbin", "lib", "lib32", "lib64" })
        {
            // On a merged-/usr system these are links; elsewhere they are folders of their own.
            var path = $"/{folder}";
            if (new DirectoryInfo(path) is { LinkTarget: not null })
                arguments.AddRange(["--symlink", $"usr/{folder}", path]);
            else if (Directory.Exists(path))
                arguments.AddRange(["--ro-bind", path, path]);
        }

        foreach (var path in SharedEtc)
            arguments.AddRange(["--ro-bind-try", path, path]);
        return arguments;
    }

    private IEnumerable<string> ManagersMounts()
    {
        foreach (var other in roster.Names.Where(n => n != Principals.Manager))
        {
            foreach (var (source, target) in new[] { (folders.Config(other), $"/agents/{other}/config"), (folders.State(other), $"/agents/{other}/state") })
            {
                yield return "--bind-try";
                yield return source;
                yield return target;
            }
        }

        yield return "--ro-bind-try";
        yield return Path.GetDirectoryName(folders.Applied(Principals.Manager))!;
        yield return "/applied";
    }

    private static async Task<string?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        try
        {
            var (code, error) = await Trial.Run([Program, .. Base(), "--ro-bind", Path.GetDirectoryName(HarnessBinary.Path)!, "/opt/hive", "--", $"/opt/hive/{HarnessBinary.FileName}", "--version"], CancellationToken.None);
            return code == 0 ? null : $"bubblewrap ended with {code.ToString(CultureInfo.InvariantCulture)}{(error.Length > 0 ? $" ({error})" : "")}; the system's policy may forbid user namespaces";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "bubblewrap is not installed (Debian: apt-get install bubblewrap)";
        }
    }
}
