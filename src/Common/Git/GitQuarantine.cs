using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Common.Git;

/// <summary>Copies a commit from a repository that an agent can write into one that only the host writes.</summary>
/// <remarks>
/// No git ever runs in the agent's repository, not even the <c>upload-pack</c> of a fetch: its configuration may name
/// programs, promise objects that are fetched through any command, or include other files; its
/// <c>objects/info/alternates</c> may point anywhere; its <c>.git</c> may be a link or a file that names another
/// folder; its files may be pipes. Only files that are named like objects and packs are read, through <see
/// cref="ForeignFolder"/>, up to a limit, and copied into an empty repository of the host's own, without any ref: so a
/// name cannot be mistaken for a commit. In the copy git finds the commit, sums the sizes of everything it reaches
/// before anything is unpacked, and fetches it, checking every object's hash and form. Indexes of packs are rebuilt.
/// Objects that the copy lacks (a shallow or partial clone, an alternate) are reported as missing.
/// </remarks>
/// <param name="git">The program.</param>
/// <param name="paths">Where the data folder is.</param>
public sealed partial class GitQuarantine(GitProgram git, HivePaths paths)
{
    /// <summary>Fetches a commit of an agent's configuration and everything it reaches.</summary>
    /// <param name="workTree">The agent's work tree, with its <c>.git</c> inside. The folders above it are the host's
    /// own.</param>
    /// <param name="commit">7 to 40 hexadecimal digits.</param>
    /// <param name="into">The host's own repository.</param>
    /// <param name="reference">The full name of the ref that gets the commit, such as
    /// <c>refs/tags/proposal/7</c>.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The commit's full name.</returns>
    /// <exception cref="Problem">The folder is not a repository, the commit does not exist, or its content is refused.
    /// Nothing has changed in <paramref name="into"/>.</exception>
    public Task<string> Fetch(string workTree, string commit, string into, string reference, CancellationToken ct) =>
        Fetch(workTree, "", GitBounds.Configuration, commit, into, reference, ct);

