using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Approvals;

/// <summary>
/// Reads and changes the repositories of applied configurations, one for each agent. Only the host writes to them.
/// Every change is idempotent, because the host can be killed after any of them.
/// </summary>
internal sealed class AppliedRepository(GitProgram git, AgentFolders folders)
{
    private const string Branch = "refs/heads/main";

    /// <summary>The deployed commit, where <c>main</c> is.</summary>
    public Task<string> DeployedCommit(string agent, CancellationToken ct = default) =>
        git.Run(folders.Applied(agent), ["rev-parse", "--verify", Branch + "^{commit}"], ct);

    /// <summary>The first line of a commit's message.</summary>
    public Task<string> Subject(string agent, string commit, CancellationToken ct) =>
        git.Run(folders.Applied(agent), ["log", "-1", "--format=%s", commit], ct);

    /// <summary>The commit of a tag; null when the tag does not exist.</summary>
    public async Task<string?> CommitOfTag(string agent, string tag, CancellationToken ct = default) =>
        await git.Try(folders.Applied(agent), ["rev-parse", "--verify", "--quiet", $"refs/tags/{tag}^{{commit}}"], ct)
            is { ExitCode: 0 } found
            ? found.Text
            : null;

    /// <summary>True when the repository has that commit.</summary>
    public async Task<bool> HasCommit(string agent, string commit)
    {
        if (!Directory.Exists(Path.Combine(folders.Applied(agent), ".git")))
            return false;
        // --batch-check reports a missing object in its output; any other failure throws.
        var type = await git.Run(
            folders.Applied(agent),
            ["cat-file", "--batch-check=%(objecttype)"],
            CancellationToken.None,
            new GitCall { Input = commit + "\n" }
        );
        return type.Trim() == "commit";
    }

