using System.Globalization;

namespace Hive.Features.Containers;

/// <summary>
/// Runs an agent under bubblewrap: own mount, pid, ipc and uts namespaces, the host's <c>/usr</c> read-only, and nothing else but the agent's own mounts.
/// The network is the host's.
/// </summary>
internal sealed class SandboxRuntime : LocalRuntime
{
    private const string Program = "bwrap";

    private readonly KeptTrial trial;

    public SandboxRuntime(LocalProcesses processes, TimeProvider clock)
        : base(processes) => trial = new KeptTrial(Try, clock);

    public override string Name => "sandbox";

    public override Task<string?> Fault(CancellationToken ct) => trial.Fault(ct);

    protected override Launch Prepare(Blueprint blueprint)
    {
        List<string> arguments = [Program, .. Base(), "--hostname", blueprint.Agent.Name];
        foreach (var mount in blueprint.Mounts)
            arguments.AddRange([mount.Writable ? "--bind" : "--ro-bind", mount.Source, mount.Target]);
        arguments.AddRange(["--chdir", blueprint.WorkingDirectory, "--clearenv"]);
        foreach (var (key, value) in blueprint.Environment)
            arguments.AddRange(["--setenv", key, value]);
        return new Launch([.. arguments, "--", .. blueprint.Command], Launch.PathAlone, "/");
    }

    protected override void Terminate(int leader, int pump) => ProcessTree.TerminateInside(leader, pump);

    protected override IReadOnlyList<string>? Enter(int leader, int pump, IReadOnlyList<string> command) => ProcessTree.Enter(leader, pump, command);

    private static List<string> Base()
    {
        List<string> arguments =
        [
            "--cap-drop", "ALL", "--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
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

        foreach (var path in HostEtc.Paths)
            arguments.AddRange(["--ro-bind-try", path, path]);
        return arguments;
    }

    private static async Task<string?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        try
        {
            var (code, error) = await Trial.Run([Program, .. Base(), "--ro-bind", Path.GetDirectoryName(HarnessBinary.Path)!, Blueprints.HarnessFolder, "--", $"{Blueprints.HarnessFolder}/{HarnessBinary.FileName}", "--version"], CancellationToken.None);
            return code == 0 ? null : $"bubblewrap ended with {code.ToString(CultureInfo.InvariantCulture)}{(error.Length > 0 ? $" ({error})" : "")}; where the system's policy forbids user namespaces, allow them (sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0) or start Hive as root";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "bubblewrap is not installed; on Debian: apt-get install bubblewrap";
        }
    }
}
