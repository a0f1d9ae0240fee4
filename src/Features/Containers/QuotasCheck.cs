using Hive.Common.Doctor;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Limits;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>Checks whether the kernel can enforce the limits of agents' files.</summary>
internal sealed class QuotasCheck(ProjectQuotas quotas, AgentFolders folders) : ICheck
{
    private const string Topic = "kernel";
    private const string Name = "project quotas";

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct) => [await Find(await quotas.FindMount())];

    private async Task<Finding> Find(QuotaMount mount)
    {
        if (mount.Place is not { } place)
            return new Finding(
                Topic,
                Name,
                mount.Fault is null ? FindingState.Absent : FindingState.Failed,
                $"not used ({mount.Reason ?? mount.Fault}); agents' files are measured",
                "Optional, on ext4 and XFS: docs/containers.md#limits says how to enable them."
            );
        var missing = await ProjectQuotas.FindMissing();
        if (missing.Count > 0)
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"enabled on {place}, but not installed: {string.Join(", ", missing)}",
                "On Debian: apt-get install quota e2fsprogs"
            );
        // The agents' own faults are on their rows.
        return
            Directory.Exists(folders.Shared)
            && await quotas.Examine(ProjectQuotas.Shared, [folders.Shared], place) is { } fault
            ? new Finding(Topic, Name, FindingState.Failed, $"not used for the shared folder: {fault}")
            : new Finding(Topic, Name, FindingState.Ok, $"the kernel enforces the limits of files on {place}");
    }
}