    /// <summary>The numbers of the tags of one kind, such as <c>approved</c>, in ascending order.</summary>
    public async Task<IReadOnlyList<long>> TagNumbers(
        string agent,
        string kind,
        CancellationToken ct,
        string? pointingAt = null
    )
    {
        string[] filter = pointingAt is null ? [] : ["--points-at", pointingAt];
        var names = await git.Run(
            folders.Applied(agent),
            ["for-each-ref", "--format=%(refname:lstrip=3)", .. filter, $"refs/tags/{kind}/"],
            ct
        );
        return
        [
            .. names
                .Split('\n')
                .Select(n =>
                    long.TryParse(n, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : -1
                )
                .Where(n => n >= 0)
                .Order(),
        ];
    }

    /// <summary>
    /// True when <paramref name="old"/> is an ancestor of <paramref name="commit"/>, or the same commit.
    /// </summary>
    public async Task<bool> IsBasedOn(string agent, string commit, string old, CancellationToken ct)
    {
        var result = await git.Try(folders.Applied(agent), ["merge-base", "--is-ancestor", old, commit], ct);
        return result.ExitCode switch
        {
            0 => true,
            1 => false,
            _ => throw Problem.Unavailable($"cannot read the applied configuration of {agent}: {result.Error}"),
        };
    }

    /// <summary>Sets a tag.</summary>
    public Task Tag(string agent, string tag, string commit) =>
        git.Run(folders.Applied(agent), ["update-ref", $"refs/tags/{tag}", commit], CancellationToken.None);

    /// <summary>Sets an annotated tag, whose message is the reason.</summary>
    public Task Annotate(string agent, string tag, string commit, string text) =>
        git.Run(
            Path.Combine(folders.Applied(agent), ".git"),
            ["tag", "--annotate", "--force", "--cleanup=verbatim", "--file=-", "--", tag, commit],
            CancellationToken.None,
            // Relative to the working directory: if the repository is purged in the meantime, git must not create it
            // again.
            new GitCall
            {
                Input = text.TrimEnd('\n') + "\n",
                Environment = new Dictionary<string, string> { ["GIT_DIR"] = "." },
            }
        );

    /// <summary>Deletes a tag.</summary>
    public Task RemoveTag(string agent, string tag) =>
        git.Run(folders.Applied(agent), ["update-ref", "-d", $"refs/tags/{tag}"], CancellationToken.None);

    /// <summary>Moves <c>main</c> to another commit; <see cref="CheckOut"/> writes its files.</summary>
    /// <param name="agent">The agent whose repository it is.</param>
    /// <param name="from">The commit that <c>main</c> must be at now; otherwise git fails.</param>
    /// <param name="to">The new commit.</param>
    public Task MoveMain(string agent, string from, string to) =>
        git.Run(folders.Applied(agent), ["update-ref", "-m", "hive", Branch, to, from], CancellationToken.None);

    /// <summary>Makes the working tree match a commit and removes all other files.</summary>
    public async Task CheckOut(string agent, string commit)
    {
        await git.Run(folders.Applied(agent), ["read-tree", "--reset", "-u", commit], CancellationToken.None);
        await git.Run(folders.Applied(agent), ["clean", "--quiet", "-ffdx"], CancellationToken.None);
    }

    /// <summary>True when the working tree matches the deployed commit and has no other files.</summary>
    public async Task<bool> IsClean(string agent, CancellationToken ct) =>
        (
            await git.Run(folders.Applied(agent), ["status", "--porcelain", "--untracked-files=all", "--ignored"], ct)
        ).Length == 0;

    /// <summary>
    /// Commits the working tree under a tag, unless it matches one of the given commits or the tag exists.
    /// </summary>
    public async Task Rescue(string agent, string tag, params string[] known)
    {
        var (folder, index) = (
            folders.Applied(agent),
            new GitCall
            {
                Environment = new Dictionary<string, string>
                {
                    ["GIT_INDEX_FILE"] = Path.Combine(folders.Applied(agent), ".git", "index.rescue"),
                },
            }
        );
        string tree;
        try
        {
            await git.Run(folder, ["read-tree", "--empty"], CancellationToken.None, index);
            await git.Run(folder, ["add", "--all", "--force"], CancellationToken.None, index);
            tree = await git.Run(folder, ["write-tree"], CancellationToken.None, index);
        }
        catch (Problem)
        {
            // Git cannot store one of the files. All of them are moved aside, because the recovery must be able to
            // continue.
            MoveAside(folder, tag);
            return;
        }

        foreach (var commit in known)
        {
            if (await git.Run(folder, ["rev-parse", "--verify", commit + "^{tree}"], CancellationToken.None) == tree)
                return;
        }

        if (await CommitOfTag(agent, tag) is null)
            await Tag(
                agent,
                tag,
                await git.Run(
                    folder,
                    ["commit-tree", tree, "-p", Branch, "-m", "Changed by hand while something else was deployed"],
                    CancellationToken.None
                )
            );
    }

    private static void MoveAside(string folder, string tag)
    {
        var aside = Directory
            .CreateDirectory(
                Path.Combine(folder, ".git", $"{tag.Replace('/', '-')}-{Guid.NewGuid().ToString("N")[..8]}")
            )
            .FullName;
        foreach (
            var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos().Where(e => e.Name != ".git").ToArray()
        )
        {
            var place = Path.Combine(aside, entry.Name);
            if (entry is DirectoryInfo { LinkTarget: null } directory)
                directory.MoveTo(place);
            else
                File.Move(entry.FullName, place);
        }
    }

    /// <summary>Removes lock files of git processes that were killed with an earlier host.</summary>
    public void RemoveStaleLocks(string agent) => GitProgram.RemoveStaleLocks(folders.Applied(agent));

    /// <summary>Reads the differences between two commits.</summary>
    public Task<GitResult> Diff(
        string agent,
        IReadOnlyList<string> options,
        string from,
        string to,
        string? path,
        int maxBytes,
        CancellationToken ct
    ) =>
        git.Try(
            folders.Applied(agent),
            [
                "diff-tree",
                "-r",
                "--no-commit-id",
                "--no-color",
                "--no-ext-diff",
                "--no-textconv",
                "--find-renames",
                "-l200",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                "--ignore-submodules=none",
                .. options,
                "--end-of-options",
                from,
                to,
                "--",
                .. path is null ? (string[])[] : [path],
            ],
            ct,
            new GitCall { MaxOutputBytes = maxBytes }
        );
}
