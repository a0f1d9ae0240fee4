using System.Buffers;
using System.Collections.Concurrent;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
/// <remarks>
/// A text without such a path costs one vectorised search. A text with paths is scanned on a pool thread, because the
/// caller may be on the thread that serves every socket and a look-up waits for the file system. Each sender has one
/// scan at a time and all senders share a few, so that an agent that floods the host with paths only delays itself.
/// Nothing is cached, because an agent can change its files at any moment.
/// </remarks>
internal sealed class FileReferences(StateFileOpener files, TimeProvider clock) : IFileReferences, IDisposable
{
    /// <summary>The most path tokens checked in one text; later ones are ignored.</summary>
    public const int MaxCandidates = 64;

    /// <summary>The most texts scanned at the same time.</summary>
    public const int MaxScans = 2;

    /// <summary>The longest that one text is scanned; paths not reached by then are ignored.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    private static readonly SearchValues<string> Beginnings = SearchValues.Create(
        [.. StateFilePath.Beginnings],
        StringComparison.Ordinal
    );

    // Characters that end a token: white space, control characters, and delimiters of code and markup.
    private static readonly SearchValues<char> Delimiters = SearchValues.Create([
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

    // Punctuation that often follows a path in prose and markup, and seldom ends a file name.
    private const string Punctuation = ".,;:!?)]}'*_~…’‘、。，；：！？）】》";

    // Where the path most likely ends if the longer one is not a file: a:12, a#L3, a,b, a)b.
    private static readonly SearchValues<char> Cuts = SearchValues.Create(
        ",;:#()[]{}'…’‘" + "、。，；：！？（）【】《》"
    );

    private readonly SemaphoreSlim slots = new(MaxScans, MaxScans);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turns = new();

    public async ValueTask<IReadOnlyList<string>> ScanAs(string sender, string text)
    {
        var from = text.AsSpan().IndexOfAny(Beginnings);
        if (from < 0)
            return [];
        var turn = turns.GetOrAdd(sender, static _ => new SemaphoreSlim(1, 1));
        await turn.WaitAsync();
        try
        {
            await slots.WaitAsync();
            try
            {
                var found = await Task.Run(() => Scan(text, from));
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
            // The data folder's own path may hold a space or a comma.
            var own = hit - start;
            var end = token[own..].IndexOfAny(Delimiters);
            token = end < 0 ? token : token[..(own + end)];
            candidates++;
            from = start + Match(token, own, folders, found);
        }

        return found;
    }

    // False in the middle of a longer path or word.
    private static bool BeginsToken(ReadOnlySpan<char> text, int start) =>
        start == 0
        || !(
            char.IsAsciiLetterOrDigit(text[start - 1])
            || text[start - 1] is '/' or '.' or '-' or '_' or '~' or '\\' or '%'
        );

    // Tries the readings of a token, the likeliest first; returns how much of the text was consumed.
    private int Match(ReadOnlySpan<char> token, int own, KnownFolders folders, List<string> found)
    {
        // Punctuation at the end nearly always belongs to the sentence, so the path without it is tried first to save a
        // look-up.
        var trimmed = token.TrimEnd(Punctuation);
        if (IsReference(trimmed, folders, found))
            return trimmed.Length;
        if (trimmed.Length < token.Length && IsReference(token, folders, found))
            return token.Length;
        // In `(see a(1))` only the last bracket belongs to the sentence.
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
        // Another path may follow.
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
