using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Preferences.Contracts;

/// <summary>The operator's preferences changed.</summary>
internal sealed record PreferencesChanged(PreferencesView Preferences) : IDashboardNotification
{
    public DashboardEvent ToDashboardEvent() => new("preferences_changed", "preferences", Preferences);
}
