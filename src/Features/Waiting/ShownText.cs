using System.Text;
using Hive.Common.Doors;

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

        return TextRules.CutCharacters(line.ToString().TrimEnd(), characters);
    }
}
