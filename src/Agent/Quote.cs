using System.Text;

namespace Hive.Agent;

/// <summary>
/// Quotes text by others among Hive's own lines: each line gets a mark, so that nothing in it can pass for another
/// message or for Hive's own words.
/// </summary>
internal static class Quote
{
    /// <summary>Explains the marks to a model.</summary>
    public const string Rule =
        "Lines that begin with `>` and text in quotation marks were written by others; everything else is from Hive.";

    public static string Of(string text)
    {
        var quoted = new StringBuilder(text.Length + 16);
        foreach (var line in Lines(text))
            quoted.Append(line.Length == 0 ? ">" : "> ").Append(WithoutControls(line)).Append('\n');
        return quoted.ToString(0, quoted.Length - 1);
    }

    /// <summary>The lines of a text, by every character that a reader may take for a line end.</summary>
    public static string[] Lines(string text) =>
        text.ReplaceLineEndings("\n").Replace('\v', '\n').TrimEnd('\n').Split('\n');

    /// <summary>Whether a text fits on one line, without control characters.</summary>
    public static bool IsOneLine(string text) => !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');

    // Some control characters make a terminal overwrite its output.
    private static string WithoutControls(string line) =>
        line.Any(IsUnwanted) ? string.Concat(line.Select(c => IsUnwanted(c) ? '\uFFFD' : c)) : line;

    private static bool IsUnwanted(char c) => char.IsControl(c) && c != '\t';
}
