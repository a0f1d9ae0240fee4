using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Meta;

/// <summary>Reads and checks configurations at commits of the applied repositories. Agents propose those commits, so
/// their content is not trusted.</summary>
internal sealed partial class ConfigReader(GitProgram git, AgentFolders folders, AgentYaml yaml)
{
    private const int MaxFiles = 200;
    private const int MaxNameBytes = 200;
    private const long MaxFileBytes = 1 << 20;
    private const long MaxAllBytes = 8 << 20;

    /// <summary>The deployed commit of an agent's applied repository.</summary>
    public async Task<string> Head(string agent, CancellationToken ct) =>
        await git.Head(folders.Applied(agent), ct)
        ?? throw Problem.Conflict($"{folders.Applied(agent)} has no commit; `hive rebuild {agent}` creates one");

    /// <summary>When a commit was made.</summary>
    public async Task<DateTimeOffset> CommittedAt(string agent, string commit, CancellationToken ct) =>
        DateTimeOffset.FromUnixTimeSeconds(
            long.Parse(
                await git.Run(folders.Applied(agent), ["log", "-1", "--format=%ct", commit], ct),
                CultureInfo.InvariantCulture
            )
        );

    /// <summary>The newest tag <c>deployed/…</c> of a commit; null when it has none. A revived agent has one of its
    /// earlier deploys.</summary>
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

    /// <summary>Reads and checks the configuration at a commit of the applied repository.</summary>
    /// <exception cref="Problem">The configuration is invalid; the message names the file, the line and the
    /// fix.</exception>
    public async Task<AgentConfig> ReadAt(string agent, string commit, CancellationToken ct)
    {
        if (!Commit().IsMatch(commit))
            throw Problem.Invalid($"'{commit}' is not a full commit id");
        var files = await ListFiles(agent, commit, ct);
        if (!files.Contains(AgentYaml.FileName))
            throw Problem.Invalid(
                $"the configuration has no {AgentYaml.FileName} at its top; docs/agent-yaml.md describes the file"
            );
        var blob = await git.Try(
            folders.Applied(agent),
            ["cat-file", "blob", $"{commit}:{AgentYaml.FileName}"],
            ct,
            new GitCall { MaxOutputBytes = AgentYaml.MaxBytes + 1 }
        );
        return blob.ExitCode == 0 || blob.Truncated
            ? yaml.Read(AgentYaml.FileName, blob.Output, files)
            : throw Problem.Invalid($"cannot read {AgentYaml.FileName}: {blob.Error}");
    }

    /// <summary>Checks a text as the <c>agent.yaml</c> of the configuration at a commit.</summary>
    /// <exception cref="Problem">It cannot be used; the message names the line and the fix.</exception>
    public async Task<AgentConfig> Check(
        string agent,
        string commit,
        ReadOnlyMemory<byte> text,
        CancellationToken ct
    ) => yaml.Read(AgentYaml.FileName, text, await ListFiles(agent, commit, ct));

    /// <summary>The text of <c>agent.yaml</c> at a commit of the applied repository.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the commit, or the file in it, is missing.</exception>
    public async Task<string> TextAt(string agent, string commit, CancellationToken ct)
    {
        var blob = await git.Try(
            folders.Applied(agent),
            ["cat-file", "blob", $"{commit}:{AgentYaml.FileName}"],
            ct,
            new GitCall { MaxOutputBytes = AgentYaml.MaxBytes }
        );
        return blob is { ExitCode: 0, Truncated: false }
            ? Text(blob.Output)
            : throw Problem.Unavailable(
                $"cannot read {AgentYaml.FileName} of {agent} at {commit[..12]}: {blob.Error}; "
                    + $"`hive rebuild {agent}` deploys the applied configuration again"
            );
    }

    /// <summary>The changes of <c>agent.yaml</c> between two commits of the applied repository, as a patch; null when
    /// it is the same.</summary>
    public async Task<string?> DiffOf(string agent, string from, string to, CancellationToken ct)
    {
        var patch = await git.Run(
            folders.Applied(agent),
            [
                "diff-tree",
                "--patch",
                "--no-color",
                "--no-ext-diff",
                "--no-textconv",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                from,
                to,
                "--",
                AgentYaml.FileName,
            ],
            ct
        );
        return patch.Length > 0 ? patch + "\n" : null;
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
            return "has an invalid name; names are UTF-8 without control characters or '\\', at most "
                + $"{MaxNameBytes} bytes";
        // The agent's socket is in the same folder of its container.
        if (path.EndsWith(".sock", StringComparison.Ordinal))
            return "is named like a socket; rename it";
        return bytes > MaxFileBytes
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"has {bytes} bytes, the limit is {MaxFileBytes}; put larger files into an input"
            )
            : null;
    }

    private async Task<HashSet<string>> ListFiles(string agent, string commit, CancellationToken ct)
    {
        var listed = await git.Try(
            folders.Applied(agent),
            ["ls-tree", "-r", "-l", "-z", "--full-tree", commit],
            ct,
            new GitCall { MaxOutputBytes = MaxFiles * (MaxNameBytes + 100) }
        );
        if (listed.Truncated)
            throw TooLarge();
        if (listed.ExitCode != 0)
            throw Problem.NotFound(
                $"commit {commit[..12]} not found in the applied configuration of {agent}: {listed.Error}"
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
                _ => "not a file",
            };
            if (kind is not null)
                throw Problem.Invalid(
                    $"'{Shown(path)}' is {kind}; a configuration has plain files only; "
                        + "add another repository as an input"
                );
            var size = long.Parse(fields[3], CultureInfo.InvariantCulture);
            if (Fault(path, size) is { } fault)
                throw Problem.Invalid($"'{Shown(path)}' {fault}");
            sum += size;
            if (++count > MaxFiles || sum > MaxAllBytes)
                throw TooLarge();
            files.Add(path);
        }

        return files;
    }

    private static Problem TooLarge() =>
        Problem.TooLarge(
            $"the configuration has more than {MaxFiles} files or {MaxAllBytes >> 20} MiB, which is the limit; "
                + "put large files into an input"
        );

    // Invalid UTF-8 becomes replacement characters, which no name may have.
    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static string Shown(string path) =>
        string.Concat(TextRules.CutCharacters(path, 80).Select(c => char.IsControl(c) ? '?' : c));

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Commit();
}
