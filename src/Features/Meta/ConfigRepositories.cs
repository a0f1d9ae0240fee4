using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// The two repositories of an agent's configuration: <c>applied/&lt;name&gt;</c>, which the host alone writes, and
/// <c>agents/&lt;name&gt;/config</c>, which the manager edits and in which
/// no git of the host ever runs once it has been made.
/// </summary>
internal sealed partial class ConfigRepositories(
    GitProgram git,
    AgentFolders folders,
    IRoster roster,
    AgentYaml yaml,
    HivePaths paths
)
{
    /// <summary>The tag of what an agent was made with.</summary>
    public const string FirstTag = "deployed/0";

    private const int MaxFiles = 200;
    private const int MaxNameBytes = 200;
    private const long MaxFileBytes = 1 << 20;
    private const long MaxAllBytes = 8 << 20;

    private const string Template = """
        # What this agent is. docs/agent-yaml.md explains every key; what is left out is at its default.
        # driver: scripted          what its harness runs for a turn
        # model: ...                the driver's own model
        # script: script.yaml       for the scripted driver: a file beside this one
        # role: role.md             its prompt: a file beside this one
        # recipients: [operator]    whom it may write to besides the manager; left out: everybody
        # restart: never            when it ends with an error; left out: on-failure, three times within ten minutes
        # limits: { memory: 2 GB, cpu_percent: 200 }

        """;

    /// <summary>Makes what of both is not there. Plain files of an earlier Hive become the first commit.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="commitEdits">What the operator changed by hand in the applied one is committed. Not while a deploy
    /// may be half done.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>True when the applied one was made.</returns>
    /// <exception cref="Problem">Code <c>unavailable</c>: git is missing, or the disk is full.</exception>
    public async Task<bool> Ensure(string agent, bool commitEdits, CancellationToken ct)
    {
        try
        {
            var applied = folders.Applied(agent);
            var isNew = !Directory.Exists(Path.Combine(applied, ".git"));
            if (isNew)
                await MakeApplied(applied, ct);
            else if (commitEdits)
                await CommitByHand(applied, ct);
            var config = folders.Config(agent);
            Directory.CreateDirectory(config);
            // A link, a file or a folder there: whatever the manager has made of it is its own.
            if (
                new FileInfo(Path.Combine(config, ".git")) is { Exists: false, LinkTarget: null }
                && !Directory.Exists(Path.Combine(config, ".git"))
            )
                await MakeConfig(agent, applied, config, ct);
            return isNew;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"the configuration of {agent} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>The commit that is applied for an agent.</summary>
    public async Task<string> Head(string agent, CancellationToken ct) =>
        await git.Head(folders.Applied(agent), ct)
        ?? throw Problem.Conflict($"{folders.Applied(agent)} has no commit; `hive rebuild {agent}` makes one");

    /// <summary>The tag of the last deploy of that commit: what a revived agent was deployed as before, or the one it
    /// was made with. Null when none has been.</summary>
    public async Task<string?> LastDeployed(string agent, string commit, CancellationToken ct)
    {
        var tags = await git.Run(
            folders.Applied(agent),
            [
                "for-each-ref",
                "--points-at",
                commit,
                "--sort=-version:refname",
                "--count=1",
                "--format=%(refname:lstrip=2)",
                "refs/tags/deployed/",
            ],
            ct
        );
        return tags.Length > 0 ? tags : null;
    }

    /// <summary>Reads <c>agent.yaml</c> as it is at a commit of the applied repository; whoever proposed that commit
    /// may mean harm.</summary>
    /// <exception cref="Problem">It cannot be used; the message names file, line and cure.</exception>
    public async Task<AgentConfig> ReadAt(string agent, string commit, CancellationToken ct)
    {
        if (!Commit().IsMatch(commit))
            throw Problem.Invalid($"'{commit}' is no whole name of a commit");
        var applied = folders.Applied(agent);
        var listed = await git.Try(
            applied,
            ["ls-tree", "-r", "-l", "-z", "--full-tree", commit],
            ct,
            new GitCall { MaxOutputBytes = MaxFiles * (MaxNameBytes + 100) }
        );
        if (listed.Truncated)
            throw TooMany();
        if (listed.ExitCode != 0)
            throw Problem.NotFound(
                $"there is no commit {commit[..12]} in the applied configuration of {agent}: {listed.Error}"
            );
        HashSet<string> files = [];
        var (count, sum) = (0, 0L);
        foreach (var entry in Text(listed.Output).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = entry[(entry.IndexOf('\t', StringComparison.Ordinal) + 1)..];
            var fields = entry[..entry.IndexOf('\t', StringComparison.Ordinal)]
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var kind = (fields[0], fields[1]) switch
            {
                ("120000", _) => "a symbolic link",
                (_, "commit") => "a submodule",
                (_, "blob") => null,
                _ => "no file",
            };
            if (kind is not null)
                throw Problem.Invalid(
                    $"'{Shown(path)}' is {kind}; a configuration holds plain files only. Another repository comes in as an input"
                );
            var size = long.Parse(fields[3], CultureInfo.InvariantCulture);
            if (Fault(path, size) is { } fault)
                throw Problem.Invalid($"'{Shown(path)}' {fault}");
            sum += size;
            if (++count > MaxFiles || sum > MaxAllBytes)
                throw TooMany();
            files.Add(path);
        }

        if (!files.Contains(AgentYaml.FileName))
            throw Problem.Invalid(
                $"there is no {AgentYaml.FileName} at the top of the configuration; what it may hold is in docs/agent-yaml.md"
            );
        var blob = await git.Try(
            applied,
            ["cat-file", "blob", $"{commit}:{AgentYaml.FileName}"],
            ct,
            new GitCall { MaxOutputBytes = AgentYaml.MaxBytes + 1 }
        );
        return blob.ExitCode == 0 || blob.Truncated
            ? yaml.Read(AgentYaml.FileName, blob.Output, files)
            : throw Problem.Invalid($"{AgentYaml.FileName} cannot be read: {blob.Error}");
    }

    /// <summary>The text of <c>agent.yaml</c> at a commit of the applied repository.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the commit, or the file in it, is missing.</exception>
    public async Task<string> TextAt(string agent, string commit, CancellationToken ct)
    {
        var bounded = new GitCall { MaxOutputBytes = AgentYaml.MaxBytes };
        var blob = await git.Try(
            folders.Applied(agent),
            ["cat-file", "blob", $"{commit}:{AgentYaml.FileName}"],
            ct,
            bounded
        );
        return blob is { ExitCode: 0, Truncated: false }
            ? Text(blob.Output)
            : throw Problem.Unavailable(
                $"{AgentYaml.FileName} of {agent} cannot be read at {commit[..12]}: {blob.Error}; "
                    + $"`hive rebuild {agent}` deploys what is there"
            );
    }

    /// <summary>Why a file cannot be part of a configuration; null when it can.</summary>
    public static string? Fault(string path, long bytes)
    {
        if (
            path.Any(char.IsControl)
            || path.Contains('\uFFFD', StringComparison.Ordinal)
            || path.Contains('\\', StringComparison.Ordinal)
            || Encoding.UTF8.GetByteCount(path) > MaxNameBytes
        )
            return $"has an odd name; names are UTF-8 without control characters and '\\', of at most {MaxNameBytes} bytes";
        // It would lie beside the agent's socket.
        if (path.EndsWith(".sock", StringComparison.Ordinal))
            return "is named like a socket; give it another name";
        return bytes > MaxFileBytes
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"has {bytes} bytes; a file of a configuration may have {MaxFileBytes}, and more belongs into an input"
            )
            : null;
    }

    private static Problem TooMany() =>
        Problem.TooLarge(
            $"the configuration is larger than {MaxFiles} files or {MaxAllBytes >> 20} MiB; keep it small, and put more into an input"
        );

    private async Task MakeApplied(string applied, CancellationToken ct)
    {
        Directory.CreateDirectory(applied);
        var file = Path.Combine(applied, AgentYaml.FileName);
        if (!File.Exists(file))
            await File.WriteAllTextAsync(file, Template, ct);
        // Made elsewhere and moved in whole: what a kill of the host leaves half done is no repository.
        var made = NewFolder();
        try
        {
            await GitProgram.Init(made, bare: false, ct);
            var there = new GitCall { Environment = new Dictionary<string, string> { ["GIT_WORK_TREE"] = applied } };
            await git.Run(made, ["add", "--all"], ct, there);
            await git.Run(made, ["commit", "--quiet", "--message", "What the agent was made with"], ct, there);
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

    private async Task CommitByHand(string applied, CancellationToken ct)
    {
        var file = Path.Combine(applied, AgentYaml.FileName);
        if (!File.Exists(file))
            await File.WriteAllTextAsync(file, Template, ct);
        // What a .gitignore names reaches the agent like every other file.
        if ((await git.Run(applied, ["status", "--porcelain", "--untracked-files=all", "--ignored"], ct)).Length == 0)
            return;
        await git.Run(applied, ["add", "--all", "--force"], ct);
        await git.Run(applied, ["commit", "--quiet", "--message", "Changed by hand"], ct);
    }

    // The files first: while the repository is not there, what a kill of the host left undone is done again.
    private async Task MakeConfig(string agent, string applied, string config, CancellationToken ct)
    {
        foreach (var file in Directory.EnumerateFiles(applied))
        {
            // Only what is not there, and through no link: somebody may be at work in it.
            var target = Path.Combine(config, Path.GetFileName(file));
            if (new FileInfo(target) is { Exists: false, LinkTarget: null } && !Directory.Exists(target))
                await CopyNew(file, target, ct);
        }

        var made = NewFolder();
        try
        {
            var inside = Path.Combine(made, ".git");
            CopyFolder(Path.Combine(applied, ".git"), inside);
            // Those are for the host's eyes.
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

    // What is no UTF-8 becomes a replacement character, which no name may hold.
    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static string Shown(string path) =>
        string.Concat((path.Length <= 80 ? path : path[..80] + "…").Select(c => char.IsControl(c) ? '?' : c));

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Commit();
}
