using System.Globalization;

namespace Hive.Runtimes.Limits;

/// <summary>Creates, empties and removes the control groups of agents, where Hive creates them itself: one in the
/// unified hierarchy, or one in each of the separate hierarchies (cgroups(7)).</summary>
/// <param name="instance">The digits of the data folder, which begin the groups' names.</param>
/// <param name="kind">The party that creates groups on this machine.</param>
internal sealed class ControlGroups(string instance, GroupKind kind)
{
    /// <summary>Inside an agent's group, the group of its processes: nothing outlives its end there.</summary>
    public const string Inside = "run";

    /// <summary>Inside an agent's group, the group of its pump: within the agent's limits, and there until the log is
    /// complete.</summary>
    public const string Pump = "log";

    private const string Root = "/sys/fs/cgroup";

    // systemd-nspawn creates a group of the same name there, where the unified hierarchy stands beside the others, and
    // leaves it behind.
    private const string OfSystemd = $"{Root}/systemd";

    // cpu.max and cpu.cfs_period_us: the kernel's default period (sched-bwc).
    private const int PeriodMicroseconds = 100_000;

    // Missing on some kernels.
    private static readonly string[] Beside = ["pids", "unified"];

    private readonly string name = $"hive-{instance}";

    /// <summary>Finds out who creates control groups on this machine. sd_booted(3).</summary>
    public static GroupKind FindKind() =>
        Directory.Exists("/run/systemd/system") ? GroupKind.Systemd
        : File.Exists($"{Root}/cgroup.controllers") ? GroupKind.Unified
        : GroupKind.Separate;

    /// <summary>The paths of an agent's groups; none where systemd creates them. It has a group in the unified
    /// hierarchy, too, where that stands beside the others: the part that systemd-nspawn lets a container write to is
    /// then that container's alone.</summary>
    public IReadOnlyList<string> Of(string agent) => Named($"{name}-{ContainerName.Checked(agent)}");

    /// <summary>The agents that have groups, with processes in them or not; none where systemd creates them.</summary>
    public IReadOnlyList<string> Names() =>
        [
            .. Named($"{name}-*")
                .Where(pattern => Directory.Exists(Path.GetDirectoryName(pattern)))
                .SelectMany(pattern =>
                    Directory.EnumerateDirectories(Path.GetDirectoryName(pattern)!, Path.GetFileName(pattern))
                )
                .Select(group => Path.GetFileName(group)[(name.Length + 1)..])
                .Distinct(),
        ];

    /// <summary>Creates groups with these limits.</summary>
    public void Make(IReadOnlyList<string> groups, ContainerLimits limits)
    {
        var (memory, quota) = (Number(limits.MemoryBytes), Number(PeriodMicroseconds / 100 * (long)limits.CpuPercent));
        foreach (var group in groups)
        {
            Directory.CreateDirectory($"{group}/{Inside}");
            Directory.CreateDirectory($"{group}/{Pump}");
            WriteIfPresent($"{group}/pids.max", Number(limits.Processes));
        }

        if (kind == GroupKind.Unified)
        {
            File.WriteAllText($"{groups[0]}/memory.max", memory);
            WriteIfPresent($"{groups[0]}/memory.swap.max", "0");
            File.WriteAllText($"{groups[0]}/cpu.max", $"{quota} {PeriodMicroseconds}");
            File.WriteAllText($"{groups[0]}/cpu.weight", Number(ContainerLimits.CpuWeight));
            return;
        }

        // The kernel keeps memsw at or above memory, and either may be lower than the new value.
        WriteIfPresent($"{groups[0]}/memory.memsw.limit_in_bytes", "-1");
        File.WriteAllText($"{groups[0]}/memory.limit_in_bytes", memory);
        WriteIfPresent($"{groups[0]}/memory.memsw.limit_in_bytes", memory);
        File.WriteAllText($"{groups[1]}/cpu.cfs_period_us", Number(PeriodMicroseconds));
        File.WriteAllText($"{groups[1]}/cpu.cfs_quota_us", quota);
        File.WriteAllText($"{groups[1]}/cpu.shares", Number(ContainerLimits.CpuShares));
    }

    private IReadOnlyList<string> Named(string group) =>
        kind switch
        {
            GroupKind.Systemd => [],
            GroupKind.Unified => [$"{Root}/{group}"],
            _ =>
            [
                $"{Root}/memory/{group}",
                $"{Root}/cpu/{group}",
                .. Beside.Where(h => Directory.Exists($"{Root}/{h}")).Select(h => $"{Root}/{h}/{group}"),
            ],
        };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Creates groups with these limits once and removes them, which fails where that is not
    /// possible.</summary>
    public void Try(ContainerLimits limits)
    {
        if (kind == GroupKind.Unified)
        {
            File.WriteAllText($"{Root}/cgroup.subtree_control", "+memory +cpu");
            AllowPids();
        }

        Make(Of(ContainerName.Trial), limits);
        Remove(ContainerName.Trial);
    }

    /// <summary>Ends everything in an agent's groups at once except its pump, where the kernel can do that.</summary>
    public void Kill(string agent)
    {
        foreach (var group in Of(agent))
        {
            try
            {
                // An earlier Hive put everything into the group itself.
                var inside = Directory.Exists($"{group}/{Inside}") ? $"{group}/{Inside}" : group;
                WriteIfPresent($"{inside}/cgroup.kill", "1");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The group is being removed, or its processes have to be ended one by one.
            }
        }
    }

    /// <summary>
    /// Lists the processes in an agent's groups, which none of them can leave, without its pump; empty where systemd
    /// made the groups or there are none.
    /// </summary>
    public IReadOnlyList<int> Members(string agent)
    {
        if (Of(agent) is not [var first, ..])
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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // There is no such group, or it is being removed.
            return [];
        }
    }

    /// <summary>Removes an agent's groups if nothing runs in them.</summary>
    public void Remove(string agent)
    {
        foreach (var group in Of(agent).Append($"{OfSystemd}/{name}-{agent}").Where(Directory.Exists))
            Remove(new DirectoryInfo(group));
    }

    // rmdir(2) removes a group in spite of the files in it, unless a process runs there.
    private static void Remove(DirectoryInfo group)
    {
        try
        {
            foreach (var below in group.EnumerateDirectories())
                Remove(below);
            group.Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process still runs in it, or it is another user's.
        }
    }

    // Kernels without swap accounting, for example, lack that file.
    private static void WriteIfPresent(string file, string value)
    {
        if (File.Exists(file))
            File.WriteAllText(file, value);
    }

    // Not every kernel counts processes; the other limits hold without that.
    private static void AllowPids()
    {
        try
        {
            File.WriteAllText($"{Root}/cgroup.subtree_control", "+pids");
        }
        catch (IOException)
        {
            // No such controller.
        }
    }
}

/// <summary>The party that creates control groups on this machine.</summary>
internal enum GroupKind
{
    /// <summary>systemd owns the groups and creates scopes.</summary>
    Systemd,

    /// <summary>Hive, in the unified hierarchy.</summary>
    Unified,

    /// <summary>Hive, in a hierarchy for each controller.</summary>
    Separate,
}
