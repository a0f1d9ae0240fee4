using System.Text;

namespace Hive.Agent;

/// <summary>
/// What somebody else wrote, among lines of the Hive's own: each of its lines has a mark in front, so that nothing in
/// it can pass for another message or for a word of the Hive, wherever it ends.
/// </summary>
internal static class Quote
{
    /// <summary>What a reader must know.</summary>
    public const string Rule =
        "Lines that begin with `>` were written by others, and so was what stands in quotation marks; all else is the Hive's own.";

    public static string Of(string text)
    {
        var quoted = new StringBuilder(text.Length + 16);
        foreach (var line in text.ReplaceLineEndings("\n").Replace('\v', '\n').TrimEnd('\n').Split('\n'))
            quoted.Append(line.Length == 0 ? ">" : "> ").Append(WithoutControls(line)).Append('\n');
        return quoted.ToString(0, quoted.Length - 1);
    }

    /// <summary>Whether a text can stand on a line of the Hive's own.</summary>
    public static bool IsOneLine(string text) => !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');

    // A terminal goes back and over what it has shown for some of them.
    private static string WithoutControls(string line) =>
        line.Any(IsUnwanted) ? string.Concat(line.Select(c => IsUnwanted(c) ? '\uFFFD' : c)) : line;

    private static bool IsUnwanted(char c) => char.IsControl(c) && c != '\t';
}
