using System.Buffers;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
/// <remarks>
/// Runs on the caller's thread: a text without a slash is told by one vectorised search, and one with paths costs at most 64 look-ups of names
/// that the kernel mostly holds in memory, less than handing the work to another thread and back.
/// Nothing is cached: what was true of a file a moment ago is certain of none that an agent can change.
/// </remarks>
internal sealed class FileReferences(StateFileOpener files) : IFileReferences
{
    /// <summary>Path tokens looked at in one text; what stands behind them is not.</summary>
    public const int MaxCandidates = 64;

    private static readonly SearchValues<string> Beginnings = SearchValues.Create([.. StateFilePath.Beginnings], StringComparison.Ordinal);

    // What no token holds: white space, control characters, and what surrounds a path in code and markup.
    private static readonly SearchValues<char> Ends = SearchValues.Create(
        [.. Enumerable.Range(0, char.MaxValue + 1).Select(c => (char)c).Where(c => char.IsWhiteSpace(c) || char.IsControl(c)), '"', '`', '<', '>', '|', '“', '”', '«', '»', '「', '」']);

    // What prose and markup put behind a path, and what a name seldom ends in.
    private const string Punctuation = ".,;:!?)]}'*_~…’‘、。，；：！？）】》";

    // Where a path most likely ended if the longer one is no file: a:12, a#L3, a,b, a)b.
    private static readonly SearchValues<char> Cuts = SearchValues.Create(",;:#()[]{}'…’‘、。，；：！？（）【】《》");

    public IReadOnlyList<string> Scan(string text)
    {
        var from = text.IndexOf('/');
        return from < 0 ? [] : Scan(text.AsSpan(), from);
    }

    public IReadOnlyList<string> ScanAs(string sender, string text)
    {
        var found = Scan(text);
        if (found.Count == 0 || sender is Principals.Manager or Principals.Operator)
            return found;
        string[] own = [$"/agents/{sender}/state/", $"{files.DataDir}/agents/{sender}/state/", "/shared/", $"{files.DataDir}/shared/"];
        return [.. found.Where(path => Array.Exists(own, prefix => path.StartsWith(prefix, StringComparison.Ordinal)))];
    }

    private List<string> Scan(ReadOnlySpan<char> text, int from)
    {
        List<string> found = [];
        using var folders = new KnownFolders();
        for (var candidates = 0; candidates < MaxCandidates;)
        {
            var hit = text[from..].IndexOfAny(Beginnings);
            if (hit < 0)
                break;
            hit += from;
            var start = text[..hit].EndsWith(files.DataDir, StringComparison.Ordinal) ? hit - files.DataDir.Length : hit;
            if (!BeginsToken(text, start))
            {
                from = hit + 1;
                continue;
            }

            var token = text[start..];
            // The data folder's own name may hold a blank or a comma.
            var own = hit - start;
            var end = token[own..].IndexOfAny(Ends);
            token = end < 0 ? token : token[..(own + end)];
            candidates++;
            from = start + Look(token, own, folders, found);
        }

        return found;
    }

    // In the middle of a longer path or word it is no path of ours.
    private static bool BeginsToken(ReadOnlySpan<char> text, int start) =>
        start == 0 || !(char.IsAsciiLetterOrDigit(text[start - 1]) || text[start - 1] is '/' or '.' or '-' or '_' or '~' or '\\' or '%');

    // Tries the forms of a token, the likeliest first; answers how much of the text is dealt with.
    private int Look(ReadOnlySpan<char> token, int own, KnownFolders folders, List<string> found)
    {
        // What ends in punctuation is nearly always a path and then the sentence's, so the longer form comes second: it would cost a vain look-up each time.
        var trimmed = token.TrimEnd(Punctuation);
        if (IsReference(trimmed, folders, found))
            return trimmed.Length;
        if (trimmed.Length < token.Length && IsReference(token, folders, found))
            return token.Length;
        // Of `(see a(1))` the last bracket alone is the text's.
        if (trimmed.Length < token.Length - 1 && IsReference(token[..^1], folders, found))
            return token.Length;
        var unnumbered = WithoutLineNumber(trimmed);
        if (unnumbered.Length < trimmed.Length && IsReference(unnumbered, folders, found))
            return unnumbered.Length;
        var cut = trimmed[(own + 1)..].IndexOfAny(Cuts);
        if (cut < 0)
            return trimmed.Length;
        cut += own + 1;
        var shortest = trimmed[..cut].TrimEnd(Punctuation);
        if (shortest.Length < unnumbered.Length)
            _ = IsReference(shortest, folders, found);
        // Another path may stand behind it.
        return cut;
    }

    private bool IsReference(ReadOnlySpan<char> path, KnownFolders folders, List<string> found)
    {
        foreach (var known in found)
        {
            if (path.SequenceEqual(known))
                return true;
        }

        if (!files.Exists(path, folders))
            return false;
        found.Add(path.ToString());
        return true;
    }

    // `:12`, and `:12:5` with its column.
    private static ReadOnlySpan<char> WithoutLineNumber(ReadOnlySpan<char> token)
    {
        for (var i = 0; i < 2; i++)
        {
            var digits = token.LastIndexOfAnyExceptInRange('0', '9');
            if (digits < 0 || digits == token.Length - 1 || token[digits] != ':')
                break;
            token = token[..digits];
        }

        return token;
    }
}
