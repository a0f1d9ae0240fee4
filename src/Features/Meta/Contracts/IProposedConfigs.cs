namespace Hive.Features.Meta.Contracts;

/// <summary>Finds configurations that wait for the operator's decision.</summary>
internal interface IProposedConfigs
{
    /// <summary>The newest proposal for an agent that is not decided yet; null when there is none.</summary>
    Task<ProposedConfig?> Newest(string agent, CancellationToken ct);
}

/// <summary>A proposed configuration.</summary>
/// <param name="ApprovalId">The approval that decides it.</param>
/// <param name="Sha">The commit, in <c>applied/&lt;agent&gt;</c>.</param>
internal sealed record ProposedConfig(long ApprovalId, string Sha);
