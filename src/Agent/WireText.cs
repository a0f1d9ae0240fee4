using System.Text;

namespace Hive.Agent;

/// <summary>Text that comes from elsewhere (an error, a client's name) made fit for a field of the protocol.</summary>
internal static class WireText
{
    /// <summary>At most <paramref name="bytes"/> of UTF-8, without NUL and without half a surrogate pair.</summary>
    public static string Cut(string text, int bytes)
    {
        var kept = new StringBuilder();
        var used = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var fit = rune.Value == 0 ? Rune.ReplacementChar : rune;
            used += fit.Utf8SequenceLength;
            if (used > bytes)
            {
                var room = bytes - Encoding.UTF8.GetByteCount("…");
                while (Encoding.UTF8.GetByteCount(kept.ToString()) > room)
                    kept.Length -= char.IsLowSurrogate(kept[^1]) ? 2 : 1;
                return kept.Append('…').ToString();
            }

            kept.Append(fit.ToString());
        }

        return kept.ToString();
    }
}
