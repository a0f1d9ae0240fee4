using Hive.Common.Notifications;

namespace Hive.Features.Meta.Contracts;

/// <summary>A repository that agents are built with, pinned to a revision.</summary>
/// <param name="Name">Its name in the swarm's lock.</param>
/// <param name="LockedRev">The revision.</param>
/// <param name="ModifiedAt">When that was committed.</param>
/// <param name="Agents">Who uses it.</param>
/// <param name="Url">Where it comes from; without credentials.</param>
internal sealed record MetaInput(
    string Name,
    string LockedRev,
    DateTimeOffset ModifiedAt,
    IReadOnlyList<string> Agents,
    string? Url = null
);

/// <summary>Raised when the lock moved; carries all inputs.</summary>
internal sealed record MetaInputsChanged(IReadOnlyList<MetaInput> MetaInputs) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("meta_inputs_changed", "meta_inputs", MetaInputs);
}

/// <summary>Raised when another commit is locked for an agent.</summary>
internal sealed record DeployedChanged(string Agent) : IAgentRowNotification;
