using Hive.Common.Errors;

namespace Hive.Features.Containers.Contracts;

/// <summary>What an agent is built from.</summary>
internal interface IAgentSpecs
{
    /// <summary>Reads an agent's applied configuration.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>: it cannot be used; the message names file, line and
    /// cure.</exception>
    AgentSpec Read(string agent);

    /// <summary>
    /// Makes sure that an agent has its configuration's repositories, with something sane in them, and that what the
    /// operator changed by hand in the applied one is committed and locked.
    /// It comes before every start, so that what runs is what is locked.
    /// </summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: git is missing, or the disk is full. Code <c>invalid</c>:
    /// what was changed cannot be used; the message names file, line and cure.</exception>
    Task Seed(string agent, string runtime);

    /// <summary>Takes back what <see cref="Seed"/> has noted of an agent that could not be made.</summary>
    Task Forget(string agent);
}

/// <summary>An agent's configuration, as far as its container needs it.</summary>
/// <param name="Driver">What its harness runs for a turn; null for the host's default.</param>
/// <param name="Model">The model; null for the driver's default.</param>
/// <param name="Recipients">Whom it may write to besides the manager; null for everybody.</param>
/// <param name="Files">Full paths of the files its harness reads, <c>agent.yaml</c> among them.</param>
/// <param name="Limits">What its container may use.</param>
/// <param name="Inputs">Folders that are mounted read-only: by the name below <c>/inputs</c>, where they are on the
/// host.</param>
/// <param name="RestartsOnFailure">It is started again when it ends with an error.</param>
/// <param name="Fingerprint">Equal for what is equal, byte by byte. It holds the names of the folders of
/// <paramref name="Inputs"/>.</param>
internal sealed record AgentSpec(
    string? Driver,
    string? Model,
    IReadOnlyList<string>? Recipients,
    IReadOnlyList<string> Files,
    AgentLimits Limits,
    IReadOnlyDictionary<string, string> Inputs,
    bool RestartsOnFailure = true,
    string Fingerprint = ""
);

/// <summary>What a container may use of the machine.</summary>
/// <param name="MemoryBytes">All of its memory; more ends it.</param>
/// <param name="CpuPercent">Of one processor; 200 is two of them.</param>
internal sealed record AgentLimits(long MemoryBytes, int CpuPercent)
{
    /// <summary>2 GiB and two processors, unless <c>agent.yaml</c> says otherwise; measured
    /// (docs/agent-yaml.md).</summary>
    public static AgentLimits Default { get; } = new(2L << 30, 200);
}
