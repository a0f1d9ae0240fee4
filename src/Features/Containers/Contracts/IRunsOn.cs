namespace Hive.Features.Containers.Contracts;

/// <summary>What agents run on, as it was noted when they were started: true from the first moment of a host, whatever
/// became of the one before.</summary>
internal interface IRunsOn
{
    /// <summary>For each agent a text that holds the <see cref="AgentSpec.Fingerprint"/> of what it runs on, or ran on
    /// last.</summary>
    Task<IReadOnlyList<string>> All(CancellationToken ct);
}
