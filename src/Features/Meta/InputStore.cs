using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Keeps the inputs on disk: a bare repository for each url, and a folder for each checked-out revision. A folder is
/// prepared elsewhere and moved to its place, so that an existing folder is complete; it is never changed.
/// </summary>
internal sealed partial class InputStore(
    GitProgram git,
    InputUrls urls,
    IRunsOn runsOn,
    TimeProvider clock,
    HivePaths paths
) : IDisposable
{
    private const int MaxFiles = 50_000;
    private const long MaxBytes = 1L << 30;

    // The only transports that git may use; others can run programs.
    private static readonly string[] Protocols = ["https", "ssh", "git", "file"];

    // Bounds a remote that never stops sending.
    private static readonly GitCall Fetching = new() { TimeLimit = TimeSpan.FromMinutes(5), MaxFileBytes = MaxBytes };

    // For repositories allowed by their path, which may belong to another user. Settings of the host's git do not reach
    // the other side of a fetch, so they are passed here.
    private const string UploadPack =
        "git -c safe.directory='*' -c core.hooksPath=/dev/null -c core.fsmonitor=false upload-pack";

    // Revisions used this recently are kept, because they may be about to be locked.
    private static readonly TimeSpan KeepUnusedFor = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly ConcurrentDictionary<string, DateTimeOffset> usedAt = new();

    private string Root => Path.Combine(paths.DataDir, "inputs");

    /// <summary>The folder of a checked-out revision.</summary>
    public string Folder(string rev) => Path.Combine(Root, "revisions", rev);

    /// <summary>Finds the current revision of an input's ref, fetches it and checks it out.</summary>
    /// <param name="name">The input's name in errors.</param>
    /// <param name="url">Its repository.</param>
    /// <param name="reference">Its ref; null for HEAD.</param>
    /// <param name="ct">Cancels the fetch.</param>
    /// <exception cref="Problem">The input cannot be fetched.</exception>
    public async Task<LockedInput> Resolve(string name, string url, string? reference, CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
        {
            var rev = await Fetch(name, url, reference ?? "HEAD", ct);
            MarkUsed(url, rev);
            await CheckOut(name, url, rev, ct);
            var seconds = await git.Run(Repository(url), ["log", "-1", "--format=%ct", rev], ct);
            return new LockedInput(
                url,
                reference,
                rev,
                DateTimeOffset.FromUnixTimeSeconds(long.Parse(seconds, CultureInfo.InvariantCulture))
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"cannot store the input '{name}': {e.Message}", e);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Keeps a revision and its repository from the sweeps of the next hour.</summary>
    public void Keep(LockedInput input) => MarkUsed(input.Url, input.Rev);

    /// <summary>Fetches and checks out a locked revision, unless it is there.</summary>
    /// <exception cref="Problem">The revision cannot be fetched.</exception>
    public async Task Ensure(string name, LockedInput input, CancellationToken ct)
    {
        MarkUsed(input.Url, input.Rev);
        if (Directory.Exists(Folder(input.Rev)))
            return;
        await turn.WaitAsync(ct);
        try
        {
            var known = Directory.Exists(Repository(input.Url))
                ? await git.Try(Repository(input.Url), ["cat-file", "-e", input.Rev + "^{commit}"], ct)
                : null;
            if (known is not { ExitCode: 0 })
                await Fetch(name, input.Url, input.Rev, ct);
            await CheckOut(name, input.Url, input.Rev, ct);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>
    /// Removes revisions and repositories that are not needed and that no agent runs on. Does nothing while something
    /// is being fetched: the caller holds the swarm's lock, and a fetch may take minutes.
    /// </summary>
    public async Task Sweep(IReadOnlyCollection<LockedInput> needed, CancellationToken ct)
    {
        // After an interrupted update an agent can run on a revision that no lock names.
        var mounted = await runsOn.All(ct);
        if (!await turn.WaitAsync(TimeSpan.Zero, ct))
            return;
        try
        {
            foreach (var (name, at) in usedAt.Where(a => clock.GetUtcNow() - a.Value > KeepUnusedFor))
                usedAt.TryRemove(KeyValuePair.Create(name, at));
            RemoveUnused(Path.Combine(Root, "revisions"), needed.Select(i => i.Rev), mounted);
            RemoveUnused(
                Path.Combine(Root, "repositories"),
                needed.Select(i => Path.GetFileName(Repository(i.Url))),
                []
            );
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    private void MarkUsed(string url, string rev) =>
        usedAt[rev] = usedAt[Path.GetFileName(Repository(url))] = clock.GetUtcNow();

    private void RemoveUnused(string folder, IEnumerable<string> names, IReadOnlyList<string> mounted)
    {
        if (!Directory.Exists(folder))
            return;
        var kept = names.Concat(usedAt.Keys).ToHashSet();
        foreach (var path in Directory.EnumerateDirectories(folder))
        {
            var name = Path.GetFileName(path);
            if (!kept.Contains(name) && !mounted.Any(m => m.Contains(name, StringComparison.Ordinal)))
                Directory.Delete(path, recursive: true);
        }
    }

    private string Repository(string url) =>
        Path.Combine(
            Root,
            "repositories",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url)))[..24]
        );

    private async Task<string> Fetch(string name, string url, string reference, CancellationToken ct)
    {
        // Checked for locked inputs too, because the operator may have changed the allowed paths since.
        if (urls.Fault(url) is { } fault)
            throw Problem.Invalid($"the url of the input '{name}' {fault}");
        var repository = Repository(url);
        await GitProgram.Init(repository, bare: true, ct);
        GitProgram.RemoveStaleLocks(repository);
        var target =
            "refs/fetched/" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(reference)))[..24];
        var protocol = url.StartsWith('/') ? "file" : url.Split(':')[0].ToLowerInvariant();
        var result = await git.Try(
            repository,
            [
                "fetch",
                "--quiet",
                "--depth=1",
                "--force",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--refmap=",
                .. protocol == "file" ? (string[])["--upload-pack=" + UploadPack] : [],
                "--",
                url,
                $"{reference}:{target}",
            ],
            ct,
            Fetching with
            {
                Protocols = Protocols.Contains(protocol) ? protocol : "none",
            }
        );
        if (result.ExitCode != 0)
            throw Problem.Invalid(
                $"cannot fetch the input '{name}' from {url} at '{reference}': {result.Error}; fix its url or "
                    + "ref, or retry when the repository can be reached"
            );
        return await git.Run(repository, ["rev-parse", "--verify", target + "^{commit}"], ct);
    }

    private async Task CheckOut(string name, string url, string rev, CancellationToken ct)
    {
        if (Directory.Exists(Folder(rev)))
            return;
        var repository = Repository(url);
        await CheckSize(name, repository, rev, ct);
        var made = Path.Combine(paths.DataDir, "tmp", "input-" + Guid.NewGuid().ToString("N"));
        var tree = Path.Combine(made, "tree");
        Directory.CreateDirectory(tree);
        try
        {
            var there = new GitCall
            {
                Environment = new Dictionary<string, string>
                {
                    ["GIT_WORK_TREE"] = tree,
                    ["GIT_INDEX_FILE"] = Path.Combine(made, "index"),
                },
                TimeLimit = TimeSpan.FromMinutes(5),
            };
            await git.Run(repository, ["read-tree", rev], ct, there);
            await git.Run(repository, ["checkout-index", "--all", "--quiet"], ct, there);
            foreach (var file in Directory.EnumerateFiles(tree, "*", SearchOption.AllDirectories))
                File.SetUnixFileMode(
                    file,
                    File.GetUnixFileMode(file)
                        & ~(UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)
                );
            Directory.CreateDirectory(Path.GetDirectoryName(Folder(rev))!);
            Directory.Move(tree, Folder(rev));
        }
        finally
        {
            Directory.Delete(made, recursive: true);
        }
    }

    private async Task CheckSize(string name, string repository, string rev, CancellationToken ct)
    {
        var listed = await git.Try(
            repository,
            ["ls-tree", "-r", "-l", "-z", "--full-tree", rev],
            ct,
            new GitCall { MaxOutputBytes = MaxFiles * 250 }
        );
        var (files, bytes) = (0, 0L);
        foreach (
            var entry in Encoding.UTF8.GetString(listed.Output.Span).Split('\0', StringSplitOptions.RemoveEmptyEntries)
        )
        {
            files++;
            bytes += BlobSize().Match(entry) is { Success: true } size
                ? long.Parse(size.Groups[1].Value, CultureInfo.InvariantCulture)
                : 0;
        }

        if (listed.Truncated || files > MaxFiles || bytes > MaxBytes)
            throw Problem.TooLarge(
                $"the input '{name}' has more than {MaxFiles} files or {MaxBytes >> 30} GiB, which is the limit; "
                    + "use a smaller repository"
            );
        if (listed.ExitCode != 0)
            throw Problem.Invalid($"cannot read the input '{name}' at {rev[..12]}: {listed.Error}");
    }

    [GeneratedRegex(@"\A[0-9]+ blob [0-9a-f]+ +([0-9]{1,15})\t")]
    private static partial Regex BlobSize();
}
