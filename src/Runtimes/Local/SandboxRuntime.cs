using System.ComponentModel;
using System.Globalization;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes.Programs;

namespace Hive.Runtimes.Local;

/// <summary>
/// Runs an agent under bubblewrap: user, mount, pid, ipc, uts and network namespaces of its own, a filter of system
/// calls; the host's <c>/usr</c> and the kernel's settings read-only, and otherwise only the agent's own mounts.
/// </summary>
internal sealed class SandboxRuntime : LocalRuntime
{
    private readonly HivePaths paths;
    private readonly LaunchFolder folder;
    private readonly Pasta pasta;
    private readonly SandboxCommand command;
    private readonly KeptTrial trial;

    private volatile bool hasFilter;

    private readonly FoundAbilities<SandboxAbilities> found = new(new(null, null, null, null));

    public SandboxRuntime(LocalProcesses processes, HivePaths paths, HiveOptions options, TimeProvider clock)
        : base(processes)
    {
        (this.paths, folder, pasta) = (paths, LaunchFolder.Of(paths), new Pasta(options));
        command = new SandboxCommand(pasta, paths);
        trial = new KeptTrial(Try, clock, () => !found.Last.IsComplete);
    }

    public override string Name => "sandbox";

    public override ContainerPrograms Programs => ContainerPrograms.Machine;

    public override Task<Fault?> FindFault(CancellationToken ct) => trial.FindFault(ct);

    public override async Task<string?> FindWeakness(CancellationToken ct)
    {
        var unlimited = await base.FindWeakness(ct);
        if (await FindFault(ct) is not null)
            return unlimited;
        return Weakness(found.Last, unlimited);
    }

    public override async Task<string?> FindNetworkWeakness(NetworkAccess network, CancellationToken ct) =>
        await FindFault(ct) is null ? Pasta.Weakness(network, found.Last.NoNetwork) : null;

    public override async Task Remove(string agent)
    {
        await base.Remove(agent);
        folder.Remove(agent);
    }

    protected override Launch Prepare(Blueprint blueprint, string? unlimited)
    {
        // Read once: a trial beside this start may find others.
        var can = found.Last;
        // Once for each host, because the profile may be a newer one than the last host's.
        if (can.NoFilter is null && !hasFilter)
        {
            if (SystemCallFilter.Write(Filter(folder)) is { } fault)
                throw Problem.Unavailable(
                    $"{blueprint.Agent} cannot be started with a filter of system calls: {fault}"
                );
            hasFilter = true;
        }

        return command.Of(blueprint, can, folder) with
        {
            Weakness = Networks.Join(Weakness(can, unlimited), Pasta.Weakness(blueprint.Network, can.NoNetwork)),
        };
    }

    protected override void Terminate(int leader, int pump) => ProcessTree.TerminateInside(leader, pump);

    private async Task<Fault?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        using var own = LaunchFolder.ForTrial();
        try
        {
            var noFilter = SystemCallFilter.Write(Filter(own));
            if (noFilter is { } unwritten && Trial.MayPass(unwritten.Reason))
                return unwritten;
            var noUser = await FindUserFault(own);
            SandboxAbilities strict = new(null, noUser, noFilter, null);
            // Without a user of its own, what runs beside the agent would be root too.
            strict = strict with
            {
                NoNetwork = noUser ?? await pasta.FindFault(strict.HasUsers ? TrialUser : null),
            };
            var (code, error) = await Probe(strict, own);
            if (
                code is not (0 or HarnessProbe.Breached)
                && Networks.Given(NetworkAccess.Outbound, strict.NoNetwork) != NetworkAccess.Host
            )
            {
                strict = strict with { NoNetwork = new Fault($"bubblewrap fails in one ({error})") };
                (code, error) = await Probe(strict, own);
            }

            if (code is not (0 or HarnessProbe.Breached) && strict.HasUsers)
            {
                var none = new Fault($"bubblewrap fails as another user ({error})");
                strict = strict with { NoUser = none, NoNetwork = none };
                (code, error) = await Probe(strict, own);
            }

            if (code == 0)
                return found.Keep(strict);
            SandboxAbilities lenient = new(
                new Fault("bubblewrap cannot make a user namespace"),
                NotStrict(noUser),
                noFilter,
                new Fault("bubblewrap cannot do that here")
            );
            if (code != HarnessProbe.Breached)
                (code, error) = await Probe(lenient, own);
            return code switch
            {
                0 => found.Keep(lenient),
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
        catch (Win32Exception e) when (Trial.IsMissing(e))
        {
            return new Fault("bubblewrap is not installed", "on Debian: apt-get install bubblewrap");
        }
        catch (Exception e) when (e is IOException or TimeoutException or Win32Exception)
        {
            return new Fault(e.Message);
        }
    }

    private static string? Weakness(SandboxAbilities can, string? unlimited) =>
        Networks.Join(
            unlimited,
            unlimited is null && !can.Strict
                ? "an agent can lift its limits: bubblewrap is older than 0.8, or the kernel has no user namespaces"
                : null,
            can.NoUser is { } user ? $"it is the machine's root, without capabilities: {user}" : null,
            can.NoFilter is { } filter ? $"its system calls are not filtered: {filter}" : null
        );

    private static string Filter(LaunchFolder folder) => Path.Combine(folder.Path, LaunchFolder.FilterName);

    private uint TrialUser => AgentUser.Of(Instance.Of(paths), ContainerName.Trial);

    private static Fault? NotStrict(Fault? noUser) =>
        Environment.IsPrivilegedProcess ? noUser ?? new Fault("bubblewrap cannot make a user namespace here") : null;

    // Every place from which an agent gets folders must be on a file system that can show another owner.
    private async Task<Fault?> FindUserFault(LaunchFolder own)
    {
        if (!Environment.IsPrivilegedProcess)
            return null;
        try
        {
            var launch = new Launch([.. Pasta.As(TrialUser), "true"], Launch.PathAlone, "/")
            {
                View = new MappedFolders(
                    TrialUser,
                    [.. new[] { own.Path, paths.DataDir, paths.RunDir, HarnessBinary.Folder }.Where(Directory.Exists)]
                ),
            };
            var (code, error) = await Trial.Run(launch);
            return code == 0 ? null
                : Trial.MayPass(error) ? throw new IOException($"setpriv ended with {code} ({error})")
                : new Fault($"setpriv ended with {code} ({error})");
        }
        catch (Win32Exception e) when (Trial.IsMissing(e))
        {
            return Pasta.NoSetPriv;
        }
        catch (IOException e) when (MappedFolders.IsRefusal(e))
        {
            return new Fault(e.Message);
        }
    }

    private async Task<(int ExitCode, string Error)> Probe(SandboxAbilities can, LaunchFolder own)
    {
        // A missing program must be noticed before another one starts it.
        await Trial.Run([SandboxCommand.Program, "--version"], CancellationToken.None);
        var (code, error) = await Trial.Run(
            command.Of(
                new Blueprint(
                    ContainerName.Trial,
                    HarnessBinary.Probe,
                    [
                        new Mount(HarnessBinary.Folder, HarnessBinary.FolderInContainer, Writable: false),
                        new Mount(own.Path, $"/agents/{ContainerName.Trial}/state", Writable: false),
                    ],
                    Launch.PathAlone,
                    new ContainerLimits(0, 0)
                ),
                can,
                own
            )
        );
        return code != 0 && Trial.MayPass(error)
            ? throw new IOException($"bubblewrap ended with {code} ({error})")
            : (code, error);
    }
}
