using System.Globalization;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>
/// Holds an agent's processes to its limits by a control group: through systemd where it runs (it owns the groups there), else by groups that Hive makes itself.
/// Where neither is possible, that is said on every row.
/// </summary>
internal sealed class ResourceLimits
{
    private const string Root = "/sys/fs/cgroup";

    // cpu.max and cpu.cfs_period_us: the kernel's default period (sched-bwc).
    private const int PeriodMicroseconds = 100_000;

    // Goes into its groups before it becomes the agent.
    private const string Enter = """
        count=$1
        shift
        while [ "$count" -gt 0 ]; do
            echo $$ > "$1/cgroup.procs" || exit 125
            shift
            count=$((count - 1))
        done
        exec "$@"
        """;

    private readonly string name;
    private readonly Lazy<Task<(Way? Way, string? Fault)>> found;

    public ResourceLimits(HivePaths paths)
    {
        name = $"hive-{Instance.Of(paths)}";
        found = new Lazy<Task<(Way?, string?)>>(Find);
    }

    // Who makes the groups.
    private enum Way
    {
        Systemd,
        Unified,
        Separate,
    }

    /// <summary>Why limits are not enforced here; null when they are.</summary>
    public async Task<string?> Fault(CancellationToken ct) => (await found.Value.WaitAsync(ct)).Fault;

    /// <summary>The launch as it is within the agent's limits; unchanged where there is no way to hold it to them.</summary>
    public async Task<Launch> Within(Blueprint blueprint, Launch launch, CancellationToken ct)
    {
        switch ((await found.Value.WaitAsync(ct)).Way)
        {
            case Way.Systemd:
                return launch with { Arguments = [.. Scope(blueprint.Limits), .. launch.Arguments] };
            case { } way:
                var groups = Groups(way, blueprint.Agent.Name);
                Make(way, groups, blueprint.Limits);
                return launch with { Arguments = ["sh", "-c", Enter, "hive", groups.Count.ToString(CultureInfo.InvariantCulture), .. groups, .. launch.Arguments] };
            default:
                return launch;
        }
    }

    /// <summary>The processes in an agent's groups, which nothing of it can leave; none where systemd made them or nobody did.</summary>
    public async Task<IReadOnlyList<int>> Members(string agent)
    {
        if ((await found.Value).Way is not { } way || way == Way.Systemd)
            return [];
        try
        {
            return [.. Directory.EnumerateFiles(Groups(way, agent)[0], "cgroup.procs", SearchOption.AllDirectories)
                .SelectMany(File.ReadAllLines).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(pid => pid > 0)];
        }
        catch (IOException)
        {
            // There is no such group, or it goes just now.
            return [];
        }
    }

    /// <summary>Removes an agent's groups when nothing of it runs.</summary>
    public async Task Remove(string agent)
    {
        if ((await found.Value).Way is not { } way || way == Way.Systemd)
            return;
        foreach (var group in Groups(way, agent).Where(Directory.Exists))
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
        string[] properties = ["--scope", "--quiet", "--collect", $"--property=MemoryMax={limits.MemoryBytes}", "--property=MemorySwapMax=0", $"--property=CPUQuota={limits.CpuPercent}%", "--"];
        if (Environment.IsPrivilegedProcess)
            return ["systemd-run", .. properties];
        var bus = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? "";
        return ["env", $"XDG_RUNTIME_DIR={bus}", "systemd-run", "--user", .. properties, "env", "-u", "XDG_RUNTIME_DIR"];
    }

    private static void Make(Way way, IReadOnlyList<string> groups, AgentLimits limits)
    {
        var (memory, quota) = (limits.MemoryBytes.ToString(CultureInfo.InvariantCulture), (PeriodMicroseconds / 100 * limits.CpuPercent).ToString(CultureInfo.InvariantCulture));
        foreach (var group in groups)
            Directory.CreateDirectory(group);
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

    // A group of its own in the unified hierarchy, too, where that stands beside the others: what systemd-nspawn lets a container write to is then that container's alone.
    private IReadOnlyList<string> Groups(Way way, string agent) =>
        way == Way.Unified ? [$"{Root}/{name}-{agent}"]
        : [$"{Root}/memory/{name}-{agent}", $"{Root}/cpu/{name}-{agent}", .. Directory.Exists($"{Root}/unified") ? (string[])[$"{Root}/unified/{name}-{agent}"] : []];

    private async Task<(Way? Way, string? Fault)> Find()
    {
        const string Unlimited = "memory and CPU are not limited";
        try
        {
            // sd_booted(3).
            if (Directory.Exists("/run/systemd/system"))
            {
                var (code, error) = await Trial.Run([.. Scope(AgentLimits.Default), "true"], CancellationToken.None);
                return code == 0 ? (Way.Systemd, null) : (null, $"{Unlimited}: systemd-run ended with {code} ({error})");
            }

            var way = File.Exists($"{Root}/cgroup.controllers") ? Way.Unified : Way.Separate;
            if (way == Way.Unified)
                File.WriteAllText($"{Root}/cgroup.subtree_control", "+memory +cpu");

            var trial = Groups(way, "trial_");
            Make(way, trial, AgentLimits.Default);
            foreach (var group in trial)
                Directory.Delete(group);
            return (way, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return (null, $"{Unlimited}: {e.Message}");
        }
    }
}
