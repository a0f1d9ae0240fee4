using System.Globalization;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Parses the output of git diff. File names come from an agent and can hold any character.</summary>
internal static class DiffText
{
    private const string Head = "diff --git ";
    private const string Link = "120000";
    private const string Submodule = "160000";

    /// <summary>The files of <c>--raw --numstat -z</c>.</summary>
    /// <param name="text">The output of git.</param>
    /// <param name="truncated">True when the output was too long and its end is missing.</param>
    public static IReadOnlyList<DiffFile> Files(string text, bool truncated)
    {
        var fields = new Queue<string>(text.Split('\0'));
        List<DiffFile> files = [];
        // ":100644 100755 <blob> <blob> M", then the name; for R the old name and the new one.
        while (fields.TryPeek(out var raw) && raw.StartsWith(':'))
        {
            if (fields.Count < (raw.Split(' ')[^1][0] == 'R' ? 3 : 2))
                break;
            fields.Dequeue();
            var parts = raw[1..].Split(' ');
            var (oldMode, newMode, kind) = (parts[0], parts[1], parts[4][0]);
            var old = kind == 'R' ? fields.Dequeue() : null;
            files.Add(
                new DiffFile(
                    fields.Dequeue(),
                    (kind, oldMode == newMode, parts[2] == parts[3]) switch
                    {
                        ('A', _, _) => "added",
                        ('D', _, _) => "deleted",
                        ('R', _, _) => "renamed",
                        ('T', _, _) => "type_changed",
                        (_, false, true) => "mode_changed",
                        _ => "modified",
                    },
                    Binary: false,
                    OldPath: old,
                    OldMode: kind == 'A' || oldMode == newMode ? null : oldMode,
                    NewMode: kind == 'D' || (oldMode == newMode && newMode is not (Link or Submodule)) ? null : newMode
                )
            );
        }

        // In the same order "3\t1\t" and the name, or no name and both names after it; "-" for a binary file.
        for (
            var i = 0;
            i < files.Count && fields.TryDequeue(out var counts) && counts.Split('\t') is { Length: >= 3 } numbers;
            i++
        )
        {
            if (counts.EndsWith('\t'))
                _ = fields.TryDequeue(out _) && fields.TryDequeue(out _);
            files[i] = files[i] with
            {
                Binary = numbers[0] == "-",
                Additions = Count(numbers[0]),
                Deletions = Count(numbers[1]),
            };
        }

        // The last file has no count and may be cut off itself.
        return truncated && files.Count > 0 ? files[..^1] : files;
    }

    /// <summary>
    /// Splits the output of <c>--patch</c> by file. Lines of content begin with '+', '-' or a space, so none can be
    /// taken for a header.
    /// </summary>
    public static IReadOnlyList<string?> Split(string text, IReadOnlyList<DiffFile> files)
    {
        List<int> heads = [];
        for (var at = text.StartsWith(Head, StringComparison.Ordinal) ? 0 : Next(0); at >= 0; at = Next(at))
            heads.Add(at);
        var patches = new string?[files.Count];
        var head = 0;
        for (var i = 0; i < files.Count && head < heads.Count; i++)
        {
            // A change of type is written as a deletion and an addition.
            var end = head + (files[i].Status == "type_changed" ? 2 : 1);
            patches[i] = text[heads[head]..(end < heads.Count ? heads[end] : text.Length)];
            head = end;
        }

        return patches;

        int Next(int from) =>
            text.IndexOf("\n" + Head, from, StringComparison.Ordinal) is var found and >= 0 ? found + 1 : -1;
    }

    /// <summary>Cuts a text after the last whole line within that many characters.</summary>
    public static string Cut(string text, int characters) =>
        text.Length <= characters ? text : text[..(text.LastIndexOf('\n', Math.Max(0, characters - 1)) + 1)];

    private static int? Count(string number) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : null;
}
