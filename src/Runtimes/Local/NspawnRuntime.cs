using System.ComponentModel;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes.Programs;

namespace Hive.Runtimes.Local;

/// <summary>
/// Runs an agent under systemd-nspawn, as root without capabilities: a root of its own in memory, the <c>/usr</c> of
/// the host or of the folder that <c>Nspawn:Root</c> names read-only, and otherwise only the agent's own mounts; a user
/// namespace whose root is another user outside, and a network of its own. The container is neither a unit of systemd
/// nor registered with machined, so that it outlives the host and works where systemd does not run.
/// </summary>
internal sealed class NspawnRuntime : LocalRuntime
{
    private const string Program = "systemd-nspawn";

    // Calls that nspawn's own filter denies besides, where the profile cannot be used.
    private const string WithoutFilter = "@keyring bpf io_uring_setup perf_event_open setns unshare userfaultfd";

    // As many as a container of systemd has; the agent is the first one and cannot become another.
    private const int Users = 65536;

    private readonly LocalProcesses processes;
    private readonly HivePaths paths;
    private readonly string? root;
    private readonly LaunchFolder folder;
    private readonly Pasta pasta;
    private readonly KeptTrial trial;

    private readonly FoundAbilities<NspawnAbilities> found = new(new(null, null, null));

    public NspawnRuntime(LocalProcesses processes, HivePaths paths, HiveOptions options, TimeProvider clock)
        : base(processes)
    {
        (this.processes, this.paths, root) = (
            processes,
            paths,
            options.Nspawn.Root is { } given ? Path.GetFullPath(given) : null
        );
        (folder, pasta) = (LaunchFolder.Of(paths), new Pasta(options));
        trial = new KeptTrial(Try, clock, () => !found.Last.IsComplete);
    }

    public override string Name => "nspawn";

    public override ContainerPrograms Programs => root is null ? ContainerPrograms.Machine : ContainerPrograms.Image;

    public override Task<Fault?> FindFault(CancellationToken ct) => trial.FindFault(ct);

    public override async Task<string?> FindWeakness(CancellationToken ct)
    {
        var unlimited = await base.FindWeakness(ct);
        if (await FindFault(ct) is not null)
            return unlimited;
        return Networks.Join([unlimited, .. found.Last.Weaknesses]);
    }

    public override async Task<string?> FindNetworkWeakness(NetworkAccess network, CancellationToken ct) =>
        await FindFault(ct) is null ? Pasta.Weakness(network, found.Last.NoNetwork) : null;

    protected override Launch Prepare(Blueprint blueprint, string? unlimited)
    {
        // Read once: a trial beside this start may find others.
        var can = found.Last;
        return Of(blueprint, can, folder) with
        {
            Weakness = Networks.Join([unlimited, .. can.Weaknesses, Pasta.Weakness(blueprint.Network, can.NoNetwork)]),
        };
    }

    public override async Task Remove(string agent)
    {
        await base.Remove(agent);
        folder.Remove(agent);
        RemovePropagation(Machine(agent));
    }

    protected override void Terminate(int leader, int pump) => ProcessTree.TerminateInside(leader, pump);

    private Launch Of(Blueprint blueprint, NspawnAbilities can, LaunchFolder files)
    {
        var name = blueprint.Agent;
        var bundle = can.NoFilter is null ? Path.Combine(files.Path, LaunchFolder.BundleName(name)) : null;
        var confine = bundle is null ? null : Filter(name, bundle);
        var user = AgentUser.Of(Instance.Of(paths), name);
        var network = Networks.Given(blueprint.Network, can.NoNetwork);
        var own = network == NetworkAccess.Outbound;
        List<string> arguments =
        [
            Program,
            .. Base(Machine(name), own, bundle),
            .. can.NoUser is null ? [$"--private-users={user}:{Users}"] : Array.Empty<string>(),
            .. network == NetworkAccess.None ? ["--private-network"] : Array.Empty<string>(),
            $"--hostname={name}",
            $"--chdir={blueprint.WorkingDirectory}",
        ];
        // The agent sees as its own what belongs to root on the disk.
        var mapped = can.NoUser is null ? ":idmap" : "";
        foreach (var mount in blueprint.Mounts)
            arguments.Add(
                $"--bind{(mount.Writable ? "" : "-ro")}={Escaped(mount.Source)}:{Escaped(mount.Target)}{mapped}"
            );
        foreach (var (key, value) in blueprint.Environment)
            arguments.Add($"--setenv={key}={value}");
        arguments.AddRange(["--", .. blueprint.Command]);
        return own
            ? new Launch(
                [
                    "sh",
                    "-c",
                    NspawnNetwork.Script(pasta, user),
                    "hive",
                    Path.Combine(files.Path, LaunchFolder.PipeName(name)),
                    .. arguments,
                ],
                Launch.PathAlone,
                "/",
                NeedsGroup: true
            )
            {
                View = new MappedFolders(user, []),
                Confine = confine,
            }
            : new Launch(arguments, Launch.PathAlone, "/", NeedsGroup: true) { Confine = confine };
    }

