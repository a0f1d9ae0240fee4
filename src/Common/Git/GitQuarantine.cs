using System.Globalization;
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
    /// <summary>The most bytes of all object files together.</summary>
    public const long MaxBytes = 64L << 20;

    /// <summary>The most bytes that a commit may reach, unpacked.</summary>
    public const long MaxUnpackedBytes = 256L << 20;

    private const int MaxFiles = 20_000;
    private const int MaxObjects = 200_000;

    private static readonly GitCall Bounded = new()
    {
        MaxFileBytes = MaxUnpackedBytes + MaxBytes,
        MaxOutputBytes = MaxObjects * 42,
    };

    /// <summary>Fetches a commit and everything it reaches.</summary>
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
    public async Task<string> Fetch(string workTree, string commit, string into, string reference, CancellationToken ct)
    {
        if (!Hexadecimal().IsMatch(commit))
            throw Problem.Invalid(
                "a commit must be 7 to 40 hexadecimal digits, as 'git rev-parse HEAD' prints; "
                    + "branches and tags can move, so they are not accepted"
            );
        var copy = Path.Combine(paths.DataDir, "tmp", "git-" + Guid.NewGuid().ToString("N"));
        try
        {
            await GitProgram.Init(copy, bare: true, ct);
            foreach (var pack in await CopyObjects(workTree, Path.Combine(copy, "objects"), ct))
                await git.Run(copy, ["index-pack", pack], ct, Bounded);
            var found = await git.Try(
                copy,
                ["rev-parse", "--verify", commit.ToLowerInvariant() + "^{commit}"],
                ct,
                Bounded
            );
            if (found.ExitCode != 0)
            {
                throw found.Error.Contains("ambiguous", StringComparison.Ordinal)
                    ? Problem.Invalid($"'{commit}' is ambiguous; give more digits")
                    : Problem.NotFound(
                        $"there is no commit '{commit}' in the configuration's repository; "
                            + "commit first, and give what 'git rev-parse HEAD' prints"
                    );
            }

            await Measure(copy, found.Text, ct);
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
                Bounded with
                {
                    Protocols = "file",
                }
            );
            return found.Text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"the configuration's repository cannot be read: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(copy))
                Directory.Delete(copy, recursive: true);
        }
    }

    // A small object in a pack may be of any size when unpacked; the objects' headers hold the sizes.
    private async Task Measure(string copy, string commit, CancellationToken ct)
    {
        var objects = await git.Run(copy, ["rev-list", "--objects", "--no-object-names", commit], ct, Bounded);
        var sizes = await git.Run(
            copy,
            ["cat-file", "--batch-check=%(objectsize)"],
            ct,
            Bounded with
            {
                Input = objects + "\n",
            }
        );
        long sum = 0;
        foreach (var line in sizes.Split('\n'))
            sum += long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                ? Math.Min(size, MaxUnpackedBytes + 1)
                : 0;
        if (sum > MaxUnpackedBytes)
            throw Problem.TooLarge(
                $"the commit and its history hold more than {MaxUnpackedBytes >> 20} MiB; "
                    + "keep a configuration small, and put large files into an input of their own"
            );
    }

    private static async Task<IReadOnlyList<string>> CopyObjects(string workTree, string target, CancellationToken ct)
    {
        using var tree = ForeignFolder.Open(workTree);
        using var inside = tree?.Enter(".git");
        using var objects = inside?.Enter("objects");
        if (objects is null)
            throw Problem.Invalid(
                "the configuration is not a git repository; "
                    + "its '.git' must be a folder of its own, not a link or a file"
            );
        var budget = new Budget();
        List<string> packs = [];
        foreach (var name in objects.Names(MaxFiles).Where(n => FanOut().IsMatch(n)))
        {
            using var folder = objects.Enter(name);
            if (folder is null)
                continue;
            Directory.CreateDirectory(Path.Combine(target, name));
            foreach (var loose in folder.Names(MaxFiles).Where(n => LooseObject().IsMatch(n)))
                await Copy(folder, loose, Path.Combine(target, name, loose), budget, ct);
        }

        using var packed = objects.Enter("pack");
        foreach (var pack in packed?.Names(MaxFiles).Where(n => Pack().IsMatch(n)) ?? [])
        {
            var copy = Path.Combine(target, "pack", pack);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (await Copy(packed!, pack, copy, budget, ct))
                packs.Add(copy);
        }

        return packs;
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

    [GeneratedRegex(@"^[0-9a-f]{2}\z")]
    private static partial Regex FanOut();

    [GeneratedRegex(@"^[0-9a-f]{38}\z")]
    private static partial Regex LooseObject();

    [GeneratedRegex(@"^pack-[0-9a-f]{40}\.pack\z")]
    private static partial Regex Pack();

    private sealed class Budget
    {
        private long bytes;
        private int files;

        public void File()
        {
            if (++files > MaxFiles)
                throw Problem.TooLarge(
                    $"the configuration's repository holds more than {MaxFiles} object files; "
                        + "run 'git gc' in it to pack them"
                );
        }

        public void Take(int count)
        {
            bytes += count;
            if (bytes > MaxBytes)
                throw Problem.TooLarge(
                    $"the configuration's repository is larger than {MaxBytes >> 20} MiB; "
                        + "keep a configuration small, and put large files into an input of their own"
                );
        }
    }
}
