using System.Text;

namespace Hive.Features.Waiting;

/// <summary>Shortens texts for a row of the list.</summary>
internal static class ShownText
{
    /// <summary>The text with every run of white space as one blank, cut at that many characters.</summary>
    public static string OneLine(string text, int characters)
    {
        var line = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (!Rune.IsWhiteSpace(rune))
                line.Append(rune);
            else if (line.Length > 0 && line[^1] != ' ')
                line.Append(' ');
            if (line.Length > characters)
                break;
        }

        return Cut(line.ToString().TrimEnd(), characters);
    }

    /// <summary>The text, cut at that many characters with <c>…</c> at its end; no pair of surrogates is cut in
    /// two.</summary>
    public static string Cut(string text, int characters)
    {
        if (text.Length <= characters)
            return text;
        var kept = characters - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[kept - 1]) ? kept - 1 : kept), "…");
    }
}
