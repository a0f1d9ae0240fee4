using Hive.Common.Doors;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Doctor;

/// <summary>The checks of <c>hive doctor</c>, run by the host, at the host socket and for the dashboard.</summary>
internal sealed class DoctorModule : FeatureModule
{
    public DoctorModule()
    {
        Waiting<WaitingDisk>();
        Waiting<WaitingFindings>();
        Waiting<WaitingTroubles>();
        Host<Diagnose.Query>("doctor");
        Host<CheckDisk.Command>("check_disk");
        Get<Diagnose.Query>("/api/doctor");
        Get<ShowReadiness.Query>("/ready");
        Post<CheckDisk.Command>("/api/disk/check");
    }

    protected override void Services(IServiceCollection services) => services.AddHostedService<DiskWatch>();
}
