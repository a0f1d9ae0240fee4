using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Locks.Contracts;

/// <summary>Raised with a lock or a request that was made, granted or ended.</summary>
internal sealed record LockChanged(LockView Lock) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("lock_changed", "lock", Lock);
}
