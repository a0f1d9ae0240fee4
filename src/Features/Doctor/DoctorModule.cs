using Hive.Common.Doors;

namespace Hive.Features.Doctor;

/// <summary>The checks of <c>hive doctor</c>, run by the host.</summary>
internal sealed class DoctorModule : FeatureModule
{
    public DoctorModule() => Host<Diagnose.Query>("doctor");
}
