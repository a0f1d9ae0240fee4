using Hive.Common.Doctor;
using Hive.Features.Containers.Limits;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>Checks whether the kernel can enforce the limits of agents' files.</summary>
internal sealed class QuotasCheck(ProjectQuotas quotas) : ICheck
{
    private const string Topic = "kernel";
    private const string Name = "project quotas";

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        var (mount, reason) = await quotas.FindMount();
        if (mount is null)
            return
            [
                new Finding(
                    Topic,
                    Name,
                    FindingState.Absent,
                    $"not used ({reason}); agents' files are measured",
                    "Optional, on ext4 and XFS: docs/containers.md#limits says how to enable them."
                ),
            ];
        var missing = await ProjectQuotas.FindMissing();
        if (missing.Count > 0)
            return
            [
                new Finding(
                    Topic,
                    Name,
                    FindingState.Failed,
                    $"enabled on {mount}, but not installed: {string.Join(", ", missing)}",
                    "On Debian: apt-get install quota e2fsprogs"
                ),
            ];
        return
        [
            quotas.FindFault(ProjectQuotas.Shared) is { } fault
                ? new Finding(Topic, Name, FindingState.Failed, $"the shared folder has none: {fault}")
                : new Finding(Topic, Name, FindingState.Ok, $"the kernel enforces the limits of files on {mount}"),
        ];
    }
}
