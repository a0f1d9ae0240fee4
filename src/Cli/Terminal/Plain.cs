using System.Text;

namespace Hive.Cli.Terminal;

/// <summary>
/// Makes text that others wrote safe to show. A status line, a message or a log line comes from an agent, and an escape sequence in it
/// could rewrite what the operator sees, set the window's title or answer for them.
/// </summary>
internal static class Plain
{
    /// <summary>Control characters become pictures of themselves; line ends and tabs stay.</summary>
    public static string Text(string text) => Clean(text, keepLines: true);

    /// <summary>The same on one line: what would break it becomes a blank.</summary>
    public static string OneLine(string text) => Clean(text, keepLines: false);

    private static string Clean(string text, bool keepLines)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.Any(Unsafe))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            clean.Append(c switch
            {
                '\n' or '\t' => keepLines ? c : ' ',
                '\r' => keepLines ? "" : " ",
                < ' ' => (char)(0x2400 + c),
                _ when Unsafe(c) => '\ufffd',
                _ => c,
            });
        }

        return clean.ToString();
    }

    // C1 controls act like escape sequences on some terminals; direction marks can make text read other than it is.
    private static bool Unsafe(char c) => c is '\u007f' or (>= '\u0080' and <= '\u009f') or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
