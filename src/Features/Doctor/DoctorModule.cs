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
        Host<Diagnose.Query>("doctor");
        Get<Diagnose.Query>("/api/doctor");
    }

    protected override void Services(IServiceCollection services) => services.AddHostedService<DiskWatch>();
}
