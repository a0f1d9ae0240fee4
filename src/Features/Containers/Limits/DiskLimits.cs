using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol.Options;

namespace Hive.Features.Containers.Limits;

/// <summary>Compares the files of agents with the room that they may take.</summary>
internal sealed class DiskLimits(DiskUse use, AgentFolders folders, HiveOptions options)
{
    /// <summary>How the note of an agent that is over its limit begins.</summary>
    public const string Note = "its files take";

    // A start does not wait longer for an agent with very many files; the watch measures them afterwards.
    private static readonly TimeSpan AtStart = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes that the files of an agent may take.</summary>
    public long Of(AgentLimits limits) => limits.DiskBytes ?? (long)(options.Disk.AgentMegabytes * (1L << 20));

    /// <summary>Measures an agent's files before its start.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: they take more room than it may have.</exception>
    public async Task MustFit(string agent, AgentLimits limits, CancellationToken ct)
    {
        var (folder, limit) = (folders.Of(agent), Of(limits));
        var last = use.Last(folder);
        var size =
            last is null ? await use.Measure(folder, AtStart, ct)
            : last.Value.Bytes > limit ? await use.Measure(folder, DiskUse.Patience, ct)
            : await use.Refresh(folder, limit, ct);
        if (size is { } now && now.Bytes > limit && (now.Known is not null || last is not null))
            throw Problem.Conflict(Words(now, limit));
    }

    /// <summary>Measures an agent's files, if they may have passed the limit since the last time.</summary>
    /// <returns>The reason that it may not run; null when it is below its limit, or was not measured.</returns>
    public async Task<string?> FindExcess(string agent, long limit, CancellationToken ct) =>
        await use.Refresh(folders.Of(agent), limit, ct) is { } size && size.Bytes > limit ? Words(size, limit) : null;

    /// <summary>True when an agent that was over its limit is below it now.</summary>
    public async Task<bool> FitsAgain(string agent, AgentLimits limits, CancellationToken ct)
    {
        var (folder, limit) = (folders.Of(agent), Of(limits));
        // An earlier host has measured it.
        if (use.Last(folder) is null)
            await use.Measure(folder, DiskUse.Patience, ct);
        else
            await use.Refresh(folder, limit, ct);
        return use.Last(folder) is { } size && size.Bytes <= limit;
    }

    private static string Words(FolderSize size, long limit) =>
        $"{Note} {size}, and may take {FolderSize.Text(limit)}; delete some in its folders state, home and config, or "
        + "raise 'disk' under 'limits' in its agent.yaml: it is started again then, with all of its messages";
}
