using System.Globalization;
using System.Text;

namespace Hive.Common.Yaml;

/// <summary>A mapping to be written as YAML: keys in their order; null values and empty lists are left out.</summary>
public sealed class YamlMapping
{
    internal List<(string Key, object Value)> Entries { get; } = [];

    /// <summary>Adds a text; null is left out.</summary>
    public YamlMapping Add(string key, string? value) => Put(key, value);

    /// <summary>Adds a whole number; null is left out.</summary>
    public YamlMapping Add(string key, int? value) =>
        Put(key, value is { } n ? new Plain(n.ToString(CultureInfo.InvariantCulture)) : null);

    /// <summary>Adds a number; null is left out.</summary>
    public YamlMapping Add(string key, decimal? value) =>
        Put(key, value is { } n ? new Plain(n.ToString(CultureInfo.InvariantCulture)) : null);

    /// <summary>Adds a truth value unless it is the usual one.</summary>
    public YamlMapping Add(string key, bool value, bool usual) =>
        Put(key, value == usual ? null : new Plain(value ? "true" : "false"));

    /// <summary>Adds a list of texts; an empty one is left out.</summary>
    public YamlMapping Add(string key, IEnumerable<string>? values) => PutList(key, values);

    /// <summary>Adds a list of mappings; an empty one is left out.</summary>
    public YamlMapping Add(string key, IEnumerable<YamlMapping>? values) => PutList(key, values);

    /// <summary>Adds a mapping; null is left out.</summary>
    public YamlMapping Add(string key, YamlMapping? value) => Put(key, value);

    /// <summary>The YAML: block style, one spelling for each value, a newline at the end.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        YamlText.Append(text, this, indent: 0);
        return text.ToString();
    }

    private YamlMapping PutList(string key, IEnumerable<object>? values) =>
        values?.ToList() is { Count: > 0 } list ? Put(key, list) : this;

    private YamlMapping Put(string key, object? value)
    {
        if (value is not null)
            Entries.Add((key, value));
        return this;
    }

    internal sealed record Plain(string Text);
}

/// <summary>Writes YAML that <see cref="StrictYaml"/> reads back as it was.</summary>
internal static class YamlText
{
    // Words and numbers that YAML, or a reader of an older version of it, takes for another type.
    private static readonly HashSet<string> OtherTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "null",
        "y",
        "n",
    };

    private const string PlainMarks = " _.,/()-?;:";

    public static void Append(StringBuilder text, YamlMapping mapping, int indent)
    {
        var isFirst = true;
        foreach (var (key, value) in mapping.Entries)
        {
            // The first key of a list's entry follows its dash.
            if (!isFirst || text.Length == 0 || text[^1] == '\n')
                text.Append(' ', indent);
            isFirst = false;
            text.Append(Scalar(key)).Append(':');
            switch (value)
            {
                case YamlMapping { Entries.Count: 0 }:
                    text.Append(" {}\n");
                    break;
                case YamlMapping inner:
                    text.Append('\n');
                    Append(text, inner, indent + 2);
                    break;
                case List<object> list:
                    text.Append('\n');
                    foreach (var entry in list)
                        Append(text, entry, indent + 2);
                    break;
                case string literal when IsLiteral(literal):
                    AppendLiteral(text, literal, indent + 2);
                    break;
                default:
                    text.Append(' ').Append(value is YamlMapping.Plain plain ? plain.Text : Scalar((string)value));
                    text.Append('\n');
                    break;
            }
        }
    }

    private static void Append(StringBuilder text, object entry, int indent)
    {
        text.Append(' ', indent).Append("- ");
        switch (entry)
        {
            case YamlMapping { Entries.Count: 0 }:
                text.Append("{}\n");
                break;
            case YamlMapping mapping:
                Append(text, mapping, indent + 2);
                break;
            default:
                text.Append(Scalar((string)entry)).Append('\n');
                break;
        }
    }

    // A text of several lines that needs neither an indentation indicator nor escapes.
    private static bool IsLiteral(string text)
    {
        if (!text.Contains('\n', StringComparison.Ordinal) || text.EndsWith("\n\n", StringComparison.Ordinal))
            return false;
        var lines = text.Split('\n');
        return lines[0].Length > 0 && lines[0][0] != ' ' && lines.All(line => line.Length == 0 || IsLiteralLine(line));
    }

    private static bool IsLiteralLine(string line) => line[^1] != ' ' && line.All(c => c != '\t' && IsPrintable(c));

    private static void AppendLiteral(StringBuilder text, string literal, int indent)
    {
        var isEnded = literal[^1] == '\n';
        text.Append(isEnded ? " |\n" : " |-\n");
        foreach (var line in (isEnded ? literal[..^1] : literal).Split('\n'))
        {
            if (line.Length > 0)
                text.Append(' ', indent).Append(line);
            text.Append('\n');
        }
    }

    private static string Scalar(string text) => IsPlain(text) ? text : Quoted(text);

    private static bool IsPlain(string text) =>
        text.Length > 0
        && char.IsAsciiLetter(text[0])
        && text[^1] is not (' ' or ':')
        && !OtherTypes.Contains(text)
        && text.All(c => char.IsAsciiLetterOrDigit(c) || PlainMarks.Contains(c, StringComparison.Ordinal))
        && !text.Contains(": ", StringComparison.Ordinal);

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"", text.Length + 2);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                _ when IsPrintable(c) => quoted.Append(c),
                _ => quoted.Append("\\u").Append(((int)c).ToString("X4", CultureInfo.InvariantCulture)),
            };
        }

        return quoted.Append('"').ToString();
    }

    // YAML's printable characters, without those that end a line in some version of it. Surrogates come in pairs here:
    // the texts were read as UTF-8.
    private static bool IsPrintable(char c) =>
        c is '\t' or (>= ' ' and <= '~') or (>= '\u00A0' and <= '\uFFFD')
        && c is not ('\u2028' or '\u2029' or '\uFEFF');
}
