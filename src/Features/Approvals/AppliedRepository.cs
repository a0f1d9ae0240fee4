using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Approvals;

/// <summary>
/// The repositories of what is applied, one for each agent, written by the host alone. Every change here can be made
/// again without harm: a kill may fall behind any of them.
/// </summary>
internal sealed class AppliedRepository(GitProgram git, AgentFolders folders)
{
    private const string Branch = "refs/heads/main";

    /// <summary>What is deployed.</summary>
    public Task<string> Main(string agent, CancellationToken ct = default) =>
        git.Run(folders.Applied(agent), ["rev-parse", "--verify", Branch + "^{commit}"], ct);

    /// <summary>The commit behind a tag; null when there is no such tag.</summary>
    public async Task<string?> Tagged(string agent, string tag, CancellationToken ct = default) =>
        await git.Try(folders.Applied(agent), ["rev-parse", "--verify", "--quiet", $"refs/tags/{tag}^{{commit}}"], ct)
            is { ExitCode: 0 } found
            ? found.Text
            : null;

    /// <summary>True when that commit is there.</summary>
    public async Task<bool> Has(string agent, string commit)
    {
        if (!Directory.Exists(Path.Combine(folders.Applied(agent), ".git")))
            return false;
        // It says so when an object is missing; that git fails for another reason means nothing.
        var said = await git.Run(
            folders.Applied(agent),
            ["cat-file", "--batch-check=%(objecttype)"],
            CancellationToken.None,
            new GitCall { Input = commit + "\n" }
        );
        return said.Trim() == "commit";
    }

    /// <summary>The numbers behind the tags of one kind, such as <c>approved</c>.</summary>
    public async Task<IReadOnlyList<long>> Numbers(
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

    /// <summary>True when everything of <paramref name="old"/> is in the history of
    /// <paramref name="commit"/>.</summary>
    public async Task<bool> IsBasedOn(string agent, string commit, string old, CancellationToken ct)
    {
        var result = await git.Try(folders.Applied(agent), ["merge-base", "--is-ancestor", old, commit], ct);
        return result.ExitCode switch
        {
            0 => true,
            1 => false,
            _ => throw Problem.Unavailable($"what is applied for {agent} cannot be read: {result.Error}"),
        };
    }

    /// <summary>Sets a tag.</summary>
    public Task Tag(string agent, string tag, string commit) =>
        git.Run(folders.Applied(agent), ["update-ref", $"refs/tags/{tag}", commit], CancellationToken.None);

    /// <summary>Sets a tag that says why.</summary>
    public Task Annotate(string agent, string tag, string commit, string text) =>
        git.Run(
            Path.Combine(folders.Applied(agent), ".git"),
            ["tag", "--annotate", "--force", "--cleanup=verbatim", "--file=-", "--", tag, commit],
            CancellationToken.None,
            // The folder that it stands in, wherever that is by then: a repository that is purged meanwhile must not be
            // begun anew.
            new GitCall
            {
                Input = text.TrimEnd('\n') + "\n",
                Environment = new Dictionary<string, string> { ["GIT_DIR"] = "." },
            }
        );

    /// <summary>Takes a tag away.</summary>
    public Task Untag(string agent, string tag) =>
        git.Run(folders.Applied(agent), ["update-ref", "-d", $"refs/tags/{tag}"], CancellationToken.None);

    /// <summary>Makes a commit the one that is deployed; its files are a matter of <see cref="CheckOut"/>.</summary>
    /// <param name="agent">Whose.</param>
    /// <param name="from">What it is now; anything else is a fault.</param>
    /// <param name="to">What it is to be.</param>
    public Task MoveMain(string agent, string from, string to) =>
        git.Run(folders.Applied(agent), ["update-ref", "-m", "hive", Branch, to, from], CancellationToken.None);

    /// <summary>Makes the files what a commit says.</summary>
    public async Task CheckOut(string agent, string commit)
    {
        await git.Run(folders.Applied(agent), ["read-tree", "--reset", "-u", commit], CancellationToken.None);
        await git.Run(folders.Applied(agent), ["clean", "--quiet", "-ffdx"], CancellationToken.None);
    }

    /// <summary>True when the files are what the deployed commit says, and there are no others.</summary>
    public async Task<bool> IsClean(string agent, CancellationToken ct) =>
        (
            await git.Run(folders.Applied(agent), ["status", "--porcelain", "--untracked-files=all", "--ignored"], ct)
        ).Length == 0;

    /// <summary>Keeps the files as they lie there by a tag, unless they are those of one of these commits, or the tag
    /// is there.</summary>
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
            // There is something among them that git cannot keep: all of it is moved aside, since nothing may hold up
            // what comes next.
            MoveAside(folder, tag);
            return;
        }

        foreach (var commit in known)
        {
            if (await git.Run(folder, ["rev-parse", "--verify", commit + "^{tree}"], CancellationToken.None) == tree)
                return;
        }

        if (await Tagged(agent, tag) is null)
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

    /// <summary>Lets go of what a git of an earlier host held when it was killed.</summary>
    public void Unlock(string agent) => GitProgram.RemoveStaleLocks(folders.Applied(agent));

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
