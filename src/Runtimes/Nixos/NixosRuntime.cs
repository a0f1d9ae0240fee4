using System.ComponentModel;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes.Local;
using Hive.Runtimes.Programs;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.Nixos;

/// <summary>
/// Runs an agent in a NixOS container of its own, <c>h-NAME</c>, built from <c>&lt;DataDir&gt;/meta#NAME</c>; a unit of
/// the flake inside it starts the harness (docs/nixos.md). systemd runs the container, so it outlives the host; its end
/// is noticed through the pidfd of its systemd-nspawn.
/// </summary>
internal sealed partial class NixosRuntime : IRuntime
{
    private const int MaxName = 9;

    // The script that starts the container gives it neither a user namespace nor a filter of Hive's.
    private const string Isolation =
        "it is the machine's root, and its system calls are filtered by systemd's own list";

    private readonly NixosFiles files;
    private readonly NixosUnits units;
    private readonly NixosLog journal;
    private readonly ProcessWatch watch;
    private readonly KeptTrial trial;
    private readonly HivePaths paths;

    public NixosRuntime(
        HivePaths paths,
        HiveOptions options,
        ProcessWatch watch,
        TimeProvider clock,
        ILogger<NixosRuntime> log
    )
    {
        (this.paths, this.watch) = (paths, watch);
        files = new NixosFiles(options.Nixos.Root, paths);
        units = new NixosUnits(files, log);
        journal = new NixosLog(files);
        trial = new KeptTrial(Try, clock);
    }

    public string Name => "nixos";

    public ContainerPrograms Programs => ContainerPrograms.Flake;

    public Task<Fault?> FindFault(CancellationToken ct) => trial.FindFault(ct);

    public Task<string?> FindWeakness(CancellationToken ct) => Task.FromResult<string?>(Isolation);

    public Fault? FindNameFault(string agent) =>
        agent.Length <= MaxName
            ? null
            : new Fault(
                $"'{agent}' has {agent.Length} characters; on the runtime 'nixos' a name has at most {MaxName}, "
                    + $"because its container is '{NixosFiles.Container("NAME")}' and NixOS allows 11",
                "choose a shorter name or another runtime"
            );

    public async Task<IRunning> Start(Blueprint blueprint, CancellationToken ct)
    {
        var agent = blueprint.Agent;
        if (FindNameFault(agent) is { } tooLong)
            throw Problem.Invalid(tooLong.ToString());
        if (
            blueprint.Mounts.FirstOrDefault(m => !PlainPath().IsMatch(m.Source) || !PlainPath().IsMatch(m.Target)) is
            { } odd
        )
            throw Problem.Invalid(
                $"{odd.Source} cannot be mounted on the runtime 'nixos'; "
                    + "a path there may contain only letters, digits and / . _ + @ -"
            );
        await Make(agent);
        files.WriteEnvironment(blueprint);
        files.WriteSettings(blueprint);
        files.WriteDropIn(
            blueprint,
            RunNote.Of(Networks.Join(Isolation, Networks.Weakness(blueprint.Network, Networks.Unsupported)))
        );
        await NixosCommands.Must("systemctl", "daemon-reload");
        await NixosCommands.Must(NixosCommands.Program, "start", NixosFiles.Container(agent));
        var run =
            await Find(agent, CancellationToken.None)
            ?? throw Problem.Unavailable(
                $"{agent} ended right after its start ({(await NixosUnits.Outcome(agent, 0)).Note ?? "cleanly"}); "
                    + $"see `hive logs {agent}`"
            );
        journal.Started(agent);
        return run;
    }

    public async Task<IRunning?> Find(string agent, CancellationToken ct)
    {
        while (files.IsOurs(agent) && await NixosUnits.Show(agent, ct) is { IsRunning: true } state)
        {
            var (runDir, at, note) = files.Started(agent);
            // Opened first, asked again afterwards: the descriptor stays with this process, even if another one gets
            // its number later.
            if (LinuxProcess.Open(state.MainPid) is not { } process)
            {
                await units.WaitForEnd(agent, state.MainPid);
                continue;
            }

            if ((await NixosUnits.Show(agent, ct)).MainPid == state.MainPid)
                return new NixosRun(units, agent, state.MainPid, at, runDir, note).WatchedBy(watch, process);
            process.Dispose();
        }

        return null;
    }

