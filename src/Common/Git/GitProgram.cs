using System.ComponentModel;
using System.Globalization;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Processes;

namespace Hive.Common.Git;

/// <summary>
/// Runs the program git in repositories that only this host writes. Git gets the repository's own configuration and the
/// settings below: no system or user configuration, no hooks, no prompts, no helpers, and no network unless a call
/// names a protocol.
/// </summary>
/// <remarks>
/// Git never runs in a repository that an agent can write, because a repository's configuration can name programs
/// (<c>core.fsmonitor</c>, <c>core.sshCommand</c>, filters, <c>diff.external</c>, aliases, includes): <see
/// cref="GitQuarantine"/> copies the objects out of those first. The trees of a repository are untrusted all the same:
/// links are checked out as plain files, and the repository's own <c>info/attributes</c> overrides attributes that
/// change or hide content. Revisions and paths from outside follow <c>--end-of-options</c> or <c>--</c>, or have been
/// checked to be hexadecimal.
/// </remarks>
/// <param name="program">The program's name or path.</param>
public sealed partial class GitProgram(string program)
{
    private const int MaxErrorBytes = 64 << 10;
    private const int ShownError = 600;

    private static readonly string[] Settings =
    [
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.symlinks=false",
        "core.autocrlf=false",
        "core.attributesFile=/dev/null",
        "core.excludesFile=/dev/null",
        "core.quotePath=false",
        "core.bigFileThreshold=16m",
        "core.fsync=committed,reference",
        "core.untrackedCache=false",
        "credential.helper=",
        "gc.auto=0",
        "maintenance.auto=false",
        "submodule.recurse=false",
        "fetch.recurseSubmodules=false",
        "transfer.fsckObjects=true",
        "commit.gpgSign=false",
        "tag.gpgSign=false",
        "log.showSignature=false",
        "pack.threads=1",
        "advice.detachedHead=false",
        // By default git maps each pack a gibibyte at a time, which the limit on memory does not allow.
        "core.packedGitWindowSize=32m",
        "core.packedGitLimit=256m",
        "core.deltaBaseCacheLimit=64m",
        "pack.windowMemory=64m",
        "pack.deltaCacheSize=64m",
    ];

    // The host's variables that a fetch over a network needs.
    private static readonly string[] Passed =
    [
        "PATH",
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "no_proxy",
        "NO_PROXY",
        "ALL_PROXY",
        "all_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "SSH_AUTH_SOCK",
    ];

    // Attributes in a tree could hide a change from a diff, or check out other content than the diff showed.
    private const string Attributes =
        "* !text !eol !ident !filter !working-tree-encoding !export-subst !export-ignore !diff !merge !whitespace\n";

    /// <summary>Runs the git on the PATH.</summary>
    public GitProgram()
        : this("git") { }

    /// <summary>The version that git prints.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: git is missing.</exception>
    public async Task<string> Version(CancellationToken ct) =>
        (await Start(["version"], repository: null, GitCall.Plain, ct)).Text;

    /// <summary>Creates an empty repository with the branch <c>main</c>. An existing repository is left
    /// unchanged.</summary>
    /// <param name="folder">The repository's folder; created when missing.</param>
    /// <param name="bare">True for no work tree.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task Init(string folder, bool bare, CancellationToken ct)
    {
        var inside = bare ? folder : Path.Combine(folder, ".git");
        if (File.Exists(Path.Combine(inside, "HEAD")))
            return;
        // The layout of gitrepository-layout(5). Written here, because there are many agents with repositories, and
        // starting a program takes time.
        foreach (
            var part in new[]
            {
                "info",
                Path.Combine("objects", "info"),
                Path.Combine("objects", "pack"),
                Path.Combine("refs", "heads"),
                Path.Combine("refs", "tags"),
            }
        )
            Directory.CreateDirectory(Path.Combine(inside, part));
        await File.WriteAllTextAsync(
            Path.Combine(inside, "config"),
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n"
                + $"\tbare = {(bare ? "true" : "false")}\n\tlogallrefupdates = {(bare ? "false" : "true")}\n",
            ct
        );
        await File.WriteAllTextAsync(Path.Combine(inside, "info", "attributes"), Attributes, ct);
        // Written last and atomically: a repository is recognised by this file.
        var head = Path.Combine(inside, "HEAD");
        await File.WriteAllTextAsync(head + ".new", "ref: refs/heads/main\n", ct);
        File.Move(head + ".new", head);
    }

