using System.Text;

namespace Hive.Protocol;

/// <summary>
/// Makes text from agents safe to show: an escape sequence in a status, a message or a log line could rewrite the
/// screen, set the window's title or type on the operator's behalf.
/// </summary>
public static class VisibleText
{
    /// <summary>Replaces control characters by their symbols, except line ends and tabs.</summary>
    public static string Lines(string text) => Clean(text, keepLines: true);

    /// <summary>Replaces control characters by their symbols, and line ends and tabs by blanks.</summary>
    public static string OneLine(string text) => Clean(text, keepLines: false);

    private static string Clean(string text, bool keepLines)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.Any(Unsafe))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            clean.Append(
                c switch
                {
                    '\n' or '\t' => keepLines ? c : ' ',
                    '\r' => keepLines ? "" : " ",
                    < ' ' => (char)(0x2400 + c),
                    _ when Unsafe(c) => '\ufffd',
                    _ => c,
                }
            );
        }

        return clean.ToString();
    }

    // C1 controls act like escape sequences on some terminals; direction marks can change the order of shown text.
    private static bool Unsafe(char c) =>
        c
            is '\u007f'
                or (>= '\u0080' and <= '\u009f')
                or (>= '\u202a' and <= '\u202e')
                or (>= '\u2066' and <= '\u2069');
}
