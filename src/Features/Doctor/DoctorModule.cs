using Hive.Common.Doors;

namespace Hive.Features.Doctor;

/// <summary>The checks of <c>hive doctor</c>, run by the host, at the host socket and for the dashboard.</summary>
internal sealed class DoctorModule : FeatureModule
{
    public DoctorModule()
    {
        Host<Diagnose.Query>("doctor");
        Get<Diagnose.Query>("/api/doctor");
    }
}
