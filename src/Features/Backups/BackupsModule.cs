using Hive.Common.Doors;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Backups;

/// <summary>Backups of a running Hive, and their restore.</summary>
internal sealed class BackupsModule : FeatureModule
{
    public BackupsModule() => Host<MakeBackup.Query>("backup");

    protected override void Services(IServiceCollection services) =>
        services.AddSingleton<BackupMaker>().AddSingleton<Restorer>();
}
