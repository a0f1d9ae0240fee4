namespace Hive.Features.Containers.Contracts;

/// <summary>Reads what agents run on. It is stored at each start, so it is true from a host's first moment, however the
/// host before ended.</summary>
internal interface IRunsOn
{
    /// <summary>For each agent a text with the <see cref="AgentSpec.Fingerprint"/> of its current or last
    /// run.</summary>
    Task<IReadOnlyList<string>> All(CancellationToken ct);
}
