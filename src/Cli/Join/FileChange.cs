using System.Globalization;
using System.Text;
using DiffPlex;
using Hive.Protocol;

namespace Hive.Cli.Join;

/// <summary>Plans, shows and writes the change of one file of a client's configuration.</summary>
internal sealed class FileChange
{
    private const int LargestFile = 1024 * 1024,
        Context = 3;

    private readonly string target,
        after;
    private readonly string? before,
        clientsFolder;

    private FileChange(string target, string? clientsFolder, string? before, string after) =>
        (Path, this.target, this.clientsFolder, this.before, this.after) = (
            target,
            target,
            clientsFolder,
            before,
            after
        );

    public string Path { get; }

    public bool IsChange => (before ?? "") != after;

    /// <param name="path">The file, which may be missing.</param>
    /// <param name="edit">Returns the new text; empty to delete the file.</param>
    /// <exception cref="HiveException">The file cannot be read or parsed.</exception>
    public static FileChange Of(string path, Func<string, string> edit) => Of(path, clientsFolder: null, edit);

    /// <summary>Plans the change of a file in the client's own folder, which is deleted with its last file.</summary>
    /// <inheritdoc cref="Of(string, Func{string, string})"/>
    public static FileChange Within(string clientsFolder, string file, Func<string, string> edit) =>
        Of(System.IO.Path.Combine(clientsFolder, file), clientsFolder, edit);

    private static FileChange Of(string path, string? clientsFolder, Func<string, string> edit)
    {
        // Change the target of a link and keep the link.
        var target = File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
        var before = Read(target);
        try
        {
            return new FileChange(target, clientsFolder, before, edit(before ?? ""));
        }
        catch (FormatException e)
        {
            throw new HiveException(
                "invalid",
                $"{target} cannot be changed: {e.Message}. Fix the file, or use --print and change it yourself"
            );
        }
    }

    /// <summary>The change as lines of a unified diff.</summary>
    public IEnumerable<string> Diff()
    {
        yield return $"--- {(before is null ? "/dev/null" : Path)}";
        yield return $"+++ {(after.Length == 0 ? "/dev/null" : Path)}";
        var diff = new Differ().CreateLineDiffs(Lines(before ?? ""), Lines(after), ignoreWhitespace: false);
        for (var first = 0; first < diff.DiffBlocks.Count; )
        {
            // Changes whose context touches make one hunk.
            var end = first + 1;
            while (end < diff.DiffBlocks.Count && diff.DiffBlocks[end].DeleteStartA - EndA(end - 1) <= 2 * Context)
                end++;
            var (fromA, toA) = (
                Math.Max(0, diff.DiffBlocks[first].DeleteStartA - Context),
                Math.Min(Count(diff.PiecesOld), EndA(end - 1) + Context)
            );
            var fromB = diff.DiffBlocks[first].InsertStartB - (diff.DiffBlocks[first].DeleteStartA - fromA);
            var more = diff.DiffBlocks.Skip(first).Take(end - first).Sum(b => b.InsertCountB - b.DeleteCountA);
            yield return $"@@ -{Range(fromA, toA - fromA)} +{Range(fromB, toA - fromA + more)} @@";
            var at = fromA;
            foreach (var block in diff.DiffBlocks.Skip(first).Take(end - first))
            {
                for (; at < block.DeleteStartA; at++)
                    yield return $" {diff.PiecesOld[at]}";
                for (; at < block.DeleteStartA + block.DeleteCountA && at < Count(diff.PiecesOld); at++)
                    yield return $"-{diff.PiecesOld[at]}";
                for (
                    var added = block.InsertStartB;
                    added < block.InsertStartB + block.InsertCountB && added < Count(diff.PiecesNew);
                    added++
                )
                    yield return $"+{diff.PiecesNew[added]}";
            }

            for (; at < toA; at++)
                yield return $" {diff.PiecesOld[at]}";
            first = end;
        }

        int EndA(int block) => diff.DiffBlocks[block].DeleteStartA + diff.DiffBlocks[block].DeleteCountA;
    }

    /// <summary>Writes or deletes the file atomically.</summary>
    /// <exception cref="HiveException">The file has changed since it was read.</exception>
    public void Write()
    {
        if (Read(target) != before)
            throw new HiveException(
                "conflict",
                $"{target} was changed by another program in the meantime; run this again"
            );
        var folder = System.IO.Path.GetDirectoryName(target)!;
        if (after.Length == 0)
        {
            File.Delete(target);
            // Not the folder of a link's target, and never the project's folder.
            if (folder == clientsFolder && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
            return;
        }

        Directory.CreateDirectory(folder);
        var beside = System.IO.Path.Combine(folder, $".hive-join-{Guid.NewGuid():N}");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (before is not null)
                options.UnixCreateMode = File.GetUnixFileMode(target);
            using (var stream = new FileStream(beside, options))
            {
                stream.Write(Encoding.UTF8.GetBytes(after));
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, target, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    private static string? Read(string path)
    {
        if (!File.Exists(path))
        {
            return Directory.Exists(path)
                ? throw new HiveException("invalid", $"{path} is a folder, not a file; move it away")
                : null;
        }

        if (new FileInfo(path).Length > LargestFile)
            throw new HiveException("too_large", $"{path} is larger than 1 MiB; use --print and change it yourself");
        try
        {
            // Strict: an invalid byte would be replaced when the file is written.
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException)
        {
            throw new HiveException("invalid", $"{path} is not UTF-8 text; use --print and change it yourself");
        }
    }

    private static string Lines(string text) => text.EndsWith('\n') ? text[..^1] : text;

    // The library counts one line in an empty text.
    private static int Count(string[] pieces) => pieces is [""] ? 0 : pieces.Length;

    private static string Range(int from, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{(count == 0 ? from : from + 1)},{count}");
}
