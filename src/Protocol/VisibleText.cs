using System.Buffers;
using System.Globalization;
using System.Text;

namespace Hive.Protocol;

/// <summary>
/// Makes text from agents safe to show: an escape sequence in a status, a message or a log line could rewrite the
/// screen, set the window's title or type on the operator's behalf, and an invisible character or one that changes the
/// direction of text could make a text look like another one. The page's <c>visible()</c> shows the same characters.
/// </summary>
public static class VisibleText
{
    // First and last of each range; those above U+FFFF begin with one of four surrogates.
    private static readonly (int First, int Last)[] Hidden =
    [
        // Controls that are not replaced by a symbol; on some terminals those of C1 act like escape sequences.
        (0x7f, 0x9f),
        // Soft hyphen, joiners, fillers, marks of other scripts.
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x61c, 0x61c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x3164, 0x3164),
        (0xffa0, 0xffa0),
        // Zero widths, directions and isolates, separators of lines.
        (0x200b, 0x200f),
        (0x2028, 0x202e),
        (0x2060, 0x206f),
        (0xfeff, 0xfeff),
        (0xfff9, 0xfffb),
        // Tags and supplementary selectors.
        (0xe0000, 0xe0fff),
    ];

    private static readonly SearchValues<char> Suspicious = SearchValues.Create([
        .. Enumerable.Range(0, ' ').Concat(Enumerable.Range(0xdb40, 4)).Select(c => (char)c),
        .. Hidden
            .Where(range => range.Last <= char.MaxValue)
            .SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1))
            .Select(c => (char)c),
    ]);

    private static readonly Rune Joiner = new(0x200d);

    /// <summary>Replaces control characters by their symbols, except line ends and tabs, and writes hidden ones
    /// out.</summary>
    public static string Lines(string text) => Clean(text, keepLines: true);

    /// <summary>Replaces control characters by their symbols, and line ends and tabs by blanks, and writes hidden ones
    /// out.</summary>
    public static string OneLine(string text) => Clean(text, keepLines: false);

    private static string Clean(string text, bool keepLines)
    {
        if (!text.AsSpan().ContainsAny(Suspicious))
            return text;
        var clean = new StringBuilder(text.Length);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var c = rune.Value;
            if (c is '\n' or '\t')
                clean.Append(keepLines ? (char)c : ' ');
            else if (c == '\r')
                clean.Append(keepLines ? "" : " ");
            else if (c < ' ')
                clean.Append((char)(0x2400 + c));
            else if (IsHidden(c) && !(rune == Joiner && JoinsPictures(text, at)))
                clean.Append(CultureInfo.InvariantCulture, $"⟨U+{c:X4}⟩");
            else
                clean.Append(rune);
            at += rune.Utf16SequenceLength;
        }

        return clean.ToString();
    }

    private static bool IsHidden(int c)
    {
        foreach (var (first, last) in Hidden)
        {
            if (c >= first && c <= last)
                return true;
        }

        return false;
    }

    // The joiner between two emoji is visible: it makes one emoji of them.
    private static bool JoinsPictures(ReadOnlySpan<char> text, int at)
    {
        var before = text[..at];
        Rune.DecodeLastFromUtf16(before, out var last, out var length);
        // The look and the skin colour belong to the emoji before them.
        if (last.Value is 0xfe0f or (>= 0x1f3fb and <= 0x1f3ff))
            Rune.DecodeLastFromUtf16(before[..^length], out last, out _);
        Rune.DecodeFromUtf16(text[(at + 1)..], out var next, out _);
        return IsPicture(last) && IsPicture(next);
    }

    // Of the emoji that are joined, only the arrow of a shaken head is in another category.
    private static bool IsPicture(Rune rune) =>
        rune.Value == 0x2194
        || (rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol);
}
