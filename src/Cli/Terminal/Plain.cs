using System.Text;

namespace Hive.Cli.Terminal;

/// <summary>
/// Makes text from agents safe to show: an escape sequence in a status, a message or a log line could rewrite the
/// screen, set the window's title or type on the operator's behalf.
/// </summary>
internal static class Plain
{
    /// <summary>Replaces control characters by their symbols, except line ends and tabs.</summary>
    public static string Text(string text) => Clean(text, keepLines: true);

    /// <summary>Replaces control characters by their symbols, and line ends and tabs by blanks.</summary>
    public static string OneLine(string text) => Clean(text, keepLines: false);

    /// <summary>Wraps words into lines of at most that many characters; a longer word has its own line.</summary>
    public static IEnumerable<string> Wrapped(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }

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
