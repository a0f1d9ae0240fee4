using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Runtimes.Local;

/// <summary>
/// Runs an agent under systemd-nspawn, as root without capabilities: a root of its own in memory, the host's
/// <c>/usr</c> read-only (or that of the root folder that <c>Nspawn:Root</c> names),
/// and nothing else but the agent's own mounts. The network is the host's. It is no unit of systemd's and not
/// registered with machined, so that it runs where neither is there and outlives the host.
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

    public override Task<string?> Fault(CancellationToken ct) => trial.Fault(ct);

    protected override Launch Prepare(Blueprint blueprint)
    {
        var name = blueprint.Agent.Name;
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

    protected override IReadOnlyList<string>? Enter(int leader, int pump, IReadOnlyList<string> command) =>
        ProcessTree.Enter(leader, pump, command);

    // Without the capabilities that nspawn leaves to root: with CAP_MKNOD alone an agent could read the host's disks
    // where no device policy of systemd's stands before them.
    // Without mounts: nspawn leaves the host's /proc under the root (seen with 252), and where such a one is, the
    // kernel lets a user
    // namespace mount another with nothing read-only.
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

    // A folder that nspawn leaves behind where /run is no file system of its own (seen with 252: it refuses to remove
    // it itself then).
    private static void RemovePropagation(string machine)
    {
        var folder = $"/run/systemd/nspawn/propagate/{machine}";
        if (Directory.Exists(folder))
            Directory.Delete(folder);
    }

    // A colon parts a mount's two paths: systemd-nspawn(1).
    private static string Escaped(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);

    private async Task<string?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        if (!Environment.IsPrivilegedProcess)
            return "systemd-nspawn needs root; start Hive as root, or use 'podman' or 'sandbox'";
        // It gives a container the control group it was started in to write to: without one of its own that would be
        // everybody's.
        if (await processes.Limits.Fault(CancellationToken.None) is { } unlimited)
            return $"no control group can be made for each container ({unlimited})";
        try
        {
            // Whose it is does not matter to the next one.
            var machine = Machine($"trial-{Guid.NewGuid().ToString("N")[..8]}");
            var (code, error) = await Trial.Run(
                [
                    Program,
                    .. Base(machine),
                    $"--bind-ro={Escaped(HarnessBinary.Folder)}:{Blueprints.HarnessFolder}",
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
                _ => $"systemd-nspawn ended with {code}{(error.Length > 0 ? $" ({error})" : "")}",
            };
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "systemd-nspawn is not installed; on Debian: apt-get install systemd-container";
        }
    }
}
