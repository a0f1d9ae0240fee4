using System.Text;

namespace Hive.Agent.Login;

/// <summary>
/// Keeps texts that somebody typed out of what is shown, wherever and however much of them comes back.
/// </summary>
internal sealed class Secrets
{
    // Fewer characters than a piece give nothing away, and a piece is not met by chance; what is shorter than the
    // shortest is no secret.
    private const int PieceLength = 8,
        Shortest = 4;

    private readonly Lock gate = new();

    // Every piece of every secret: a screen that is drawn anew at each key shows beginnings, a narrow field shows ends.
    private readonly HashSet<string> pieces = [];

    public void Add(string secret)
    {
        var text = string.Concat(secret.Where(IsLetter));
        var length = Math.Min(PieceLength, text.Length);
        if (length < Shortest)
            return;
        lock (gate)
        {
            for (var at = 0; at + length <= text.Length; at++)
                pieces.Add(text.Substring(at, length));
        }
    }

    /// <summary>The text with a mark in place of what is secret, also where that is broken into lines.</summary>
    public string Hide(string text)
    {
        int[] lengths;
        lock (gate)
            lengths = [.. pieces.Select(p => p.Length).Distinct()];
        if (lengths.Length == 0)
            return text;

        // What breaks a secret up is the screen's: it is looked for without that.
        var places = new List<int>(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            if (IsLetter(text[at]))
                places.Add(at);
        }

        var letters = string.Concat(places.Select(at => text[at]));
        var hidden = new bool[text.Length];
        lock (gate)
        {
            var lookup = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
            foreach (var length in lengths)
            {
                for (var at = 0; at + length <= letters.Length; at++)
                {
                    if (lookup.Contains(letters.AsSpan(at, length)))
                        hidden.AsSpan(places[at]..(places[at + length - 1] + 1)).Fill(true);
                }
            }
        }

        var shown = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            if (!hidden[at])
                shown.Append(text[at]);
            else if (at == 0 || !hidden[at - 1])
                shown.Append('…');
        }

        return shown.ToString();
    }

    // Neither blanks and line ends nor the lines and blocks that frames are drawn with (U+2500 to U+259F).
    private static bool IsLetter(char c) => !char.IsWhiteSpace(c) && c is not ('|' or (>= '\u2500' and <= '\u259f'));
}
