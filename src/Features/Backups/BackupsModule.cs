using Hive.Common.Doors;

namespace Hive.Features.Backups;

/// <summary>Backups of a running Hive.</summary>
internal sealed class BackupsModule : FeatureModule
{
    public BackupsModule() => Host<MakeBackup.Query>("backup");
}
