using Hive.Common;
using Hive.Common.Doctor;
using Hive.Common.Doors;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Backups;

/// <summary>Backups of a running Hive, their schedule, and their restore.</summary>
internal sealed class BackupsModule : FeatureModule
{
    public BackupsModule()
    {
        Check<BackupsCheck>();
        Host<MakeBackup.Query>("backup");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<BackupMaker>()
            .AddSingleton<BackupFolder>()
            .AddSingleton<Restorer>()
            .AddSingletonAs<BackupFailure, ITrouble>()
            .AddHostedService<BackupSchedule>();
}
