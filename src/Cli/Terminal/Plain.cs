using System.Text;

namespace Hive.Cli.Terminal;

/// <summary>
/// Makes text that others wrote safe to show. A status line, a message or a log line comes from an agent, and an escape
/// sequence in it
/// could rewrite what the operator sees, set the window's title or answer for them.
/// </summary>
internal static class Plain
{
    /// <summary>Control characters become pictures of themselves; line ends and tabs stay.</summary>
    public static string Text(string text) => Clean(text, keepLines: true);

    /// <summary>The same on one line: what would break it becomes a blank.</summary>
    public static string OneLine(string text) => Clean(text, keepLines: false);

    /// <summary>Words in lines of at most that many characters; a longer word has a line of its own.</summary>
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

    // C1 controls act like escape sequences on some terminals; direction marks can make text read other than it is.
    private static bool Unsafe(char c) =>
        c
            is '\u007f'
                or (>= '\u0080' and <= '\u009f')
                or (>= '\u202a' and <= '\u202e')
                or (>= '\u2066' and <= '\u2069');
}
