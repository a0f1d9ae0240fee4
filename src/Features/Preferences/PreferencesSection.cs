using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Preferences;

/// <summary>The operator's preferences in the snapshot.</summary>
internal sealed class PreferencesSection : IDashboardSection
{
    public string Name => "preferences";

    public Type Type => typeof(PreferencesView);

    public object Read(DbConnection db) => StoredPreferences.Read(db);
}
