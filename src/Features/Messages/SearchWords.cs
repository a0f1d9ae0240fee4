using System.Text;

namespace Hive.Features.Messages;

/// <summary>
/// The words that somebody searches for. A body matches when it contains each of them, in upper or lower case, where a
/// word of the body begins. They are text: quotes, operators and wildcards mean themselves.
/// </summary>
internal sealed class SearchWords
{
    // Each is a list that SQLite walks through; the others are compared with the bodies found.
    private const int MostAsked = 32;

    private const string AsciiSigns = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    private const int OtherSigns = 31;

    private readonly string[] words;

    private SearchWords(string[] words) => this.words = words;

    /// <summary>An expression of FTS5 that finds every body which matches, and maybe
    /// others; null when no word has a letter or a digit.</summary>
    public string? Expression =>
        words.Where(HasLetters).OrderByDescending(w => w.Length).Take(MostAsked).Select(Quoted).ToArray()
            is { Length: > 0 } asked
            ? string.Join(" AND ", asked)
            : null;

    /// <summary>The longest word without case, which a matching body contains exactly so; empty for none.</summary>
    public string Exact =>
        words.Where(w => w.EnumerateRunes().All(r => Rune.ToUpperInvariant(r) == r)).MaxBy(w => w.Length) ?? "";

    /// <summary>The signs that a matching body contains at least; see <see cref="SignsOf"/>.</summary>
    public long Signs => words.Aggregate(0L, (signs, word) => signs | SignsOf(word));

    /// <summary>The characters of a text that are neither letters, digits nor spaces, without case, as bits: each
    /// of the 32 of ASCII has its own bit, the others share 31.</summary>
    public static long SignsOf(string text)
    {
        var signs = 0L;
        foreach (var rune in text.ToLowerInvariant().EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || Rune.IsWhiteSpace(rune))
                continue;
            var ascii = rune.IsAscii ? AsciiSigns.IndexOf((char)rune.Value, StringComparison.Ordinal) : -1;
            signs |= 1L << (ascii >= 0 ? ascii : AsciiSigns.Length + rune.Value % OtherSigns);
        }

        return signs;
    }

    /// <summary>The words of a text; null when it has none.</summary>
    public static SearchWords? Of(string? text)
    {
        var words = (text ?? "").ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? null : new SearchWords([.. words.Distinct()]);
    }

    public bool Match(string body)
    {
        var lower = body.ToLowerInvariant();
        return Array.TrueForAll(words, word => Contains(lower, word));
    }

    private static bool Contains(string body, string word)
    {
        var anywhere = !Rune.IsLetterOrDigit(FirstOf(word));
        for (var at = 0; (at = body.IndexOf(word, at, StringComparison.Ordinal)) >= 0; at++)
        {
            if (anywhere || at == 0 || !Rune.IsLetterOrDigit(LastOf(body.AsSpan(0, at))))
                return true;
        }

        return false;
    }

    // A quoted text is one phrase; within it only the quotation mark has a meaning.
    private static string Quoted(string word)
    {
        var phrase = $"\"{word.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        return Rune.IsLetterOrDigit(LastOf(word)) ? phrase + "*" : phrase;
    }

    private static bool HasLetters(string word) => word.EnumerateRunes().Any(Rune.IsLetterOrDigit);

    private static Rune FirstOf(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out var rune, out _);
        return rune;
    }

    private static Rune LastOf(ReadOnlySpan<char> text)
    {
        Rune.DecodeLastFromUtf16(text, out var rune, out _);
        return rune;
    }
}
