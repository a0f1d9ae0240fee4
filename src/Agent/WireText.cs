using System.Text;

namespace Hive.Agent;

/// <summary>Makes any text (an error, a client's name) valid for a field of the protocol.</summary>
internal static class WireText
{
    private const int MarkBytes = 3;

    /// <summary>
    /// Truncates to <paramref name="bytes"/> of UTF-8, and replaces NUL and unpaired surrogates. A truncated text ends
    /// in an ellipsis where there is room for it.
    /// </summary>
    public static string Cut(string text, int bytes)
    {
        var kept = new StringBuilder();
        var (used, end) = (0, 0);
        var room = bytes < MarkBytes ? bytes : bytes - MarkBytes;
        foreach (var rune in text.EnumerateRunes())
        {
            var fit = rune.Value == 0 ? Rune.ReplacementChar : rune;
            used += fit.Utf8SequenceLength;
            if (used > bytes)
            {
                kept.Length = end;
                return (bytes < MarkBytes ? kept : kept.Append('…')).ToString();
            }

            kept.Append(fit.ToString());
            if (used <= room)
                end = kept.Length;
        }

        return kept.ToString();
    }
}
