using System.Globalization;
using Hive.Common.Errors;

namespace Hive.Runtimes.Limits;

/// <summary>Limits a process by a transient scope of systemd: <c>systemd-run --scope</c> runs the command as the very
/// same process, in a control group of its own (systemd-run(1)).</summary>
internal static class SystemdScope
{
    // Prints the limits of the control group it runs in, one a line: memory in bytes, processor time as `quota
    // period`. cgroups(7).
    private const string PrintLimits = """
        cd /sys/fs/cgroup
        if [ -e cgroup.controllers ]; then
            cd ".$(sed -n 's/^0:://p' /proc/self/cgroup)"
            cat memory.max cpu.max
        else
            cat "memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/memory.limit_in_bytes"
            cd "cpu$(sed -n 's/^[0-9]*:\(.*,\)\{0,1\}cpu\(,[^:]*\)\{0,1\}://p' /proc/self/cgroup)"
            echo $(cat cpu.cfs_quota_us cpu.cfs_period_us)
        fi
        """;

    /// <summary>The beginning of the command line that runs a command in a scope with these limits.</summary>
    public static IReadOnlyList<string> For(ContainerLimits limits)
    {
        string[] properties =
        [
            "--scope",
            "--quiet",
            "--collect",
            $"--property=MemoryMax={limits.MemoryBytes}",
            "--property=MemorySwapMax=0",
            $"--property=CPUQuota={limits.CpuPercent}%",
            $"--property=CPUWeight={ContainerLimits.CpuWeight}",
            $"--property=TasksMax={limits.Processes}",
            "--",
        ];
        if (Environment.IsPrivilegedProcess)
            return ["systemd-run", .. properties];
        var bus = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? "";
        return
        [
            "env",
            $"XDG_RUNTIME_DIR={bus}",
            "systemd-run",
            "--user",
            .. properties,
            "env",
            "-u",
            "XDG_RUNTIME_DIR",
        ];
    }

    /// <summary>Creates a scope and reads its limits back; null when they hold. A user's own systemd creates scopes
    /// also where it may not limit them.</summary>
    /// <exception cref="Problem">systemd-run timed out.</exception>
    public static async Task<string?> FindFault(ContainerLimits limits)
    {
        var (code, output) = await Trial.Output(
            [.. For(limits), "sh", "-c", PrintLimits],
            Trial.Patience,
            CancellationToken.None
        );
        if (code != 0)
            return $"systemd-run ended with {code} ({output.Trim()})";
        var lines = output.Split('\n', StringSplitOptions.TrimEntries);
        return
            lines is [var memory, var cpu, ..]
            && memory == limits.MemoryBytes.ToString(CultureInfo.InvariantCulture)
            && cpu.Split(' ') is [var quota, var period]
            && long.TryParse(quota, CultureInfo.InvariantCulture, out var used)
            && long.TryParse(period, CultureInfo.InvariantCulture, out var of)
            && used * 100 == of * limits.CpuPercent
            ? null
            : "systemd-run creates a scope, but its control group lacks the limits asked for "
                + $"({string.Join(", ", lines)})";
    }
}
