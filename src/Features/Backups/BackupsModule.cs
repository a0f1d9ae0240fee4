using Hive.Common.Doors;

namespace Hive.Features.Backups;

/// <summary>The door of backups.</summary>
internal sealed class BackupsModule : FeatureModule
{
    public BackupsModule() => Host<MakeBackup.Query>("backup");
}
