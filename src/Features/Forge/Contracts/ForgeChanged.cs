using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Forge.Contracts;

/// <summary>Raised when the status of the forge changed; carries all of it.</summary>
internal sealed record ForgeChanged(ForgeView Forge) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("forge_changed", "forge", Forge);
}
