using Hive.Protocol;

namespace Hive.Common.Doctor;

/// <summary>Checks one thing that Hive needs of the machine, for <c>hive doctor</c>. A check changes nothing, and may
/// run without a host: with paths and configuration alone.</summary>
public interface ICheck
{
    /// <summary>Runs the check.</summary>
    Task<IReadOnlyList<Finding>> Run(CancellationToken ct);
}
