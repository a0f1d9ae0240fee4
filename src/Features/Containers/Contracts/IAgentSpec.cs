using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Egress.Contracts;

namespace Hive.Features.Containers.Contracts;

/// <summary>Reads, seeds and locks agents' configurations.</summary>
internal interface IAgentSpecs
{
    /// <summary>Reads an agent's applied configuration.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>: it cannot be used; the message names the file, the line and the
    /// fix.</exception>
    AgentSpec Read(string agent);

    /// <summary>Reads the list of hosts that an agent's run was started with, from the copy of its configuration beside
    /// its socket; null without a list.</summary>
    /// <exception cref="Problem">Code <c>invalid</c> or <c>unavailable</c>: the copy cannot be used.</exception>
    EgressRules? HostsOfRun(string agent);

    /// <summary>
    /// Creates an agent's configuration repositories with a default content where they are missing, and commits and
    /// locks what the operator changed by hand in the applied one. It precedes every start, so that an agent runs on
    /// what is locked.
    /// </summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: git is missing, or the disk is full. Code <c>invalid</c>: the
    /// changed configuration cannot be used; the message names the file, the line and the fix.</exception>
    Task Seed(string agent, string runtime);

    /// <summary>Undoes the notes of <see cref="Seed"/> about an agent whose creation failed.</summary>
    Task Forget(string agent);
}

/// <summary>The parts of an agent's configuration that its container needs.</summary>
/// <param name="Driver">The driver that its harness runs for a turn; null for the host's default.</param>
/// <param name="Model">The model; null for the driver's default.</param>
/// <param name="Recipients">The principals that it may write to besides the manager; null for all.</param>
/// <param name="Files">Full paths of the files its harness reads, <c>agent.yaml</c> among them.</param>
/// <param name="Limits">The most that its container may use.</param>
/// <param name="Inputs">Folders that are mounted read-only: their paths on the host by their names below
/// <c>/inputs</c>.</param>
/// <param name="Work">The tasks that it can take.</param>
/// <param name="Network">The network of its container.</param>
/// <param name="Hosts">The only hosts that it may connect to; null unless it has such a list.</param>
/// <param name="RestartsOnFailure">It is restarted when it ends with an error.</param>
/// <param name="Fingerprint">Equal for equal configurations, byte by byte. It contains the names of the folders of
/// <paramref name="Inputs"/>.</param>
internal sealed record AgentSpec(
    string? Driver,
    string? Model,
    IReadOnlyList<string>? Recipients,
    IReadOnlyList<string> Files,
    AgentLimits Limits,
    IReadOnlyDictionary<string, string> Inputs,
    AgentWork Work,
    AgentNetwork Network = AgentNetwork.Outbound,
    EgressRules? Hosts = null,
    bool RestartsOnFailure = true,
    string Fingerprint = ""
);

/// <summary>The network of a container, as agent.yaml names it in lower case.</summary>
internal enum AgentNetwork
{
    /// <summary>One of its own, from which it reaches the outside but not the machine's loopback.</summary>
    Outbound,

    /// <summary>None besides a loopback of its own, and the proxy where it has a list of hosts.</summary>
    None,

    /// <summary>The machine's.</summary>
    Host,
}

/// <summary>The most that a container may use of the machine.</summary>
/// <param name="MemoryBytes">All of its memory; using more ends it.</param>
/// <param name="CpuPercent">Of one processor; 200 is two of them.</param>
/// <param name="DiskBytes">Of its state, home and config folders together; null for the host's option.</param>
internal sealed record AgentLimits(long MemoryBytes, int CpuPercent, long? DiskBytes = null)
{
    /// <summary>2 GiB and two processors, unless <c>agent.yaml</c> says otherwise; measured
    /// (docs/agent-yaml.md).</summary>
    public static AgentLimits Default { get; } = new(2L << 30, 200);
}
