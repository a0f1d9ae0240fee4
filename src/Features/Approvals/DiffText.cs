using System.Globalization;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Reads what git says of differences. Names in it are an agent's, and may be anything a file can be
/// called.</summary>
internal static class DiffText
{
    private const string Head = "diff --git ";
    private const string Link = "120000";
    private const string Submodule = "160000";

    /// <summary>The files of <c>--raw --numstat -z</c>.</summary>
    /// <param name="text">What git wrote.</param>
    /// <param name="truncated">It was too much, and its end is missing.</param>
    public static IReadOnlyList<DiffFile> Files(string text, bool truncated)
    {
        var fields = new Queue<string>(text.Split('\0'));
        List<DiffFile> files = [];
        // ":100644 100755 <blob> <blob> M", then the name; the old name and the new one for R.
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

        // "3\t1\t" and the name, or nothing and both names behind it; "-" where it is binary. In the same order.
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

        // Without its count the last one may be cut itself.
        return truncated && files.Count > 0 ? files[..^1] : files;
    }

    /// <summary>The parts of <c>--patch</c> that belong to each of the files. A line of content begins with a sign, so
    /// a head is never one.</summary>
    public static IReadOnlyList<string?> Split(string text, IReadOnlyList<DiffFile> files)
    {
        List<int> heads = [];
        for (var at = text.StartsWith(Head, StringComparison.Ordinal) ? 0 : Next(0); at >= 0; at = Next(at))
            heads.Add(at);
        var patches = new string?[files.Count];
        var head = 0;
        for (var i = 0; i < files.Count && head < heads.Count; i++)
        {
            // What becomes of another type is a deletion and an addition.
            var end = head + (files[i].Status == "type_changed" ? 2 : 1);
            patches[i] = text[heads[head]..(end < heads.Count ? heads[end] : text.Length)];
            head = end;
        }

        return patches;

        int Next(int from) =>
            text.IndexOf("\n" + Head, from, StringComparison.Ordinal) is var found and >= 0 ? found + 1 : -1;
    }

    /// <summary>The whole lines at the beginning of a text that are within so many characters.</summary>
    public static string Cut(string text, int characters) =>
        text.Length <= characters ? text : text[..(text.LastIndexOf('\n', Math.Max(0, characters - 1)) + 1)];

    private static int? Count(string number) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : null;
}
