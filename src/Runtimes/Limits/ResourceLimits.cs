using System.Globalization;
using Hive.Common.Errors;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;

namespace Hive.Runtimes.Limits;

/// <summary>
/// Holds an agent's processes to its limits by a control group: through systemd where it runs (it owns the groups
/// there), else by groups that Hive makes itself.
/// Where neither is possible, that is said on every row.
/// </summary>
internal sealed class ResourceLimits
{
    /// <summary>As many processes and threads as an agent may have at a time, on every runtime: what forks without end
    /// stops there, and the machine goes on.</summary>
    public const int MaxProcesses = 2048;

    /// <summary>In each group of an agent's, the one of its processes: nothing outlives it there.</summary>
    public const string Inside = "run";

    /// <summary>In each group of an agent's, the one of its pump: within its limits, and there until the log is
    /// complete.</summary>
    public const string Pump = "log";

    private const string Root = "/sys/fs/cgroup";

    // cpu.max and cpu.cfs_period_us: the kernel's default period (sched-bwc).
    private const int PeriodMicroseconds = 100_000;

    // What limits the group it runs in has, one a line: memory in bytes, processor time as `quota period`. cgroups(7).
    private const string Look = """
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

    // Not on every kernel.
    private static readonly string[] Beside = ["pids", "unified"];

    // systemd-nspawn makes a group of the same name there, where the unified hierarchy stands beside the others, and
    // leaves it.
    private const string OfSystemd = $"{Root}/systemd";

    private readonly string name;
    private readonly KeptTrial trial;

    // sd_booted(3). Who makes the groups does not change while a host lives; whether they hold may.
    private readonly Way way =
        Directory.Exists("/run/systemd/system") ? Way.Systemd
        : File.Exists($"{Root}/cgroup.controllers") ? Way.Unified
        : Way.Separate;

    public ResourceLimits(HivePaths paths, TimeProvider clock)
    {
        name = $"hive-{Instance.Of(paths)}";
        trial = new KeptTrial(Try, clock);
    }

    // Who makes the groups.
    private enum Way
    {
        Systemd,
        Unified,
        Separate,
    }

    /// <summary>Why limits are not enforced here; null when they are.</summary>
    public Task<string?> Fault(CancellationToken ct) => trial.Fault(ct);

    /// <summary>The launch as it is within the agent's limits; unchanged where there is no way to hold it to
    /// them.</summary>
    public async Task<Launch> Within(Blueprint blueprint, Launch launch, CancellationToken ct)
    {
        if (await Fault(ct) is { } fault)
        {
            // What one trial said a moment ago may be otherwise now.
            return launch.NeedsGroup
                ? throw Problem.Unavailable(
                    $"{blueprint.Agent.Name} cannot be started without a control group of its own: {fault}"
                )
                : launch;
        }

        if (way == Way.Systemd)
            return launch with { Scope = Scope(blueprint.Limits) };
        var groups = Groups(blueprint.Agent.Name);
        Make(groups, blueprint.Limits);
        return launch with { Groups = groups };
    }

    /// <summary>Ends all that is in an agent's groups at once but its pump, where the kernel can do that.</summary>
    public void Kill(string agent)
    {
        foreach (var group in Groups(agent))
        {
            try
            {
                // An earlier Hive has put everything into the group itself.
                var inside = Directory.Exists($"{group}/{Inside}") ? $"{group}/{Inside}" : group;
                WriteWhereThere($"{inside}/cgroup.kill", "1");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It goes just now, or its processes have to be ended one by one.
            }
        }
    }

    /// <summary>
    /// The processes in an agent's groups, which nothing of it can leave, without its pump; none where systemd made the
    /// groups or nobody did.
    /// </summary>
    public IReadOnlyList<int> Members(string agent)
    {
        if (Groups(agent) is not [var first, ..])
            return [];
        try
        {
            return
            [
                .. Directory
                    .EnumerateFiles(first, "cgroup.procs", SearchOption.AllDirectories)
                    .Where(file => file != $"{first}/{Pump}/cgroup.procs")
                    .SelectMany(File.ReadAllLines)
                    .Select(line => int.Parse(line, CultureInfo.InvariantCulture))
                    .Where(pid => pid > 0),
            ];
        }
        catch (IOException)
        {
            // There is no such group, or it goes just now.
            return [];
        }
    }

    /// <summary>Removes an agent's groups when nothing of it runs.</summary>
    public void Remove(string agent)
    {
        foreach (var group in Groups(agent).Append($"{OfSystemd}/{name}-{agent}").Where(Directory.Exists))
            Remove(new DirectoryInfo(group));
    }

    // A group is removed as an empty folder is, whatever files it shows; one that something runs in stays.
    private static void Remove(DirectoryInfo group)
    {
        try
        {
            foreach (var below in group.EnumerateDirectories())
                Remove(below);
            group.Delete();
        }
        catch (IOException)
        {
            // Something of it still runs.
        }
    }

    // As systemd-run(1) has it: --scope runs the command as this very process, in a group of its own.
    private static IReadOnlyList<string> Scope(AgentLimits limits)
    {
        string[] properties =
        [
            "--scope",
            "--quiet",
            "--collect",
            $"--property=MemoryMax={limits.MemoryBytes}",
            "--property=MemorySwapMax=0",
            $"--property=CPUQuota={limits.CpuPercent}%",
            $"--property=TasksMax={MaxProcesses}",
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

    private void Make(IReadOnlyList<string> groups, AgentLimits limits)
    {
        var (memory, quota) = (
            limits.MemoryBytes.ToString(CultureInfo.InvariantCulture),
            (PeriodMicroseconds / 100 * limits.CpuPercent).ToString(CultureInfo.InvariantCulture)
        );
        foreach (var group in groups)
        {
            Directory.CreateDirectory($"{group}/{Inside}");
            Directory.CreateDirectory($"{group}/{Pump}");
            WriteWhereThere($"{group}/pids.max", MaxProcesses.ToString(CultureInfo.InvariantCulture));
        }

        if (way == Way.Unified)
        {
            File.WriteAllText($"{groups[0]}/memory.max", memory);
            WriteWhereThere($"{groups[0]}/memory.swap.max", "0");
            File.WriteAllText($"{groups[0]}/cpu.max", $"{quota} {PeriodMicroseconds}");
            return;
        }

        // What is there already may be lower than either.
        WriteWhereThere($"{groups[0]}/memory.memsw.limit_in_bytes", "-1");
        File.WriteAllText($"{groups[0]}/memory.limit_in_bytes", memory);
        WriteWhereThere($"{groups[0]}/memory.memsw.limit_in_bytes", memory);
        File.WriteAllText($"{groups[1]}/cpu.cfs_period_us", PeriodMicroseconds.ToString(CultureInfo.InvariantCulture));
        File.WriteAllText($"{groups[1]}/cpu.cfs_quota_us", quota);
    }

    // Kernels without accounting of swap have no such file.
    private static void WriteWhereThere(string file, string value)
    {
        if (File.Exists(file))
            File.WriteAllText(file, value);
    }

    // Not every kernel counts processes; the other limits hold without that.
    private static void Allow(string controller)
    {
        try
        {
            File.WriteAllText($"{Root}/cgroup.subtree_control", controller);
        }
        catch (IOException)
        {
            // No such controller.
        }
    }

    // A group of its own in the unified hierarchy, too, where that stands beside the others: what systemd-nspawn lets a
    // container write to is then that container's alone. None where systemd makes them.
    private IReadOnlyList<string> Groups(string agent) =>
        way switch
        {
            Way.Systemd => [],
            Way.Unified => [$"{Root}/{name}-{agent}"],
            _ =>
            [
                $"{Root}/memory/{name}-{agent}",
                $"{Root}/cpu/{name}-{agent}",
                .. Beside.Where(h => Directory.Exists($"{Root}/{h}")).Select(h => $"{Root}/{h}/{name}-{agent}"),
            ],
        };

    private async Task<string?> Try()
    {
        const string Unlimited = "memory and CPU are not limited";
        try
        {
            if (way == Way.Systemd)
                return await TryScope() is { } fault ? $"{Unlimited}: {fault}" : null;
            if (way == Way.Unified)
            {
                File.WriteAllText($"{Root}/cgroup.subtree_control", "+memory +cpu");
                Allow("+pids");
            }

            var groups = Groups("trial_");
            Make(groups, AgentLimits.Default);
            Remove("trial_");
            return null;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception or Problem)
        {
            return $"{Unlimited}: {e.Message}";
        }
    }

    // A session's own manager makes scopes also where it may not limit them: what counts is what stands in their
    // groups.
    private static async Task<string?> TryScope()
    {
        var limits = AgentLimits.Default;
        var (code, output) = await Trial.Output(
            [.. Scope(limits), "sh", "-c", Look],
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
            : $"systemd-run makes a scope, but its control group does not have the limits asked for ({string.Join(", ", lines)})";
    }
}