    // No capabilities, although nspawn leaves some to root: with CAP_MKNOD alone an agent could read the host's disks
    // where no device policy of systemd prevents it.
    // No mounts: nspawn leaves the host's /proc below the root (seen with 252), and the kernel then lets a user
    // namespace mount another one in which nothing is read-only.
    // The filter's other part is loaded before nspawn starts. With a bundle, nspawn reads no file of settings.
    private List<string> Base(string machine, bool ownNetwork, string? bundle) =>
        [
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--as-pid2",
            "--console=pipe",
            $"--machine={machine}",
            "--drop-capability=all",
            "--no-new-privileges=yes",
            $"--rlimit=NOFILE={Limits.ResourceLimits.MaxOpenFiles}",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            .. bundle is null
                ? ["--settings=no", $"--directory={root ?? "/"}", $"--system-call-filter=~@mount {WithoutFilter}"]
                : new[] { $"--oci-bundle={bundle}" },
            "--volatile=yes",
            .. (root is null ? HostEtc.Paths : HostEtc.OfAnyRoot)
                .Where(Path.Exists)
                .Select(path =>
                    ownNetwork && path == HostEtc.Resolver
                        ? $"--bind-ro={Pasta.ResolverFile}:{path}"
                        : $"--bind-ro={path}"
                ),
        ];

    // Both parts from one reading of the profile: a newer one may name more calls.
    private Action Filter(string agent, string bundle)
    {
        var profile = SystemCallProfile.Read(out var fault);
        if (profile is not null)
            fault = SystemCallFilter.WriteBundle(bundle, root ?? "/", profile);
        return fault is null
            ? () => SystemCallFilter.LoadAroundNspawn(profile!)
            : throw Problem.Unavailable($"{agent} cannot be started with a filter of system calls: {fault}");
    }

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
            var (code, error, can) = await ProbeBest();
            return code switch
            {
                0 => found.Keep(can),
                HarnessProbe.Breached => HarnessBinary.NoIsolation(error),
                _ => new Fault($"systemd-nspawn ended with {code}{(error.Length > 0 ? $" ({error})" : "")}"),
            };
        }
        catch (Win32Exception e) when (Trial.IsMissing(e))
        {
            return new Fault("systemd-nspawn is not installed", "on Debian: apt-get install systemd-container");
        }
        catch (Exception e) when (e is IOException or TimeoutException or Win32Exception)
        {
            return new Fault(e.Message);
        }
    }

    // With everything first, then without what may be at fault: the network, the filter, the user.
    private async Task<(int ExitCode, string Error, NspawnAbilities Can)> ProbeBest()
    {
        await Trial.Run([Program, "--version"], CancellationToken.None);
        // A name of its own, so that two trials at a time do not collide.
        var name = $"trial-{Guid.NewGuid().ToString("N")[..8]}";
        var noFilter = SystemCallProfile.Read(out var missing) is null ? missing : null;
        NspawnAbilities best = new(null, noFilter, await pasta.FindFault(AgentUser.Of(Instance.Of(paths), name)));
        (int ExitCode, string Error, NspawnAbilities Can) last = (-1, "", best);
        foreach (var less in best.Lesser())
        {
            var can = less(last.Error);
            var (code, error) = await Probe(name, can);
            last = (code, error, can);
            if (code is 0 or HarnessProbe.Breached)
                break;
            if (Trial.MayPass(error))
                throw new IOException($"systemd-nspawn ended with {code} ({error})");
        }

        return last;
    }

    private async Task<(int ExitCode, string Error)> Probe(string name, NspawnAbilities can)
    {
        using var own = LaunchFolder.ForTrial();
        try
        {
            return await processes.Try(
                Of(
                    new Blueprint(
                        name,
                        HarnessBinary.Probe,
                        [
                            new Mount(HarnessBinary.Folder, HarnessBinary.FolderInContainer, Writable: false),
                            new Mount(own.Path, $"/agents/{name}/state", Writable: false),
                            .. new[] { paths.DataDir, paths.RunDir }
                                .Where(Directory.Exists)
                                .Select((place, i) => new Mount(place, $"/inputs/{i}", Writable: false)),
                        ],
                        Launch.PathAlone,
                        new ContainerLimits(0, 0)
                    ),
                    can,
                    own
                ),
                name
            );
        }
        catch (Exception e) when (e is IOException or Problem)
        {
            return (-1, e.Message);
        }
        finally
        {
            RemovePropagation(Machine(name));
        }
    }
}
