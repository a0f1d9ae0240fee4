using System.Text;

namespace Hive.Agent.Login;

/// <summary>Hides typed secrets in shown text, even when only parts of them appear.</summary>
internal sealed class Secrets
{
    // A piece is long enough not to occur by chance, and fewer characters give little away. Shorter texts than the
    // minimum are not secret.
    private const int PieceLength = 8,
        Shortest = 4;

    private readonly Lock gate = new();

    // All pieces of all secrets: a screen that is redrawn at each key shows beginnings, a narrow field shows ends.
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

    /// <summary>Replaces secrets by an ellipsis, even when they are wrapped.</summary>
    public string Hide(string text)
    {
        int[] lengths;
        lock (gate)
            lengths = [.. pieces.Select(p => p.Length).Distinct()];
        if (lengths.Length == 0)
            return text;

        // Secrets are searched without the characters with which a screen breaks them up.
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

    // Not blanks, line ends or box-drawing characters (U+2500 to U+259F).
    private static bool IsLetter(char c) => !char.IsWhiteSpace(c) && c is not ('|' or (>= '\u2500' and <= '\u259f'));
}
