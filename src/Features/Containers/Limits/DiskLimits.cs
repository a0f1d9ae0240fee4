using System.Globalization;
using Hive.Common.Errors;
using Hive.Common.Processes;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Containers.Limits;

/// <summary>Compares the files of agents with the room that they may take. Only <see cref="Refresh"/> measures; all
/// else uses the last size, so that nobody waits.</summary>
internal sealed class DiskLimits(
    DiskUse use,
    ProjectQuotas quotas,
    AgentFolders folders,
    IAgentSpecs specs,
    HiveOptions options,
    HivePaths paths
) : IHandoverRoom
{
    // Read once: where file systems share a disk, its size as they see it changes.
    private readonly long disk = new DriveInfo(paths.DataDir).TotalSize;

    // The least that an agent.yaml can name.
    private const long Least = 64L << 20;

    // One agent without a limit of its own leaves most of a small disk to the others and the host.
    private const int PartOfDisk = 4;

    // What others hand over stays below this part of the limit, so that they cannot end the agent.
    private const int HandoverPercent = 90;

    // The kernel refuses an agent's writes before a measurement finds it above the limit, which ends it: its
    // configuration is measured too, but is not in its project.
    private const int QuotaPercent = 95;

    /// <summary>The most bytes that the files of an agent may take. One whose configuration cannot be read has the
    /// option's limit.</summary>
    public long Of(string agent)
    {
        try
        {
            return Of(specs.Read(agent).Limits);
        }
        catch (Problem)
        {
            return Of(AgentLimits.Default);
        }
    }

    /// <summary>Measures an agent's files, if they may have passed the limit since the last time.</summary>
    public Task Refresh(string agent, long limit, CancellationToken ct) =>
        use.Refresh(folders.Of(agent), limit, [folders.State(agent), folders.Home(agent), folders.Config(agent)], ct);

    /// <summary>The reason that an agent may not run; null when it is below its limit, or was never measured.</summary>
    public string? FindExcess(string agent, long limit) =>
        use.Last(folders.Of(agent)) is { } bytes && bytes > limit
            ? $"its files take {Text(bytes)}, and may take {Text(limit)}; delete some in its folders state, home and "
                + "config, or raise 'disk' under 'limits' in its agent.yaml: it is started again then, with all of its "
                + "messages"
            : null;

    /// <summary>Refuses a start.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the agent's files take more room than it may have.</exception>
    public void MustFit(string agent, AgentLimits limits)
    {
        if (FindExcess(agent, Of(limits)) is { } why)
            throw Problem.Conflict(why);
    }

    /// <summary>Has the kernel refuse what an agent writes near its limit, where it can.</summary>
    public Task SetQuota(string agent, AgentLimits limits) => quotas.Limit(agent, Written(agent), Quota(Of(limits)));

    /// <summary>Does the same for an agent that an earlier host started, or whose quota could not be set.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="limit">Its limit in bytes.</param>
    public Task EnsureQuota(string agent, long limit) => quotas.Ensure(agent, Written(agent), Quota(limit));

    /// <summary>True when the files of an agent have been measured and are below the limit.</summary>
    public bool Fits(string agent, long limit) => use.Last(folders.Of(agent)) <= limit;

    /// <summary>Why the limit of an agent's files may not hold; null when it does.</summary>
    public string? FindWeakness(string agent) =>
        use.Fault(folders.Of(agent)) is { } fault
            ? $"the limit of its files may not hold, because they could not all be measured: {fault}"
        : quotas.FindFault(agent) is { } missing ? $"its files are measured, but have no quota: {missing}"
        : null;

    /// <inheritdoc />
    public void MustHaveRoom(string agent, long bytes)
    {
        var limit = Of(agent);
        if (use.Last(folders.Of(agent)) is { } known && known + bytes > limit / 100 * HandoverPercent)
            throw Problem.Conflict(
                $"{agent} has no room for the file: its files take {Text(known)}, others may fill {HandoverPercent} % "
                    + $"of {Text(limit)}; ask {agent} to remove some, or put the file under /shared/ and send its path"
            );
    }

    /// <inheritdoc />
    public void Count(string agent, long bytes) => use.Add(folders.Of(agent), Math.Max(bytes, FolderUse.BytesPerFile));

    /// <summary>A number of bytes, for a person.</summary>
    public static string Text(long bytes) =>
        bytes >= 1L << 30
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.##} GiB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.#} MiB");

    private static long Quota(long limit) => limit / 100 * QuotaPercent;

    // What the agent itself writes.
    private string[] Written(string agent) => [folders.State(agent), folders.Home(agent)];

    private long Of(AgentLimits limits) =>
        limits.DiskBytes
        ?? Math.Min(
            (long)(options.Disk.AgentMegabytes * (1L << 20)),
            // Some file systems do not know their size.
            disk > 0
                ? Math.Max(Least, disk / PartOfDisk)
                : long.MaxValue
        );
}
