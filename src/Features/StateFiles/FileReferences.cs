using System.Buffers;
using System.Collections.Concurrent;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
/// <remarks>
/// A text without such a path costs one vectorised search. A text with paths is scanned on a pool thread, because the
/// caller may be on the thread that serves every socket
/// and a look-up waits for the file system. Each sender has one scan at a time and all of them have a few, so an agent
/// that floods the host with paths waits for itself.
/// Nothing is cached: an agent can change its files at any moment.
/// </remarks>
internal sealed class FileReferences(StateFileOpener files, TimeProvider clock) : IFileReferences, IDisposable
{
    /// <summary>Path tokens looked at in one text; what stands behind them is not.</summary>
    public const int MaxCandidates = 64;

    /// <summary>Texts scanned at the same time.</summary>
    public const int MaxScans = 2;

    /// <summary>Longest that one text is scanned; paths that were not reached by then are plain text.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    private static readonly SearchValues<string> Beginnings = SearchValues.Create(
        [.. StateFilePath.Beginnings],
        StringComparison.Ordinal
    );

    // What no token holds: white space, control characters, and what surrounds a path in code and markup.
    private static readonly SearchValues<char> Ends = SearchValues.Create([
        .. Enumerable
            .Range(0, char.MaxValue + 1)
            .Select(c => (char)c)
            .Where(c => char.IsWhiteSpace(c) || char.IsControl(c)),
        '"',
        '`',
        '<',
        '>',
        '|',
        '“',
        '”',
        '«',
        '»',
        '「',
        '」',
    ]);

    // What prose and markup put behind a path, and what a name seldom ends in.
    private const string Punctuation = ".,;:!?)]}'*_~…’‘、。，；：！？）】》";

    // Where a path most likely ended if the longer one is no file: a:12, a#L3, a,b, a)b.
    private static readonly SearchValues<char> Cuts = SearchValues.Create(",;:#()[]{}'…’‘、。，；：！？（）【】《》");

    private readonly SemaphoreSlim slots = new(MaxScans, MaxScans);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turns = new();

    public async ValueTask<IReadOnlyList<string>> ScanAs(string sender, string text)
    {
        var from = text.AsSpan().IndexOfAny(Beginnings);
        if (from < 0)
            return [];
        var turn = turns.GetOrAdd(sender, static _ => new SemaphoreSlim(1, 1));
        await turn.WaitAsync().ConfigureAwait(false);
        try
        {
            await slots.WaitAsync().ConfigureAwait(false);
            try
            {
                var found = await Task.Run(() => Scan(text, from)).ConfigureAwait(false);
                if (found.Count == 0 || sender is Principals.Manager or Principals.Operator)
                    return found;
                string[] own =
                [
                    $"/agents/{sender}/state/",
                    $"{files.DataDir}/agents/{sender}/state/",
                    "/shared/",
                    $"{files.DataDir}/shared/",
                ];
                return
                [
                    .. found.Where(path =>
                        Array.Exists(own, prefix => path.StartsWith(prefix, StringComparison.Ordinal))
                    ),
                ];
            }
            finally
            {
                slots.Release();
            }
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose()
    {
        slots.Dispose();
        foreach (var turn in turns.Values)
            turn.Dispose();
    }

    /// <summary>The references in a text, found on this thread.</summary>
    internal IReadOnlyList<string> Scan(string text) => Scan(text, from: 0);

    private List<string> Scan(ReadOnlySpan<char> text, int from)
    {
        List<string> found = [];
        using var folders = new KnownFolders();
        var began = clock.GetTimestamp();
        for (var candidates = 0; candidates < MaxCandidates && clock.GetElapsedTime(began) < MaxTime; )
        {
            var hit = text[from..].IndexOfAny(Beginnings);
            if (hit < 0)
                break;
            hit += from;
            var start = text[..hit].EndsWith(files.DataDir, StringComparison.Ordinal)
                ? hit - files.DataDir.Length
                : hit;
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
        start == 0
        || !(
            char.IsAsciiLetterOrDigit(text[start - 1])
            || text[start - 1] is '/' or '.' or '-' or '_' or '~' or '\\' or '%'
        );

    // Tries the forms of a token, the likeliest first; answers how much of the text is dealt with.
    private int Look(ReadOnlySpan<char> token, int own, KnownFolders folders, List<string> found)
    {
        // What ends in punctuation is nearly always a path and then the sentence's, so the longer form comes second: it
        // would cost a vain look-up each time.
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
