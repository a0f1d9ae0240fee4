using Hive.Common.Backups;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Adds the lock and each agent's applied configuration to a backup, as git bundles with all commits.
/// </summary>
internal sealed class RepositoriesBackup(GitProgram git, IRoster roster, AgentFolders folders, HivePaths paths)
    : IBackupPart
{
    public async Task Write(string folder, CancellationToken ct)
    {
        await Bundle(Path.Combine(paths.DataDir, "meta"), Path.Combine(folder, "meta.bundle"), ct);
        var applied = Directory.CreateDirectory(Path.Combine(folder, "applied")).FullName;
        foreach (var agent in roster.Names)
            await Bundle(folders.Applied(agent), Path.Combine(applied, agent + ".bundle"), ct);
    }

    // Git cannot bundle a repository without a commit.
    private async Task Bundle(string repository, string file, CancellationToken ct)
    {
        if (await git.Head(repository, ct) is not null)
            await git.Run(repository, ["bundle", "create", "--quiet", file, "--all"], ct);
    }
}
