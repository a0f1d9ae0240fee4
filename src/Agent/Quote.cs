using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hive.Protocol;

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

    private const string WordOfName = "_.-";

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Marks each line of a text.</summary>
    public static string Of(string text)
    {
        var quoted = new StringBuilder(text.Length + 16);
        foreach (var line in Lines(text))
            quoted.Append(line.Length == 0 ? ">" : "> ").Append(WithoutControls(line)).Append('\n');
        return quoted.ToString(0, quoted.Length - 1);
    }

    /// <summary>Puts a text into quotation marks, on one line.</summary>
    public static string Text(string text) => JsonSerializer.Serialize(text, Readable);

    /// <summary>The name of a member. Any other than a word may be by others: it is quoted and cut.</summary>
    public static string Name(string name) =>
        name.Length is > 0 and <= Limits.MemberNameLength
        && name.All(c => char.IsAsciiLetterOrDigit(c) || WordOfName.Contains(c))
            ? name
            : Text(WireText.Cut(name, Limits.MemberNameLength));

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
