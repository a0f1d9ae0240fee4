using Hive.Common.Backups;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Adds the lock and each agent's applied configuration to a backup, as git bundles with all commits.
/// </summary>
internal sealed class RepositoriesBackup(GitBundles bundles, IRoster roster, AgentFolders folders, HivePaths paths)
    : IBackupPart
{
    /// <summary>The bundle of <c>meta</c>.</summary>
    public const string Meta = "meta.bundle";

    /// <summary>The folder of the other bundles.</summary>
    public const string Applied = "applied";

    /// <summary>The ending of a bundle's name.</summary>
    public const string Ending = ".bundle";

    public async Task<IReadOnlyList<LeftOutFile>> Write(string folder, BackupChoice choice, CancellationToken ct)
    {
        await bundles.Write(Path.Combine(paths.DataDir, "meta"), Path.Combine(folder, Meta), ct);
        foreach (var agent in roster.Names)
            await bundles.Write(folders.Applied(agent), Path.Combine(folder, Applied, agent + Ending), ct);
        return [];
    }
}
