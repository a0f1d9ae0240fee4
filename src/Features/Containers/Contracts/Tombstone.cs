using Hive.Common.Notifications;

namespace Hive.Features.Containers.Contracts;

/// <summary>The data that is kept of a destroyed agent. An agent that is spawned under its name gets it back.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="StateBytes">The size of its notes; a lower bound while very many files are being counted, and when
/// there are too many.</param>
/// <param name="ModifiedAt">The time of the last change to its notes.</param>
/// <param name="HasCredentials">Its home, where its tool keeps credentials and sessions, is not empty.</param>
internal sealed record Tombstone(string Name, long StateBytes, DateTimeOffset ModifiedAt, bool HasCredentials);

/// <summary>Raised when a tombstone was added, removed or changed; carries all of them.</summary>
internal sealed record TombstonesChanged(IReadOnlyList<Tombstone> Tombstones) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("tombstones_changed", "tombstones", Tombstones);
}