    /// <summary>Fetches a commit and everything it reaches.</summary>
    /// <param name="root">A folder whose parents are the host's own.</param>
    /// <param name="below">The repository's path below the root, whose parts an agent may exchange at any time: each is
    /// entered without following a link; empty for the root itself.</param>
    /// <param name="bounds">How much is taken, and whether a bare repository is.</param>
    /// <param name="commit">7 to 40 hexadecimal digits.</param>
    /// <param name="into">The host's own repository.</param>
    /// <param name="reference">The full name of the ref that gets the commit.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The commit's full name.</returns>
    /// <exception cref="Problem">The folder is not a repository, the commit does not exist, or its content is refused.
    /// Nothing has changed in <paramref name="into"/>.</exception>
    public async Task<string> Fetch(
        string root,
        string below,
        GitBounds bounds,
        string commit,
        string into,
        string reference,
        CancellationToken ct
    )
    {
        if (!Hexadecimal().IsMatch(commit))
            throw Problem.Invalid(
                "a commit must be 7 to 40 hexadecimal digits, as 'git rev-parse HEAD' prints; "
                    + "branches and tags can move, so they are not accepted"
            );
        var call = bounds.Call;
        var copy = Path.Combine(paths.DataDir, "tmp", "git-" + Guid.NewGuid().ToString("N"));
        try
        {
            await GitProgram.Init(copy, bare: true, ct);
            foreach (var pack in await CopyObjects(root, below, bounds, Path.Combine(copy, "objects"), ct))
                await git.Run(copy, ["index-pack", pack], ct, call);
            var found = await git.Try(
                copy,
                ["rev-parse", "--verify", commit.ToLowerInvariant() + "^{commit}"],
                ct,
                call
            );
            if (found.ExitCode != 0)
            {
                throw found.Error.Contains("ambiguous", StringComparison.Ordinal)
                    ? Problem.Invalid($"'{commit}' is ambiguous; give more digits")
                    : Problem.NotFound(
                        $"there is no commit '{commit}' in {bounds.Repository}; "
                            + "commit first, and give what 'git rev-parse HEAD' prints"
                    );
            }

            await Measure(copy, found.Text, bounds, ct);
            await git.Run(copy, ["update-ref", "refs/heads/fetched", found.Text], ct);
            // The copy is the host's own, so its upload-pack runs with the host's settings.
            await git.Run(
                into,
                [
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-recurse-submodules",
                    "--refmap=",
                    "--",
                    copy,
                    "refs/heads/fetched:" + reference,
                ],
                ct,
                call with
                {
                    Protocols = "file",
                }
            );
            return found.Text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"{bounds.Repository} cannot be read: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(copy))
                Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>The commit that a branch of a repository names, read from its files alone.</summary>
    /// <param name="root">A folder whose parents are the host's own.</param>
    /// <param name="below">The repository's path below the root, as for <see cref="Fetch(string, string, GitBounds,
    /// string, string, string, CancellationToken)"/>.</param>
    /// <param name="bounds">Whether a bare repository is taken, and how errors name the repository.</param>
    /// <param name="branch">The branch, such as <c>main</c>.</param>
    /// <returns>Its full name; null when there is not such a branch.</returns>
    /// <exception cref="Problem">Code <c>invalid</c>: the folder is not a repository. <c>unavailable</c>: it cannot be
    /// read.</exception>
    public static string? Tip(string root, string below, GitBounds bounds, string branch)
    {
        try
        {
            using var tree = ForeignFolder.Open(root, below);
            using var inside = tree?.Enter(".git");
            using var objects = inside is null && bounds.MayBeBare ? BareObjects(tree) : null;
            if ((inside ?? (objects is null ? null : tree)) is not { } repository)
                throw NotRepository(bounds);
            return LooseTip(repository, branch) ?? PackedTip(repository, branch);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"{bounds.Repository} cannot be read: {e.Message}", e);
        }
    }

    private static string? LooseTip(ForeignFolder repository, string branch)
    {
        var folder = repository;
        List<ForeignFolder> opened = [];
        try
        {
            string[] parts = ["refs", "heads", .. branch.Split('/')];
            foreach (var part in parts.SkipLast(1))
            {
                if (part is "" or "." or ".." || folder.Enter(part) is not { } next)
                    return null;
                opened.Add(folder = next);
            }

            return parts[^1] is "" or "." or ".." ? null
                : Lines(folder, parts[^1]).FirstOrDefault() is { } line && FullName().IsMatch(line) ? line
                : null;
        }
        finally
        {
            opened.ForEach(f => f.Dispose());
        }
    }

    private static string? PackedTip(ForeignFolder repository, string branch) =>
        Lines(repository, "packed-refs")
            .Select(line => line.Split(' ', 2))
            .Where(line => line.Length == 2 && line[1] == $"refs/heads/{branch}" && FullName().IsMatch(line[0]))
            .Select(line => line[0])
            .FirstOrDefault();

    // The first lines of a file that may be of any size.
    private static IEnumerable<string> Lines(ForeignFolder folder, string name)
    {
        using var file = folder.Read(name);
        if (file is null)
            yield break;
        var bytes = new byte[MaxRefBytes];
        var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        foreach (var line in Encoding.UTF8.GetString(bytes, 0, length).Split('\n'))
            yield return line.TrimEnd('\r');
    }

    private static Problem NotRepository(GitBounds bounds) =>
        Problem.Invalid(
            $"{bounds.Noun} is not a git repository; its '.git' must be a folder of its own, not a link or a file"
        );

    // A small object in a pack may be of any size when unpacked; the objects' headers hold the sizes.
    private async Task Measure(string copy, string commit, GitBounds bounds, CancellationToken ct)
    {
        var call = bounds.Call;
        var objects = await git.Run(copy, ["rev-list", "--objects", "--no-object-names", commit], ct, call);
        var sizes = await git.Run(
            copy,
            ["cat-file", "--batch-check=%(objectsize)"],
            ct,
            call with
            {
                Input = objects + "\n",
            }
        );
        long sum = 0;
        foreach (var line in sizes.Split('\n'))
            sum += long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                ? Math.Min(size, bounds.MaxUnpackedBytes + 1)
                : 0;
        if (sum > bounds.MaxUnpackedBytes)
            throw Problem.TooLarge(
                $"the commit and its history hold more than {GitBounds.Size(bounds.MaxUnpackedBytes)}; {bounds.Advice}"
            );
        // A folder may occur in another any number of times: a few small objects are more files than any disk has.
        var tree = await git.Try(
            copy,
            ["ls-tree", "-r", "-t", "-z", "--name-only", commit],
            ct,
            call with
            {
                MaxOutputBytes = bounds.MaxObjects * MeanPathBytes,
            }
        );
        if (tree is { Truncated: false, ExitCode: not 0 })
            throw Problem.TooLarge($"git cannot list the files of the commit within its limits; {bounds.Advice}");
        if (tree.Truncated || tree.Text.Count(c => c == '\0') > bounds.MaxObjects)
            throw Problem.TooLarge(
                $"the commit has more than {bounds.MaxObjects} files and folders, or very long paths; {bounds.Advice}"
            );
    }

    private const int MeanPathBytes = 100;

    // Of a file that lists refs; git writes about 100 bytes for each.
    private const int MaxRefBytes = 1 << 20;

    // Folders by the first byte of a hash, and 'info' and 'pack'.
    private const int OtherNames = 258;

    private static async Task<IReadOnlyList<string>> CopyObjects(
        string root,
        string below,
        GitBounds bounds,
        string target,
        CancellationToken ct
    )
    {
        using var tree = ForeignFolder.Open(root, below);
        using var inside = tree?.Enter(".git");
        using var objects = inside?.Enter("objects") ?? (bounds.MayBeBare ? BareObjects(tree) : null);
        if (objects is null)
            throw NotRepository(bounds);
        var budget = new Budget(bounds);
        List<string> packs = [];
        foreach (var name in objects.Names(bounds.MaxFiles + OtherNames).Where(n => FanOut().IsMatch(n)))
        {
            using var folder = objects.Enter(name);
            if (folder is null)
                continue;
            Directory.CreateDirectory(Path.Combine(target, name));
            foreach (var loose in folder.Names(bounds.MaxFiles + 1).Where(n => LooseObject().IsMatch(n)))
                await Copy(folder, loose, Path.Combine(target, name, loose), budget, ct);
        }

        using var packed = objects.Enter("pack");
        foreach (var pack in packed?.Names((2 * bounds.MaxFiles) + 1).Where(n => Pack().IsMatch(n)) ?? [])
        {
            var copy = Path.Combine(target, "pack", pack);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (await Copy(packed!, pack, copy, budget, ct))
                packs.Add(copy);
        }

        return packs;
    }

    // A folder that happens to have a folder named objects is not a repository.
    private static ForeignFolder? BareObjects(ForeignFolder? folder)
    {
        using var head = folder?.Read("HEAD");
        return head is null ? null : folder!.Enter("objects");
    }

    private static async Task<bool> Copy(
        ForeignFolder folder,
        string name,
        string target,
        Budget budget,
        CancellationToken ct
    )
    {
        await using var source = folder.Read(name);
        if (source is null)
            return false;
        budget.File();
        await using var copy = new FileStream(target, FileMode.CreateNew, FileAccess.Write);
        var buffer = new byte[64 << 10];
        // Counted while reading: the file may grow in the meantime.
        while (await source.ReadAsync(buffer, ct) is var count and > 0)
        {
            budget.Take(count);
            await copy.WriteAsync(buffer.AsMemory(0, count), ct);
        }

        return true;
    }

    [GeneratedRegex(@"^[0-9a-fA-F]{7,40}\z")]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^[0-9a-f]{40}\z")]
    private static partial Regex FullName();

    [GeneratedRegex(@"^[0-9a-f]{2}\z")]
    private static partial Regex FanOut();

    [GeneratedRegex(@"^[0-9a-f]{38}\z")]
    private static partial Regex LooseObject();

    [GeneratedRegex(@"^pack-[0-9a-f]{40}\.pack\z")]
    private static partial Regex Pack();

    private sealed class Budget(GitBounds bounds)
    {
        private long bytes;
        private int files;

        public void File()
        {
            if (++files > bounds.MaxFiles)
                throw Problem.TooLarge(
                    $"{bounds.Repository} holds more than {bounds.MaxFiles} object files; "
                        + "run 'git gc' in it to pack them"
                );
        }

        public void Take(int count)
        {
            bytes += count;
            if (bytes > bounds.MaxBytes)
                throw bounds.TooManyBytes();
        }
    }
}
