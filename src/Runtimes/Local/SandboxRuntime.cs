using System.ComponentModel;
using System.Globalization;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Runtimes.Local;

/// <summary>
/// Runs an agent under bubblewrap: user, mount, pid, ipc and uts namespaces of its own; the host's <c>/usr</c> and the
/// kernel's settings read-only, and otherwise only the agent's own mounts. The network is the host's.
/// </summary>
internal sealed class SandboxRuntime : LocalRuntime
{
    private const string Program = "bwrap";

    // In a user namespace of its own an agent could mount control groups, and so lift its limits and freeze others.
    private static readonly string[] NoFurtherNamespaces = ["--unshare-user", "--disable-userns"];

    private readonly KeptTrial trial;

    // The flags that the last successful trial used.
    private volatile string[] user = NoFurtherNamespaces;

    public SandboxRuntime(LocalProcesses processes, TimeProvider clock)
        : base(processes) => trial = new KeptTrial(Try, clock);

    public override string Name => "sandbox";

    public override Task<Fault?> FindFault(CancellationToken ct) => trial.FindFault(ct);

    public override async Task<string?> FindWeakness(CancellationToken ct)
    {
        var unlimited = await base.FindWeakness(ct);
        if (await FindFault(ct) is not null || user == NoFurtherNamespaces || unlimited is not null)
            return unlimited;
        return "an agent can lift its limits: bubblewrap is older than 0.8, or the kernel has no user namespaces";
    }

    protected override Launch Prepare(Blueprint blueprint)
    {
        List<string> arguments = [Program, .. Base(user), "--hostname", blueprint.Agent];
        foreach (var mount in blueprint.Mounts)
            arguments.AddRange([mount.Writable ? "--bind" : "--ro-bind", mount.Source, mount.Target]);
        arguments.AddRange(["--chdir", blueprint.WorkingDirectory, "--clearenv"]);
        foreach (var (key, value) in blueprint.Environment)
            arguments.AddRange(["--setenv", key, value]);
        return new Launch([.. arguments, "--", .. blueprint.Command], Launch.PathAlone, "/");
    }

    protected override void Terminate(int leader, int pump) => ProcessTree.TerminateInside(leader, pump);

    private static List<string> Base(string[] user)
    {
        List<string> arguments =
        [
            "--cap-drop",
            "ALL",
            .. user,
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
            "--tmpfs",
            "/tmp",
            "--tmpfs",
            "/run",
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
            arguments.AddRange(["--ro-bind-try", path, path]);
        return arguments;
    }

    private async Task<Fault?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        try
        {
            var (code, error) = await Probe(NoFurtherNamespaces);
            if (code == 0)
            {
                user = NoFurtherNamespaces;
                return null;
            }

            string[] lenient = ["--unshare-user-try"];
            if (code != HarnessProbe.Breached)
                (code, error) = await Probe(lenient);
            if (code == 0)
                user = lenient;
            return code switch
            {
                0 => null,
                HarnessProbe.Breached => HarnessBinary.NoIsolation(error),
                _ => new Fault(
                    $"bubblewrap ended with {code.ToString(CultureInfo.InvariantCulture)}"
                        + (error.Length > 0 ? $" ({error})" : ""),
                    "where the system's policy forbids user namespaces, allow them (sysctl "
                        + "kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0) "
                        + "or start Hive as root"
                ),
            };
        }
        catch (Win32Exception)
        {
            return new Fault("bubblewrap is not installed", "on Debian: apt-get install bubblewrap");
        }
    }

    private static Task<(int ExitCode, string Error)> Probe(string[] user) =>
        Trial.Run(
            [
                Program,
                .. Base(user),
                "--ro-bind",
                HarnessBinary.Folder,
                HarnessBinary.FolderInContainer,
                "--",
                .. HarnessBinary.Probe,
            ],
            CancellationToken.None
        );
}
