using System.Globalization;
using Hive.Common.Errors;

namespace Hive.Common.Git;

/// <summary>Puts whole repositories of the host into single files, and back. A bundle holds one state of all
/// refs.</summary>
public sealed class GitBundles(GitProgram git)
{
    // Packing what a repository keeps may take longer than other calls.
    private static readonly GitCall Packing = new() { TimeLimit = TimeSpan.FromMinutes(10), Protocols = "file" };

    // A crafted tree of a few objects can name more files than any disk holds.
    private static readonly GitCall Listing = new() { MaxOutputBytes = 32 << 20 };

    /// <summary>Writes a bundle with all refs; no file for a repository without any.</summary>
    /// <param name="repository">The repository; it need not exist.</param>
    /// <param name="file">The bundle. Its folder is created with it.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">Git failed.</exception>
    public async Task Write(string repository, string file, CancellationToken ct)
    {
        if (!Directory.Exists(repository))
            return;
        if (
            await git.Head(repository, ct) is null
            && (await git.Run(repository, ["for-each-ref", "--count=1"], ct)).Length == 0
        )
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await git.Run(repository, ["bundle", "create", "--quiet", file, "--all"], ct, Packing);
    }

    /// <summary>Makes a repository of a bundle, checking every object, and deletes the bundle.</summary>
    /// <param name="file">The bundle.</param>
    /// <param name="into">The new repository.</param>
    /// <param name="bare">False for a work tree, with the files of the branch <c>main</c> in it.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The bundle is damaged or too large, or git failed.</exception>
    public async Task Restore(string file, string into, bool bare, CancellationToken ct)
    {
        await GitProgram.Init(into, bare, ct);
        await git.Run(
            into,
            [
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--update-head-ok",
                "--refmap=",
                "--",
                file,
                "refs/*:refs/*",
            ],
            ct,
            Packing
        );
        if (!bare && await git.Head(into, ct) is not null)
        {
            await MustFit(into, ct);
            await git.Run(into, ["reset", "--quiet", "--hard"], ct);
        }

        File.Delete(file);
    }

    private async Task MustFit(string repository, CancellationToken ct)
    {
        var most = GitBounds.Configuration.MaxUnpackedBytes;
        var files = await git.Run(repository, ["ls-tree", "-r", "-z", "--format=%(objectsize)", "HEAD"], ct, Listing);
        var sum = 0L;
        foreach (var size in files.Split('\0'))
            sum += long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
                ? Math.Min(bytes, most + 1)
                : 0;
        if (sum > most)
            throw Problem.TooLarge($"its files take more than {GitBounds.Size(most)}");
    }
}
