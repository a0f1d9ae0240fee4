using System.Text;
using System.Text.RegularExpressions;

namespace Hive.Cli.Join;

/// <summary>
/// Edits tables of a TOML file's text and keeps all other text. It parses only where tables, keys and values begin and
/// end (TOML 1.0) and refuses anything else (docs/adr/0084).
/// </summary>
internal sealed partial class TomlFile
{
    private const int DeepestNesting = 64;

    private readonly List<Table> tables = [];
    private readonly List<(string[] Table, string[] Path)> keys = [];
    private readonly string text;
    private int at,
        depth;

    private TomlFile(string text)
    {
        this.text = text;
        Read();
    }

    public string Text => text;

    /// <exception cref="FormatException">The text is not valid TOML.</exception>
    public static TomlFile Parse(string text) => new(text);

    /// <summary>The file with a table replaced, or added at its end.</summary>
    /// <exception cref="FormatException">The file defines the table in a form that cannot be replaced.</exception>
    public TomlFile With(string[] path, string table)
    {
        // TOML forbids [a.b] when an inline table or a dotted key of another table has defined it.
        if (
            keys.Any(key =>
                !key.Table.AsSpan().StartsWith(path)
                && (key.Path.AsSpan().StartsWith(path) || path.AsSpan().StartsWith(key.Path))
            )
        )
            throw new FormatException(
                $"`{string.Join('.', path)}` is defined inside another table; write it as a separate table "
                    + $"[{string.Join('.', path)}], or remove it"
            );
        if (tables.FirstOrDefault(t => t.Path.AsSpan().SequenceEqual(path)) is { } found)
            return new TomlFile(string.Concat(text.AsSpan(0, found.Start), table, text.AsSpan(found.End)));
        var end = text.Length == 0 || text.EndsWith('\n') ? "" : "\n";
        return new TomlFile(text + end + (text.Length == 0 ? "" : "\n") + table);
    }

    /// <summary>The file without a table and its subtables; empty when nothing else is left.</summary>
    public TomlFile Without(string[] path)
    {
        var rest = text;
        foreach (var table in tables.Where(t => t.Path.AsSpan().StartsWith(path)).Reverse())
        {
            var start = table.Start;
            // The blank line that With adds before a table.
            if (start > 1 && rest[start - 1] == '\n' && rest[start - 2] == '\n')
                start--;
            rest = rest.Remove(start, table.End - start);
        }

        return new TomlFile(rest.Length < text.Length && string.IsNullOrWhiteSpace(rest) ? "" : rest);
    }

    private void Read()
    {
        Table? table = null;
        for (SkipBlank(); at < text.Length; SkipBlank())
        {
            var start = at;
            if (text[at] == '[')
            {
                var isList = Peek(1) == '[';
                at += isList ? 2 : 1;
                var path = Key();
                Expect(']');
                if (isList)
                    Expect(']');
                EndLine();
                table = new Table(path, start, at);
                tables.Add(table);
                continue;
            }

            string[] inside = table?.Path ?? [];
            string[] key = [.. inside, .. Key()];
            Expect('=');
            SkipSpaces();
            Value();
            EndLine();
            keys.Add((inside, key));
            table?.End = at;
        }
    }

    private string[] Key()
    {
        List<string> parts = [];
        do
        {
            if (parts.Count > 0)
                at++;
            SkipSpaces();
            parts.Add(Peek() is '"' or '\'' ? OneLineString() : BareKey());
            SkipSpaces();
        } while (Peek() == '.');
        return [.. parts];
    }

    private string BareKey()
    {
        var start = at;
        while (Peek() is { } c && (char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            at++;
        return at > start ? text[start..at] : throw Wrong("expected a key");
    }

    private void Value()
    {
        switch (Peek())
        {
            case '"' or '\'' when text.AsSpan(at).StartsWith("\"\"\"") || text.AsSpan(at).StartsWith("'''"):
                LongString();
                break;
            case '"' or '\'':
                OneLineString();
                break;
            case '[':
                Items(']', Value);
                break;
            case '{':
                Items(
                    '}',
                    () =>
                    {
                        Key();
                        Expect('=');
                        SkipSpaces();
                        Value();
                    }
                );
                break;
            default:
                var word = Word().Match(text, at);
                if (!word.Success)
                    throw Wrong("expected a value");
                at += word.Length;
                break;
        }
    }

    private void Items(char close, Action item)
    {
        if (++depth > DeepestNesting)
            throw Wrong($"more than {DeepestNesting} nested lists");
        at++;
        for (SkipBlank(); Peek() != close; SkipBlank())
        {
            item();
            SkipBlank();
            if (Peek() == ',')
                at++;
            else if (Peek() != close)
                throw Wrong($"expected `,` or `{close}`");
        }

        at++;
        depth--;
    }

    private string OneLineString()
    {
        var quote = text[at++];
        var value = new StringBuilder();
        for (; Peek() is { } c && c != '\n'; at++)
        {
            if (c == quote)
            {
                at++;
                return value.ToString();
            }

            // A key with escapes is never one of ours, so they need no decoding.
            if (c == '\\' && quote == '"')
                value.Append(text[at++]);
            value.Append(Peek());
        }

        throw Wrong("a string is not closed on its line");
    }

    private void LongString()
    {
        var quotes = text.Substring(at, 3);
        for (at += 3; at < text.Length; at++)
        {
            if (text[at] == '\\' && quotes[0] == '"')
            {
                at++;
            }
            else if (text.AsSpan(at).StartsWith(quotes))
            {
                at += 3;
                // Up to two more quotes belong to the text.
                while (Peek() == quotes[0])
                    at++;
                return;
            }
        }

        throw Wrong($"a string that begins with {quotes} is not closed");
    }

    private void EndLine()
    {
        SkipSpaces();
        if (Peek() == '#')
            at = text.IndexOf('\n', at) is >= 0 and var end ? end : text.Length;
        if (Peek() == '\r')
            at++;
        if (at < text.Length && text[at++] != '\n')
            throw Wrong("expected the end of the line", at - 1);
    }

    private void SkipBlank()
    {
        for (; at < text.Length; at++)
        {
            if (text[at] == '#')
                at = text.IndexOf('\n', at) is >= 0 and var end ? end : text.Length - 1;
            else if (text[at] is not (' ' or '\t' or '\r' or '\n' or '\ufeff'))
                return;
        }
    }

    private void SkipSpaces()
    {
        while (Peek() is ' ' or '\t')
            at++;
    }

    private void Expect(char wanted)
    {
        if (Peek() != wanted)
            throw Wrong($"expected `{wanted}`");
        at++;
    }

    private char? Peek(int ahead = 0) => at + ahead < text.Length ? text[at + ahead] : null;

    private FormatException Wrong(string what, int? place = null) =>
        new($"not valid TOML at line {text.AsSpan(0, Math.Min(place ?? at, text.Length)).Count('\n') + 1}: {what}");

    // Booleans, numbers, dates and times.
    [GeneratedRegex(
        @"\G(?:true|false|[+-]?(?:inf|nan)|[+-]?[0-9][0-9A-Za-z_.:+-]*(?: [0-9]{2}:[0-9:.]+(?:Z|[+-][0-9:]+)?)?)"
            + @"(?=[\s,\]}#]|\z)"
    )]
    private static partial Regex Word();

    /// <summary>A table and its place, from its header to the end of its last value.</summary>
    private sealed class Table(string[] path, int start, int end)
    {
        public string[] Path => path;

        public int Start => start;

        public int End { get; set; } = end;
    }
}
