using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.Nixos;

/// <summary>
/// Runs an agent in a NixOS container of its own, <c>h-NAME</c>, built from <c>&lt;DataDir&gt;/meta#NAME</c>; the
/// flake's own unit in it starts the harness (docs/nixos.md).
/// systemd runs it, so it outlives the host; its end is seen through the pidfd of its systemd-nspawn.
/// </summary>
internal sealed partial class NixosRuntime : IRuntime
{
    private const string Program = "nixos-container";
    private const int MaxName = 9;

    // How often systemd is asked whether it has noticed an end that we have, and the pause between: it always has after
    // a few milliseconds.
    private const int SettleLooks = 50;
    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(20);

    // A container that comes up or goes down has a minute each by its own unit; what is run inside and what is built
    // have all the time they need.
    private static readonly TimeSpan UpOrDown = TimeSpan.FromMinutes(2);

    private readonly NixosFiles files;
    private readonly ProcessWatch watch;
    private readonly KeptTrial trial;
    private readonly HivePaths paths;
    private readonly ILogger log;

    // By agent: completed and replaced when its container is started, for those who follow its log.
    private readonly ConcurrentDictionary<string, TaskCompletionSource> starts = new();

    public NixosRuntime(
        HivePaths paths,
        HiveOptions options,
        ProcessWatch watch,
        TimeProvider clock,
        ILogger<NixosRuntime> log
    )
    {
        (this.paths, this.watch, this.log) = (paths, watch, log);
        files = new NixosFiles(options.Nixos.Root, paths);
        trial = new KeptTrial(Try, clock);
    }

    public string Name => "nixos";

    public Task<string?> Fault(CancellationToken ct) => trial.Fault(ct);

    public Task<string?> Weakness(CancellationToken ct) => Task.FromResult<string?>(null);

    public string? NameFault(string agent) =>
        agent.Length <= MaxName
            ? null
            : $"'{agent}' has {agent.Length} characters; on the runtime 'nixos' a name has at most {MaxName}, since its container is '{NixosFiles.Container("NAME")}' and NixOS allows 11: choose a shorter name or another runtime";

    public async Task<IRunning> Start(Blueprint blueprint, CancellationToken ct)
    {
        var agent = blueprint.Agent.Name;
        if (NameFault(agent) is { } tooLong)
            throw Problem.Invalid(tooLong);
        if (
            blueprint.Mounts.FirstOrDefault(m => !PlainPath().IsMatch(m.Source) || !PlainPath().IsMatch(m.Target)) is
            { } odd
        )
            throw Problem.Invalid(
                $"{odd.Source} cannot be mounted on the runtime 'nixos': a path may have letters, digits and / . _ + @ - there, nothing else"
            );
        await Make(agent);
        files.WriteEnvironment(blueprint);
        files.WriteSettings(blueprint);
        files.WriteDropIn(blueprint);
        await Must("systemctl", "daemon-reload");
        await Must(Program, "start", NixosFiles.Container(agent));
        var run =
            await Find(agent, CancellationToken.None)
            ?? throw Problem.Unavailable(
                $"{agent} ended as soon as it was started ({(await Outcome(agent, 0)).Note ?? "cleanly"}); see `hive logs {agent}`"
            );
        if (starts.TryRemove(agent, out var awaited))
            awaited.SetResult();
        return run;
    }

    public async Task<IRunning?> Find(string agent, CancellationToken ct)
    {
        while (files.IsOurs(agent) && (await Show([agent], ct))[agent] is { IsRunning: true } state)
        {
            var (runDir, at) = files.Started(agent);
            // Opened first, asked again afterwards: from here on the descriptor is this process, whoever gets its
            // number later.
            if (Native.OpenProcess(state.MainPid) is not { } process)
            {
                await Settled(agent, state.MainPid);
                continue;
            }

            if ((await Show([agent], ct))[agent].MainPid == state.MainPid)
                return new NixosRun(this, agent, state.MainPid, at, runDir).Watched(watch, process);
            process.Dispose();
        }

        return null;
    }

