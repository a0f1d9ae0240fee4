using System.Diagnostics;
using System.Globalization;
using Hive.Common.Linux;
using Hive.Common.Processes;
using Hive.Runtimes.Limits;
using Hive.Runtimes.Logs;
using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes.Local;

/// <summary>The running process of one agent, started by this host or by an earlier one.</summary>
/// <param name="pid">The leader of its own session and process group.</param>
/// <param name="startedAt">The time of its start.</param>
/// <param name="pump">The process that writes its log; 0 when that is unknown.</param>
/// <param name="runDir">The run folder that holds its socket; null when that is unknown.</param>
/// <param name="note">The note that is kept with it; null for none.</param>
/// <param name="child">Set when it is a child of this host, so that its exit code can be read.</param>
/// <param name="terminate">Asks the programs inside to end; given the pid and the pump's.</param>
internal sealed class AgentProcess(
    int pid,
    DateTimeOffset startedAt,
    int pump,
    string? runDir,
    string? note,
    Process? child,
    Action<int, int> terminate
) : IRunning
{
    /// <summary>The most bytes that the pump copies before it checks the size of the log again.</summary>
    public const int PumpedAtOnce = PumpBlock * PumpBlocks;

    private const int PumpBlock = 16 << 10;
    private const int PumpBlocks = 64;

    // More than an agent prints in earnest. A faster one waits at its pipe, so that it cannot wear out the disk.
    private const int PumpedPerSecond = 4 << 20;
    private const int ShortestPauseMilliseconds = 10;

    // Runs before the agent. It starts the pump, and writes the pid file: the number, the start time and the boot, by
    // which a later host recognizes the process, then the pump's number, the run folder and the note, a line each. It
    // prints the pump's number once the file is written. The output goes to the pump, never to this host, whose end the
    // agent must survive.
    // No open of the pipe waits for its other end (fifo(7): opened for both it never does), so a launcher that ends
    // early leaves a pump that finds nothing to read, and ends too.
    // The host's mask closes its own files; the agent's programs get the usual one, as they do in containers.
    // The pump starts in its own control groups; then the launcher enters the agent's.
    private static readonly string Launcher = $$"""
        file=$1 run=$2 log=$3 max=$4 pump=$5 groups=$6
        shift 6
        enter() {
            for group in $groups; do
                echo $$ > "$group/$1/cgroup.procs" || exit 125
            done
        }
        enter {{ControlGroups.Pump}}
        rm -f "$log.pipe" && mkfifo -m 600 "$log.pipe" || exit 126
        exec 3<> "$log.pipe" 4> "$log.pipe" 5< "$log.pipe" 3>&-
        rm -f "$log.pipe"
        env -i PATH="$PATH" LC_ALL=C setsid sh -c "$pump" hive "$log" "$max" > /dev/null 2>&1 <&5 4>&- 5<&- &
        pump=$!
        exec 5<&-
        printf '%s\n' "$$ $(cut -d' ' -f22 /proc/$$/stat) $(cat /proc/sys/kernel/random/boot_id) $pump" "$run" \
            > "$file.new" && mv "$file.new" "$file" || exit 126
        enter {{ControlGroups.Inside}}
        ulimit -n {{ResourceLimits.MaxOpenFiles}} 2> /dev/null
        echo "$pump"
        umask 022
        exec "$@" >&4 2>&4 4>&- < /dev/null
        """;

    // If the scope cannot be created, the agent's log says why, unless it cannot be written.
    private const string WithErrorsInLog = """
        log=$1
        shift
        { : >> "$log"; } 2> /dev/null && exec 2>> "$log"
        exec "$@"
        """;

    // Writes the output to the log, as fast as it may, and rotates it. It runs in a session of its own, so that it
    // outlives the agent until everything is written. No fault of the disk makes the agent wait: its output is lost
    // instead.
    private static readonly string Pump = $$"""
        while :; do
            size=$(wc -c 2> /dev/null < "$1") || size=0
            [ "$size" -lt "$2" ] || mv -f "$1" "$1.1"
            told=$(dd bs={{PumpBlock}} count={{PumpBlocks}} 2>&1 >> "$1") ||
                told=$(dd bs={{PumpBlock}} count={{PumpBlocks}} 2>&1 > /dev/null) || exit 1
            case $told in "0+0 records in"*) exit 0 ;; esac
            bytes=${told##*records out?}
            bytes=${bytes%% *}
            case $bytes in "" | *[!0-9]*) continue ;; esac
            pause=$((bytes * 1000 / {{PumpedPerSecond}}))
            [ $pause -lt {{ShortestPauseMilliseconds}} ] || sleep 0.$(printf %03d $pause)
        done
        """;

    public int Pid => pid;

    public int PumpPid => pump;

    public DateTimeOffset StartedAt => startedAt;

    public string? RunDir => runDir;

    public string Id => $"pid {pid}";

    public string? Weakness { get; } = RunNote.Read(note);

    public Task Ended { get; set; } = Task.CompletedTask;

    public async Task<RunOutcome> Outcome()
    {
        // The process's exit code went to init.
        if (child is null)
            return new RunOutcome(false, "ended; exit code unknown, because an earlier host had started it");
        await child.WaitForExitAsync();
        var code = child.ExitCode;
        child.Dispose();
        return RunOutcome.Of(code);
    }

    /// <summary>Opens its pump, which ends when the whole output is in the log; null when it has ended.</summary>
    public SafeFileHandle? OpenPump() => pump > 1 ? LinuxProcess.Open(pump) : null;

    public Task Terminate()
    {
        terminate(pid, pump);
        return Task.CompletedTask;
    }

    /// <summary>Ends it and its group at once.</summary>
    public Task Kill()
    {
        LinuxProcess.Signal(-pid, LinuxProcess.SigKill);
        return Task.CompletedTask;
    }

    /// <summary>Starts a process in a session of its own; when it returns, the pid file names it.</summary>
    public static async Task<AgentProcess> Start(
        Launch launch,
        string pidFile,
        string runDir,
        string note,
        string log,
        DateTimeOffset now,
        Action<int, int> terminate
    )
    {
        IReadOnlyList<string> scope =
            launch.Scope.Count > 0 ? ["sh", "-c", WithErrorsInLog, "hive", log, .. launch.Scope] : [];
        var call = new ProgramCall([
            "setsid",
            .. scope,
            "sh",
            "-c",
            Launcher,
            "hive",
            pidFile,
            $"{runDir}\n{note}",
            log,
            ContainerLog.MaxBytes.ToString(CultureInfo.InvariantCulture),
            Pump,
            string.Join(' ', launch.Groups),
            .. launch.Arguments,
        ])
        {
            Environment = launch.Environment,
            WorkingDirectory = launch.WorkingDirectory,
        };
        var process = await launch.Begin(() => ProgramRunner.Start(call));
        // Waits for the pid file: without it, a host that starts now would run the agent a second time. No line means
        // that the launcher failed, which its exit code tells.
        _ = int.TryParse(await process.StandardOutput.ReadLineAsync(), CultureInfo.InvariantCulture, out var pump);
        process.StandardOutput.Close();
        return new AgentProcess(process.Id, now, pump, runDir, note, process, terminate);
    }

    /// <summary>Finds the process that a pid file names, if the very same process is still alive.</summary>
    /// <param name="pidFile">Written by the launcher.</param>
    /// <param name="terminate">Asks the programs inside to end.</param>
    /// <param name="handle">Its descriptor.</param>
    public static AgentProcess? Find(string pidFile, Action<int, int> terminate, out SafeFileHandle? handle)
    {
        handle = null;
        string[] lines;
        try
        {
            lines = File.ReadAllText(pidFile).Split('\n');
        }
        catch (IOException)
        {
            return null;
        }

        var parts = lines[0].Split(' ');
        if (
            parts.Length < 3
            || parts[2] != BootId()
            || !int.TryParse(parts[0], CultureInfo.InvariantCulture, out var pid)
            || pid <= 1
        )
            return null;
        handle = LinuxProcess.Open(pid);
        if (handle is null)
            return null;
        // Opened first, compared afterwards: the descriptor stays with this process, even if another one gets its
        // number later.
        if (ProcessTree.StartOf(pid) is { } ticks && ticks == parts[1])
            return new AgentProcess(
                pid,
                File.GetLastWriteTimeUtc(pidFile),
                parts.Length > 3 && int.TryParse(parts[3], CultureInfo.InvariantCulture, out var pump) ? pump : 0,
                lines.Length > 1 && lines[1].Length > 0 ? lines[1] : null,
                lines.Length > 2 ? lines[2] : null,
                null,
                terminate
            );
        handle.Dispose();
        handle = null;
        return null;
    }

    /// <summary>Removes its pid file, unless the file names another process by now.</summary>
    public void Forget(string pidFile)
    {
        try
        {
            if (
                File.ReadAllText(pidFile)
                    .StartsWith(string.Create(CultureInfo.InvariantCulture, $"{pid} "), StringComparison.Ordinal)
            )
                File.Delete(pidFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file is gone, or the disk fails. Readers compare the process that it names, so it does no harm.
        }
    }

    private static string BootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
