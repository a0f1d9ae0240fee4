using Hive.Common.Notifications;

namespace Hive.Features.Containers.Contracts;

/// <summary>What is kept of a destroyed agent. Who is spawned under its name finds it again.</summary>
/// <param name="Name">The name the agent had.</param>
/// <param name="StateBytes">The size of its notes; while very many files are being counted, and of more than can be, at
/// least that.</param>
/// <param name="ModifiedAt">When something of its notes was last changed.</param>
/// <param name="HasCredentials">Its home, where its tool keeps credentials and sessions, is not empty.</param>
internal sealed record Tombstone(string Name, long StateBytes, DateTimeOffset ModifiedAt, bool HasCredentials);

/// <summary>Raised when a tombstone came, went or changed; carries all of them.</summary>
internal sealed record TombstonesChanged(IReadOnlyList<Tombstone> Tombstones) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("tombstones_changed", "tombstones", Tombstones);
}