    /// <summary>The commit at HEAD; null when there is none yet.</summary>
    public async Task<string?> Head(string repository, CancellationToken ct)
    {
        // The commit is nearly always in two small files; otherwise git is asked.
        var folder = GitFolder(repository);
        if (
            await ReadName(Path.Combine(folder, "HEAD"), ct) is { } head
            && head.StartsWith("ref: refs/heads/", StringComparison.Ordinal)
        )
        {
            var name = await ReadName(Path.Combine(folder, head["ref: ".Length..]), ct);
            if (name is { Length: 40 } && name.All(char.IsAsciiHexDigitLower))
                return name;
            // Where it is in no file of its own, it would be in one of these.
            if (name is null && !Path.Exists(Path.Combine(folder, "packed-refs")) && IsOfFiles(folder))
                return null;
        }

        var found = await Try(repository, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], ct);
        return found.ExitCode == 0 ? found.Text : null;
    }

    /// <summary>Removes locks that a killed git of an earlier host left behind. Nothing else may use the repository at
    /// the same time.</summary>
    public static void RemoveStaleLocks(string repository)
    {
        var folder = GitFolder(repository);
        if (!Directory.Exists(folder))
            return;
        foreach (var file in Directory.EnumerateFiles(folder, "*.lock"))
            File.Delete(file);
        var refs = Path.Combine(folder, "refs");
        if (!Directory.Exists(refs))
            return;
        foreach (var file in Directory.EnumerateFiles(refs, "*.lock", SearchOption.AllDirectories))
            File.Delete(file);
    }

    /// <summary>Runs git in a repository, and returns its output.</summary>
    /// <param name="repository">The repository's folder, bare or with its <c>.git</c> inside. Folders above it are
    /// never searched.</param>
    /// <param name="arguments">The command and its arguments.</param>
    /// <param name="ct">Cancels, and kills git.</param>
    /// <param name="call">The limits and settings of this run.</param>
    /// <exception cref="Problem">Git failed; the message holds its error output. Code <c>unavailable</c>: git is
    /// missing or timed out. Code <c>too_large</c>: it wrote too much.</exception>
    public async Task<string> Run(
        string repository,
        IReadOnlyList<string> arguments,
        CancellationToken ct,
        GitCall? call = null
    )
    {
        var result = await Try(repository, arguments, ct, call);
        if (result.Truncated)
            throw Problem.TooLarge(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"git {arguments[0]} wrote more than {(call ?? GitCall.Plain).MaxOutputBytes} bytes"
                )
            );
        return result.ExitCode == 0 ? result.Text : throw Refused(arguments, result);
    }

    /// <summary>Runs git in a repository, and returns its exit code and output.</summary>
    /// <param name="repository">The repository's folder, bare or with its <c>.git</c> inside. Folders above it are
    /// never searched.</param>
    /// <param name="arguments">The command and its arguments.</param>
    /// <param name="ct">Cancels, and kills git.</param>
    /// <param name="call">The limits and settings of this run.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: git is missing or timed out.</exception>
    public Task<GitResult> Try(
        string repository,
        IReadOnlyList<string> arguments,
        CancellationToken ct,
        GitCall? call = null
    ) => Start(arguments, repository, call ?? GitCall.Plain, ct);

    private static Problem Refused(IReadOnlyList<string> arguments, GitResult result) =>
        Problem.Invalid(
            result.Error.Length > 0
                ? $"git {arguments[0]}: {result.Error}"
                : string.Create(CultureInfo.InvariantCulture, $"git {arguments[0]}: ended with {result.ExitCode}")
        );

    private static async Task<string?> ReadName(string file, CancellationToken ct)
    {
        try
        {
            return (await File.ReadAllTextAsync(file, ct)).TrimEnd('\n');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // Not of the format `reftable`, nor a work tree whose branches are elsewhere.
    private static bool IsOfFiles(string folder) =>
        !Path.Exists(Path.Combine(folder, "reftable")) && !Path.Exists(Path.Combine(folder, "commondir"));

    private static string GitFolder(string repository) =>
        Path.Combine(repository, ".git") is var inside && Directory.Exists(inside) ? inside : repository;

    private async Task<GitResult> Start(
        IReadOnlyList<string> arguments,
        string? repository,
        GitCall call,
        CancellationToken ct
    )
    {
        try
        {
            var result = await ProgramRunner.Run(Program(arguments, repository, call), ct);
            // The exit codes of a shell that did not find or could not start a program.
            if (result.ExitCode is 126 or 127)
                throw NotRun(Shorten(result.ErrorText));
            var said = Shorten(result.ErrorText);
            // A helper that is ended by its limit on files (signal 25) does not always tell git so.
            if (call.MaxFileBytes is { } most && result.ExitCode != 0 && Overfull().IsMatch(result.ErrorText))
                said = string.Create(
                    CultureInfo.InvariantCulture,
                    $"File too large: git may write {most >> 20} MiB into one, and the repository needs more ({said})"
                );
            var error =
                result.ExitCode != 0 && OutOfMemory().IsMatch(result.ErrorText) ? TooMuchMemory(call, said) : said;
            return new GitResult(result.ExitCode, result.Output, error, result.IsTruncated);
        }
        catch (Win32Exception e)
        {
            throw NotRun(e.Message, e);
        }
        catch (TimeoutException e)
        {
            throw Problem.Unavailable(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"git {arguments[0]} did not end within {call.TimeLimit.TotalSeconds:0} s"
                ),
                e
            );
        }
    }

    private ProgramCall Program(IReadOnlyList<string> arguments, string? repository, GitCall call) =>
        new([
            program,
            "--no-optional-locks",
            "--no-replace-objects",
            "--no-pager",
            "--literal-pathspecs",
            .. Settings.Concat(call.Settings).SelectMany(setting => new[] { "-c", setting }),
            .. arguments,
        ])
        {
            Input = call.Input,
            TimeLimit = call.TimeLimit,
            MaxOutputBytes = call.MaxOutputBytes,
            MaxErrorBytes = MaxErrorBytes,
            Overflow = OutputOverflow.Kill,
            Environment = EnvironmentFor(repository, call),
            WorkingDirectory = Directory.Exists(repository) ? repository : "/",
            MaxFileBytes = call.MaxFileBytes,
            MaxMemoryBytes = call.MaxMemoryBytes,
        };

    // Git and its helpers tell it in words alone, which are English with LC_ALL=C.
    [GeneratedRegex("out of memory|cannot allocate memory", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OutOfMemory();

    [GeneratedRegex(@"signal 25|File too large|\A\s*fatal: fetch-pack: invalid index-pack output\s*\z")]
    private static partial Regex Overfull();

    private static string TooMuchMemory(GitCall call, string said) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"git needed more than {call.MaxMemoryBytes >> 20} MiB of memory; the repository, or the list of refs that "
                + $"its server sends, is too large for Hive; remove large objects or refs there ({said})"
        );

    private Problem NotRun(string why, Exception? cause = null) =>
        Problem.Unavailable(
            $"{program} cannot be run: {why}. Hive keeps agents' configurations in git; "
                + "install it (Debian: apt-get install git) and check that it is on the PATH",
            cause
        );

    private static Dictionary<string, string> EnvironmentFor(string? repository, GitCall call)
    {
        Dictionary<string, string> environment = [];
        foreach (var name in Passed)
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
                environment[name] = value;
        }

        // Git trusts the same certificate authorities as the host; it has its own variables for them, and takes one
        // folder.
        if (environment.TryGetValue("SSL_CERT_FILE", out var authorities))
            environment.TryAdd("GIT_SSL_CAINFO", authorities);
        if (environment.TryGetValue("SSL_CERT_DIR", out authorities))
            environment.TryAdd("GIT_SSL_CAPATH", authorities.Split(':')[0]);
        environment.TryAdd("PATH", "/usr/local/bin:/usr/bin:/bin");
        environment["HOME"] = "/nonexistent";
        environment["LC_ALL"] = "C";
        environment["TZ"] = "UTC";
        environment["GIT_CONFIG_NOSYSTEM"] = "1";
        environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        environment["GIT_ATTR_NOSYSTEM"] = "1";
        environment["GIT_TERMINAL_PROMPT"] = "0";
        environment["GIT_ASKPASS"] = "/bin/false";
        environment["SSH_ASKPASS"] = "/bin/false";
        environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ForwardAgent=no -o PermitLocalCommand=no";
        environment["GIT_EDITOR"] = "/bin/false";
        environment["GIT_ALLOW_PROTOCOL"] = call.Protocols;
        environment["GIT_NO_LAZY_FETCH"] = "1";
        environment["GIT_PROTOCOL_FROM_USER"] = "0";
        environment["GIT_AUTHOR_NAME"] = environment["GIT_COMMITTER_NAME"] = "hive";
        environment["GIT_AUTHOR_EMAIL"] = environment["GIT_COMMITTER_EMAIL"] = "hive@localhost";
        if (repository is not null)
        {
            // Set, so that git does not search the folders above, which are not the host's.
            var inside = GitFolder(repository);
            environment["GIT_DIR"] = inside;
            if (inside != repository)
                environment["GIT_WORK_TREE"] = repository;
        }

        foreach (var (name, value) in call.Environment)
            environment[name] = value;
        return environment;
    }

    // The last lines of git's error output name the cause.
    private static string Shorten(string said)
    {
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(l => !l.StartsWith("hint:", StringComparison.Ordinal))
            .Select(l => l.StartsWith("fatal: ", StringComparison.Ordinal) ? l["fatal: ".Length..] : l);
        var text = string.Join("; ", lines.TakeLast(4));
        var clean = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        return TextRules.CutCharacters(clean, ShownError);
    }
}