    public async Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct)
    {
        var agents = files.Agents();
        return agents.Count == 0
            ? new Dictionary<string, bool>()
            : (await NixosUnits.Show(agents, ct)).ToDictionary(s => s.Key, s => s.Value.IsRunning);
    }

    public async Task Remove(string agent)
    {
        if (files.IsOurs(agent))
        {
            if (await Find(agent, CancellationToken.None) is { } running)
            {
                await running.Kill();
                if (await Task.WhenAny(running.Ended, Task.Delay(Trial.Patience, TimeProvider.System)) != running.Ended)
                    throw Problem.Unavailable(
                        $"{agent} ({running.Id}) has not ended {Trial.Patience.TotalSeconds:0} s after KILL; "
                            + "find out what blocks the process (ps shows state D for disk wait), then try again"
                    );
                await running.Ended;
            }

            await NixosCommands.Must(NixosCommands.Program, "destroy", NixosFiles.Container(agent));
        }
        else if (files.Exists(agent))
        {
            // Somebody else's container.
            return;
        }

        files.Remove(agent);
        if (await trial.FindFault(CancellationToken.None) is null)
            await NixosCommands.Must("systemctl", "daemon-reload");
    }

    public Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct) =>
        journal.Tail(agent, lines, ct);

    public IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, CancellationToken ct) =>
        journal.Follow(agent, lines, ct);

    // The paths that EXTRA_NSPAWN_FLAGS can carry: the container's start script splits it at blanks and expands it, and
    // nspawn splits a mount at colons.
    [GeneratedRegex("^[A-Za-z0-9/._+@-]+$")]
    private static partial Regex PlainPath();

    private async Task Make(string agent)
    {
        var (container, flake) = (NixosFiles.Container(agent), $"{files.Flake}#{agent}");
        if (!File.Exists(Path.Combine(files.Flake, "flake.nix")))
            throw Problem.Unavailable(
                $"there is no flake in {files.Flake}; "
                    + $"the runtime 'nixos' builds {agent} from its nixosConfigurations.{agent} (docs/nixos.md)"
            );
        if (files.Exists(agent))
        {
            if (!files.IsOurs(agent))
                throw Problem.Conflict(
                    $"the container {container} was not created by this Hive; "
                        + $"destroy it with `{NixosCommands.Program} destroy {container}`, or choose another name"
                );
            // At every start, so that it runs on the deployed configuration even if somebody changed it by hand.
            await NixosCommands.Must(NixosCommands.Program, "update", container, "--flake", flake);
            return;
        }

        try
        {
            await NixosCommands.Must(NixosCommands.Program, "create", container, "--flake", flake);
        }
        catch (Problem)
        {
            // A failed build leaves parts of a container.
            if (files.Exists(agent))
                await NixosCommands.Run([NixosCommands.Program, "destroy", container], CancellationToken.None);
            throw;
        }
    }

    private async Task<Fault?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        if (
            new[] { paths.DataDir, paths.RunDir, HarnessBinary.Folder }.FirstOrDefault(p => !PlainPath().IsMatch(p)) is
            { } odd
        )
            return new Fault(
                $"{odd} cannot be mounted into a NixOS container",
                "use a folder whose path contains only letters, digits and / . _ + @ -"
            );
        try
        {
            var (code, error) = await Trial.Run([NixosCommands.Program, "list"], CancellationToken.None);
            return code != 0
                    ? new Fault(
                        $"{NixosCommands.Program} list ended with {code}{(error.Length > 0 ? $" ({error})" : "")}",
                        "check that boot.enableContainers is true on this NixOS, and that Hive runs as root"
                    )
                : !Environment.IsPrivilegedProcess ? new Fault("NixOS containers need root", "start Hive as root")
                : null;
        }
        catch (TimeoutException e)
        {
            return new Fault(e.Message);
        }
        catch (Win32Exception)
        {
            return new Fault(
                $"{NixosCommands.Program} is not on the PATH: this is not NixOS, or one without containers",
                "on NixOS set boot.enableContainers = true"
            );
        }
    }
}
