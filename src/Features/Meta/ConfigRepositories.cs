using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Creates the two repositories of an agent's configuration: <c>applied/&lt;name&gt;</c>, which only the host writes,
/// and <c>agents/&lt;name&gt;/config</c>, which the manager edits and in which the host never runs git.
/// </summary>
internal sealed class ConfigRepositories(GitProgram git, AgentFolders folders, IRoster roster, HivePaths paths)
{
    /// <summary>The tag of the first configuration of an agent.</summary>
    public const string FirstTag = "deployed/0";

    private const string Template = """
        # The agent's configuration. docs/agent-yaml.md explains every key; keys left out have their defaults.
        # driver: scripted          the driver that its harness runs for a turn
        # model: ...                the driver's own model
        # script: script.yaml       for the scripted driver: a file beside this one
        # role: role.md             its prompt: a file beside this one
        # recipients: [operator]    the principals it may write to besides the manager; left out: all
        # restart: never            after it ends with an error; left out: on-failure, three times within ten minutes
        # limits: { memory: 2 GB, cpu_percent: 200 }

        """;

    /// <summary>
    /// Creates the repositories that are missing. Plain files of an earlier Hive become the first commit.
    /// </summary>
    /// <param name="agent">The agent.</param>
    /// <param name="commitEdits">True to commit changes that the operator made by hand in the applied repository; false
    /// while a deploy may be unfinished.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>True when the applied repository was created.</returns>
    /// <exception cref="Problem">Code <c>unavailable</c>: git is missing, or the disk is full.</exception>
    public async Task<bool> Ensure(string agent, bool commitEdits, CancellationToken ct)
    {
        try
        {
            var applied = folders.Applied(agent);
            var isNew = !Directory.Exists(Path.Combine(applied, ".git"));
            if (isNew)
                await CreateApplied(applied, ct);
            else if (commitEdits)
                await CommitHandEdits(applied, ct);
            var config = folders.Config(agent);
            Directory.CreateDirectory(config);
            // If a link, a file or a folder is there, it is the manager's own and stays.
            if (
                new FileInfo(Path.Combine(config, ".git")) is { Exists: false, LinkTarget: null }
                && !Directory.Exists(Path.Combine(config, ".git"))
            )
                await CreateConfig(agent, applied, config, ct);
            return isNew;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"cannot create the configuration of {agent}: {e.Message}", e);
        }
    }

    private async Task CreateApplied(string applied, CancellationToken ct)
    {
        Directory.CreateDirectory(applied);
        var file = Path.Combine(applied, AgentYaml.FileName);
        if (!File.Exists(file))
            await File.WriteAllTextAsync(file, Template, ct);
        // Created elsewhere and moved into place, so that a kill of the host cannot leave half a repository.
        var made = NewFolder();
        try
        {
            await GitProgram.Init(made, bare: false, ct);
            var there = new GitCall { Environment = new Dictionary<string, string> { ["GIT_WORK_TREE"] = applied } };
            await git.Run(made, ["add", "--all"], ct, there);
            await git.Run(made, ["commit", "--quiet", "--message", "First configuration"], ct, there);
            var tag = Path.Combine(made, ".git", "refs", "tags", FirstTag);
            Directory.CreateDirectory(Path.GetDirectoryName(tag)!);
            await File.WriteAllTextAsync(tag, await git.Head(made, ct) + "\n", ct);
            Directory.Move(Path.Combine(made, ".git"), Path.Combine(applied, ".git"));
        }
        finally
        {
            Directory.Delete(made, recursive: true);
        }
    }

    private async Task CommitHandEdits(string applied, CancellationToken ct)
    {
        var file = Path.Combine(applied, AgentYaml.FileName);
        if (!File.Exists(file))
            await File.WriteAllTextAsync(file, Template, ct);
        // Ignored files count too, because they reach the agent like all others.
        if ((await git.Run(applied, ["status", "--porcelain", "--untracked-files=all", "--ignored"], ct)).Length == 0)
            return;
        await git.Run(applied, ["add", "--all", "--force"], ct);
        await git.Run(applied, ["commit", "--quiet", "--message", "Changed by hand"], ct);
    }

    // Files are copied before the repository is moved into place, so that all of this is repeated after a kill of the
    // host.
    private async Task CreateConfig(string agent, string applied, string config, CancellationToken ct)
    {
        foreach (var file in Directory.EnumerateFiles(applied))
        {
            // Existing files and links are kept, because the manager may be editing them.
            var target = Path.Combine(config, Path.GetFileName(file));
            if (new FileInfo(target) is { Exists: false, LinkTarget: null } && !Directory.Exists(target))
                await CopyNew(file, target, ct);
        }

        var made = NewFolder();
        try
        {
            var inside = Path.Combine(made, ".git");
            CopyFolder(Path.Combine(applied, ".git"), inside);
            // The attributes are for the host's own git.
            File.Delete(Path.Combine(inside, "info", "attributes"));
            var remote = roster.Find(Principals.Manager) is { SeesHostPaths: true } ? applied : $"/applied/{agent}";
            await File.WriteAllTextAsync(
                Path.Combine(inside, "config"),
                $"""
                [core]
                	repositoryformatversion = 0
                	filemode = true
                	bare = false
                	logallrefupdates = true
                [user]
                	name = {Principals.Manager}
                	email = {Principals.Manager}@localhost
                [remote "applied"]
                	url = "{remote.Replace("\\", @"\\", StringComparison.Ordinal).Replace(
                    "\"",
                    "\\\"",
                    StringComparison.Ordinal
                )}"
                	fetch = +refs/heads/*:refs/remotes/applied/*

                """,
                ct
            );
            Directory.Move(inside, Path.Combine(config, ".git"));
        }
        finally
        {
            Directory.Delete(made, recursive: true);
        }
    }

    private static async Task CopyNew(string file, string target, CancellationToken ct)
    {
        await using var from = File.OpenRead(file);
        await using var to = new FileStream(target, FileMode.CreateNew, FileAccess.Write);
        await from.CopyToAsync(to, ct);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from))
            CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)));
        foreach (var file in Directory.EnumerateFiles(from).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private string NewFolder() =>
        Directory.CreateDirectory(Path.Combine(paths.DataDir, "tmp", "git-" + Guid.NewGuid().ToString("N"))).FullName;
}
