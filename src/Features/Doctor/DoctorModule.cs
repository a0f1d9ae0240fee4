using Hive.Common.Doors;

namespace Hive.Features.Doctor;

/// <summary>The doors of the doctor.</summary>
internal sealed class DoctorModule : FeatureModule
{
    public DoctorModule() => Host<Diagnose.Query>("doctor");
}
