using Hive.Protocol;

namespace Hive.Common.Doctor;

/// <summary>What a slice, or the host, looks at when somebody asks whether Hive works here. It tries things and changes
/// nothing, and it may run without a host around it: with paths and configuration alone.</summary>
public interface ICheck
{
    /// <summary>Looks.</summary>
    Task<IReadOnlyList<Finding>> Run(CancellationToken ct);
}
