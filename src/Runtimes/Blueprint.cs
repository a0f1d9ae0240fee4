namespace Hive.Runtimes;

/// <summary>Describes the container of one agent, in the same way for every runtime.</summary>
/// <param name="Agent">The agent's name.</param>
/// <param name="Command">The program and its arguments, with paths as in the container.</param>
/// <param name="Mounts">Every folder of the host that it sees, besides those that its runtime gives to all
/// containers.</param>
/// <param name="Environment">The variables of its program, with paths as in the container.</param>
/// <param name="Limits">The most it may use.</param>
/// <param name="Network">The network it has.</param>
internal sealed record Blueprint(
    string Agent,
    IReadOnlyList<string> Command,
    IReadOnlyList<Mount> Mounts,
    IReadOnlyDictionary<string, string> Environment,
    ContainerLimits Limits,
    NetworkAccess Network = NetworkAccess.Outbound
)
{
    /// <summary>The folder in which its program starts.</summary>
    public string WorkingDirectory => $"/agents/{Agent}/state";

    /// <summary>The host's path for a path in the container; the path itself where no mount covers it.</summary>
    public string OnHost(string path) =>
        Mounts.FirstOrDefault(m => path == m.Target || path.StartsWith($"{m.Target}/", StringComparison.Ordinal))
            is { } mount
            ? mount.Source + path[mount.Target.Length..]
            : path;
}

/// <summary>The network that a container has.</summary>
internal enum NetworkAccess
{
    /// <summary>One of its own, from which it reaches what the machine reaches, without the machine's
    /// loopback.</summary>
    Outbound,

    /// <summary>A loopback of its own and nothing else.</summary>
    None,

    /// <summary>The machine's.</summary>
    Host,
}

/// <summary>A folder or a file of the host that a container sees.</summary>
/// <param name="Source">Its path on the host.</param>
/// <param name="Target">Its path in the container.</param>
/// <param name="Writable">The container may change it.</param>
internal sealed record Mount(string Source, string Target, bool Writable);

/// <summary>The most that a container may use of the machine.</summary>
/// <param name="MemoryBytes">All of its memory; using more ends it.</param>
/// <param name="CpuPercent">Of one processor; 200 is two of them.</param>
/// <param name="Processes">Processes and threads at a time.</param>
internal sealed record ContainerLimits(long MemoryBytes, int CpuPercent, int Processes = ContainerLimits.MaxProcesses)
{
    /// <summary>The most processes and threads of an agent at a time, on every runtime: a fork bomb stops there, and
    /// the machine goes on.</summary>
    public const int MaxProcesses = 2048;

    /// <summary>The weight of an agent's control group when the processors are busy (cgroups(7), cpu.weight). The
    /// default is 100, so the host and other programs come first, however many processes the agent starts.</summary>
    public const int CpuWeight = 20;

    /// <summary>The same weight in the unit of cpu.shares, whose default is 1024.</summary>
    public const int CpuShares = CpuWeight * 1024 / 100;
}
