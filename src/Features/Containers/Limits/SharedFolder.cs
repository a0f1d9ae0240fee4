using Hive.Common.Doctor;
using Hive.Features.Agents.Contracts;
using Hive.Protocol.Options;

namespace Hive.Features.Containers.Limits;

/// <summary>Tells when the files in the shared folder take more room than they may. Nobody is ended for it: every agent
/// can write there, and one of them could so end all others.</summary>
internal sealed class SharedFolder(DiskUse use, ProjectQuotas quotas, AgentFolders folders, HiveOptions options)
    : ITrouble
{
    // Above 100: the operator is told before the kernel refuses what agents write.
    private const int QuotaPercent = 105;

    private long Limit => (long)(options.Disk.SharedMegabytes * (1L << 20));

    /// <summary>True while it is known to be over its limit.</summary>
    public bool IsOver => use.Last(folders.Shared) > Limit;

    /// <summary>Measures the folder, if it may have passed its limit since the last time, and has the kernel refuse
    /// what agents write above the limit, where it can.</summary>
    public async Task Refresh(CancellationToken ct)
    {
        await quotas.Ensure(ProjectQuotas.Shared, [folders.Shared], Limit / 100 * QuotaPercent);
        await use.Refresh(folders.Shared, Limit, [], ct);
    }

    public Task<IReadOnlyList<Trouble>> Find() =>
        Task.FromResult<IReadOnlyList<Trouble>>(
            use.Last(folders.Shared) is { } bytes && bytes > Limit
                ?
                [
                    new Trouble(
                        "shared",
                        $"the files in {folders.Shared} take {DiskLimits.Text(bytes)}, and may take "
                            + $"{DiskLimits.Text(Limit)}; every agent can write there, so none was ended: "
                            + "stop the one that fills it, delete files, or raise Disk:SharedMegabytes",
                        "the shared folder is larger than its limit",
                        TakesCommands: true
                    ),
                ]
                : []
        );
}
