using System.ComponentModel;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Runtimes.Local;

/// <summary>
/// Runs an agent under systemd-nspawn, as root without capabilities: a root of its own in memory, the <c>/usr</c> of
/// the host or of the folder that <c>Nspawn:Root</c> names read-only, and otherwise only the agent's own mounts. The
/// network is the host's. The container is neither a unit of systemd nor registered with machined, so that it outlives
/// the host and works where systemd does not run.
/// </summary>
internal sealed class NspawnRuntime : LocalRuntime
{
    private const string Program = "systemd-nspawn";

    private readonly LocalProcesses processes;
    private readonly HivePaths paths;
    private readonly string? root;
    private readonly KeptTrial trial;

    public NspawnRuntime(LocalProcesses processes, HivePaths paths, HiveOptions options, TimeProvider clock)
        : base(processes)
    {
        (this.processes, this.paths, root) = (
            processes,
            paths,
            options.Nspawn.Root is { } folder ? Path.GetFullPath(folder) : null
        );
        trial = new KeptTrial(Try, clock);
    }

    public override string Name => "nspawn";

    public override Task<Fault?> FindFault(CancellationToken ct) => trial.FindFault(ct);

    protected override Launch Prepare(Blueprint blueprint)
    {
        var name = blueprint.Agent;
        List<string> arguments =
        [
            Program,
            .. Base(Machine(name)),
            $"--hostname={name}",
            $"--chdir={blueprint.WorkingDirectory}",
        ];
        foreach (var mount in blueprint.Mounts)
            arguments.Add($"--bind{(mount.Writable ? "" : "-ro")}={Escaped(mount.Source)}:{Escaped(mount.Target)}");
        foreach (var (key, value) in blueprint.Environment)
            arguments.Add($"--setenv={key}={value}");
        return new Launch([.. arguments, "--", .. blueprint.Command], Launch.PathAlone, "/", NeedsGroup: true);
    }

    public override async Task Remove(string agent)
    {
        await base.Remove(agent);
        RemovePropagation(Machine(agent));
    }

    protected override void Terminate(int leader, int pump) => ProcessTree.TerminateInside(leader, pump);

    // No capabilities, although nspawn leaves some to root: with CAP_MKNOD alone an agent could read the host's disks
    // where no device policy of systemd prevents it.
    // No mounts: nspawn leaves the host's /proc below the root (seen with 252), and the kernel then lets a user
    // namespace mount another one in which nothing is read-only.
    private List<string> Base(string machine) =>
        [
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--as-pid2",
            "--console=pipe",
            $"--machine={machine}",
            "--drop-capability=all",
            "--no-new-privileges=yes",
            "--system-call-filter=~@mount",
            "--link-journal=no",
            "--settings=no",
            "--resolv-conf=off",
            "--timezone=off",
            $"--directory={root ?? "/"}",
            "--volatile=yes",
            .. (root is null ? HostEtc.Paths : HostEtc.OfAnyRoot)
                .Where(Path.Exists)
                .Select(path => $"--bind-ro={path}"),
        ];

    private string Machine(string agent) => $"hive-{Instance.Of(paths)}-{agent}";

    // nspawn leaves this folder behind where /run is not a file system of its own (seen with 252).
    private static void RemovePropagation(string machine)
    {
        var folder = $"/run/systemd/nspawn/propagate/{machine}";
        if (Directory.Exists(folder))
            Directory.Delete(folder);
    }

    // A colon separates the two paths of a mount: systemd-nspawn(1).
    private static string Escaped(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);

    private async Task<Fault?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        if (!Environment.IsPrivilegedProcess)
            return new Fault("systemd-nspawn needs root", "start Hive as root, or use 'podman' or 'sandbox'");
        // nspawn lets a container write to the control group in which nspawn was started. Without a group of its own
        // that would be the host's.
        if (await processes.Limits.FindFault(CancellationToken.None) is { } unlimited)
            return new Fault($"no control group can be created for each container ({unlimited})");
        try
        {
            // A name of its own, so that two trials at a time do not collide.
            var machine = Machine($"trial-{Guid.NewGuid().ToString("N")[..8]}");
            var (code, error) = await Trial.Run(
                [
                    Program,
                    .. Base(machine),
                    $"--bind-ro={Escaped(HarnessBinary.Folder)}:{HarnessBinary.FolderInContainer}",
                    "--",
                    .. HarnessBinary.Probe,
                ],
                CancellationToken.None
            );
            RemovePropagation(machine);
            return code switch
            {
                0 => null,
                HarnessProbe.Breached => HarnessBinary.NoIsolation(error),
                _ => new Fault($"systemd-nspawn ended with {code}{(error.Length > 0 ? $" ({error})" : "")}"),
            };
        }
        catch (Win32Exception)
        {
            return new Fault("systemd-nspawn is not installed", "on Debian: apt-get install systemd-container");
        }
    }
}