    public async Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct)
    {
        var agents = files.Agents();
        return agents.Count == 0
            ? new Dictionary<string, bool>()
            : (await Show(agents, ct)).ToDictionary(s => s.Key, s => s.Value.IsRunning);
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
                        $"{agent} ({running.Id}) has not ended {Trial.Patience.TotalSeconds:0} s after KILL; look at what holds it"
                    );
                await running.Ended;
            }

            await Must(Program, "destroy", NixosFiles.Container(agent));
        }
        else if (files.Exists(agent))
        {
            // Somebody else's, whatever it is.
            return;
        }

        files.Remove(agent);
        if (await trial.Fault(CancellationToken.None) is null)
            await Must("systemctl", "daemon-reload");
    }

    public async Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct)
    {
        if (!files.IsOurs(agent))
            return [];
        var count = $"--lines={lines.ToString(CultureInfo.InvariantCulture)}";
        var inside = await Run(["journalctl", "-M", NixosFiles.Container(agent), count, .. JournalForm], ct);
        if (inside.ExitCode == 0)
            return Lines(inside.Output);
        // The journal of a container can be asked only while that runs; its console is in the host's own.
        var console = await Run(["journalctl", $"--unit={NixosFiles.Unit(agent)}", count, .. JournalForm], ct);
        return console.ExitCode == 0
            ? Lines(console.Output)
            : throw Problem.Unavailable($"the log of {agent} cannot be read: {console.Output.Trim()}");
    }

    public async IAsyncEnumerable<IReadOnlyList<string>> Follow(
        string agent,
        int lines,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        string[] range = [$"--lines={lines.ToString(CultureInfo.InvariantCulture)}"];
        while (true)
        {
            var started = starts
                .GetOrAdd(agent, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
                .Task;
            if (files.IsOurs(agent) && (await Show([agent], ct))[agent].IsRunning)
            {
                await foreach (
                    var line in Printed(
                        ["journalctl", "-M", NixosFiles.Container(agent), .. range, "--follow", .. JournalForm],
                        ct
                    )
                )
                    yield return [line];
                // The container has ended with that. Of the next one, everything is new.
                range = ["--boot", "--lines=all"];
            }
            else if (range.Length == 1)
            {
                yield return await Tail(agent, lines, ct);
                range = ["--boot", "--lines=all"];
            }

            await started.WaitAsync(ct);
        }
    }

    public Task<Executed> Exec(string agent, IReadOnlyList<string> command, CancellationToken ct) =>
        files.IsOurs(agent)
            ? Run([Program, "run", NixosFiles.Container(agent), "--", .. command], ct)
            : throw Problem.Conflict($"{agent} does not run; start it first");

    /// <summary>Asks the container to shut down, and waits until it has.</summary>
    public async Task Stop(string agent)
    {
        try
        {
            await Must(Program, "stop", NixosFiles.Container(agent));
        }
        catch (Problem e)
        {
            // Whoever asked kills it when it does not end.
            LogNotStopped(log, agent, e.Message);
        }
    }

    /// <summary>Ends everything in the container at once.</summary>
    public static async Task Kill(string agent)
    {
        var killed = await Run(["systemctl", "kill", "--signal=KILL", NixosFiles.Unit(agent)], CancellationToken.None);
        if (killed.ExitCode != 0 && (await Show([agent], CancellationToken.None))[agent].IsRunning)
            throw Problem.Unavailable($"{agent} cannot be killed: {killed.Output.Trim()}");
    }

    /// <summary>Waits until systemd knows that this process of the container's has ended.</summary>
    public async Task Settled(string agent, int pid)
    {
        try
        {
            for (
                var i = 0;
                i < SettleLooks
                    && files.Exists(agent)
                    && (await Show([agent], CancellationToken.None))[agent] is { IsRunning: true } state
                    && state.MainPid == pid;
                i++
            )
                await Task.Delay(SettlePause);
        }
        catch (Problem e)
        {
            // Its end is certain all the same.
            LogUnsettled(log, agent, e.Message);
        }
    }

    /// <summary>How its last run has ended, as systemd has it.</summary>
    public static async Task<Outcome> Outcome(string agent, int pid)
    {
        try
        {
            var state = (await Show([agent], CancellationToken.None))[agent];
            return state.MainPid != 0 && state.MainPid != pid
                    ? new Outcome(false, "ended, and somebody has started it again")
                : state.Result == "oom-kill"
                    ? new Outcome(false, "ended by the kernel: it needed more memory than its limit")
                : state is { Result: not "success", ExitCode: 0 }
                    ? new Outcome(false, $"ended: systemd calls it '{state.Result}'")
                : Containers.Outcome.Of(state.ExitCode);
        }
        catch (Problem e)
        {
            return new Outcome(false, $"ended; how is not known: {e.Message}");
        }
    }

    // As much as the harness prints, without what the journal adds to it.
    private static string[] JournalForm => ["--output=cat", "--no-pager", "--quiet"];

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // What EXTRA_NSPAWN_FLAGS can carry: the container's start splits it at blanks, expands it, and parts a mount's
    // paths at colons.
    [GeneratedRegex("^[A-Za-z0-9/._+@-]+$")]
    private static partial Regex PlainPath();

    private async Task Make(string agent)
    {
        var (container, flake) = (NixosFiles.Container(agent), $"{files.Flake}#{agent}");
        if (!File.Exists(Path.Combine(files.Flake, "flake.nix")))
            throw Problem.Unavailable(
                $"there is no flake in {files.Flake}; on the runtime 'nixos' it says what {agent} is made from, as nixosConfigurations.{agent} (docs/nixos.md)"
            );
        if (files.Exists(agent))
        {
            if (!files.IsOurs(agent))
                throw Problem.Conflict(
                    $"there is a container {container} that this Hive has not made; destroy it with `{Program} destroy {container}`, or choose another name"
                );
            // At every start: it runs on what is deployed, whatever has happened to it meanwhile.
            await Must(Program, "update", container, "--flake", flake);
            return;
        }

        try
        {
            await Must(Program, "create", container, "--flake", flake);
        }
        catch (Problem)
        {
            // What there is of it after a build that failed is no container.
            if (files.Exists(agent))
                await Run([Program, "destroy", container], CancellationToken.None);
            throw;
        }
    }

    private async Task<string?> Try()
    {
        if (HarnessBinary.Fault is { } fault)
            return fault;
        if (
            new[] { paths.DataDir, paths.RunDir, HarnessBinary.Folder }.FirstOrDefault(p => !PlainPath().IsMatch(p)) is
            { } odd
        )
            return $"{odd} cannot be mounted into a NixOS container; use a folder whose path has letters, digits and / . _ + @ - only";
        try
        {
            var (code, error) = await Trial.Run([Program, "list"], CancellationToken.None);
            return code != 0
                    ? $"{Program} list ended with {code}{(error.Length > 0 ? $" ({error})" : "")}; see that boot.enableContainers is true on this NixOS, and that Hive runs as root"
                : !Environment.IsPrivilegedProcess ? "NixOS containers need root; start Hive as root"
                : null;
        }
        catch (Win32Exception)
        {
            return $"there is no {Program} on the PATH: this is not NixOS, or one without containers; on NixOS set boot.enableContainers = true";
        }
    }

    private static async Task Must(params string[] command)
    {
        var (code, output) = await Run(command, CancellationToken.None);
        if (code != 0)
            throw Problem.Unavailable($"`{string.Join(' ', command)}` ended with {code}: {Last(output)}");
    }

    // The end of what a build has to say is what it failed with.
    private static string Last(string output) =>
        Lines(output) is { Length: > 0 } lines
            ? string.Join(' ', lines[^Math.Min(lines.Length, 5)..])
            : "it said nothing";

    private static async Task<Executed> Run(string[] command, CancellationToken ct)
    {
        try
        {
            return await Trial.Output(command, PatienceFor(command), ct);
        }
        catch (Win32Exception)
        {
            throw Problem.Unavailable(
                $"there is no {command[0]} on the PATH; this is not NixOS, or Hive's PATH lacks /run/current-system/sw/bin"
            );
        }
    }

    private static TimeSpan? PatienceFor(string[] command) =>
        command switch
        {
            [Program, "create" or "update" or "run", ..] => null,
            [Program, ..] => UpOrDown,
            _ => Trial.Patience,
        };

    private static async IAsyncEnumerable<string> Printed(
        string[] command,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        using var process = Process.Start(
            new ProcessStartInfo(command[0], command.Skip(1))
            {
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
            }
        )!;
        try
        {
            process.StandardInput.Close();
            while (await process.StandardOutput.ReadLineAsync(ct) is { } line)
                yield return line;
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private static async Task<Dictionary<string, UnitState>> Show(IReadOnlyList<string> agents, CancellationToken ct)
    {
        var shown = await Run(
            [
                "systemctl",
                "show",
                .. agents.Select(NixosFiles.Unit),
                "--property=Id,ActiveState,MainPID,Result,ExecMainCode,ExecMainStatus",
            ],
            ct
        );
        if (shown.ExitCode != 0)
            throw Problem.Unavailable($"systemctl show ended with {shown.ExitCode}: {Last(shown.Output)}");
        // One block of KEY=VALUE for each unit, an empty line between.
        var states = shown
            .Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(UnitState.Parse)
            .ToDictionary(s => s.Id);
        return agents.ToDictionary(a => a, a => states.GetValueOrDefault(NixosFiles.Unit(a)) ?? new UnitState());
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} did not stop when asked: {Error}")]
    private static partial void LogNotStopped(ILogger logger, string agent, string error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "whether systemd has noticed the end of {Agent} is not known: {Error}"
    )]
    private static partial void LogUnsettled(ILogger logger, string agent, string error);

    // What systemd says of a unit.
    private sealed record UnitState(
        string Id = "",
        string ActiveState = "inactive",
        int MainPid = 0,
        string Result = "success",
        int Code = 0,
        int Status = 0
    )
    {
        // From waitid(2): CLD_EXITED is 1, the others are signals.
        private const int Exited = 1;

        public bool IsRunning => MainPid > 0 && ActiveState is not ("inactive" or "failed");

        public int ExitCode => Code <= Exited ? Status : 128 + Status;

        public static UnitState Parse(string block)
        {
            var values = block
                .Split('\n')
                .Select(line => line.Split('=', 2))
                .Where(pair => pair.Length == 2)
                .ToDictionary(pair => pair[0], pair => pair[1]);
            return new UnitState(
                values.GetValueOrDefault("Id", ""),
                values.GetValueOrDefault("ActiveState", ""),
                Number("MainPID"),
                values.GetValueOrDefault("Result", "success"),
                Number("ExecMainCode"),
                Number("ExecMainStatus")
            );

            int Number(string key) =>
                int.TryParse(values.GetValueOrDefault(key), CultureInfo.InvariantCulture, out var number) ? number : 0;
        }
    }
}
