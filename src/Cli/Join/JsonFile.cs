using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Cli.Join;

/// <summary>
/// Edits members of a JSON file's text and keeps all other text, with its comments and layout, which serializing would
/// lose.
/// </summary>
internal sealed class JsonFile
{
    private static readonly JsonReaderOptions Lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly string given,
        first;
    private string text;

    private JsonFile(string given, string first) => (this.given, this.first, text) = (given, first, first);

    /// <summary>The text with the changes; empty when neither a member nor a comment is left.</summary>
    public string Text =>
        text == first ? given
        : text.Where(c => !char.IsWhiteSpace(c)).SequenceEqual("{}") ? ""
        : text;

    /// <exception cref="FormatException">The text is not a JSON object.</exception>
    public static JsonFile Parse(string text)
    {
        var file = new JsonFile(text, string.IsNullOrWhiteSpace(text) ? "{}\n" : text);
        return file.Root().Kind == JsonValueKind.Object ? file : throw new FormatException("expected a JSON object");
    }

    /// <summary>The value at a path; null when it is missing.</summary>
    /// <exception cref="FormatException">A member on the path is not an object.</exception>
    public JsonNode? Get(params string[] path) => Find(path) is { } found ? Value(found) : null;

    /// <summary>Sets a member, and adds the missing objects above it.</summary>
    public void Set(JsonNode value, params string[] path)
    {
        if (Find(path) is { } found)
        {
            if (!JsonNode.DeepEquals(Value(found), value))
                Replace(found.Start, found.End, Written(value, IndentAt(found.Start)));
            return;
        }

        var above = path[..^1];
        if (above.Length > 0 && Find(above) is null)
            Set(new JsonObject(), above);
        Insert(Find(above)!, path, path[^1], value);
    }

    /// <summary>Adds a value to the list at a path, unless the list has an equal one.</summary>
    public void Add(JsonNode value, params string[] path)
    {
        if (Find(path) is null)
            Set(new JsonArray(), path);
        var list = Find(path)!;
        if (list.Kind != JsonValueKind.Array)
            throw new FormatException($"`{string.Join('.', path)}` is not a list");
        if (!list.Children.Any(item => JsonNode.DeepEquals(Value(item), value)))
            Insert(list, path, null, value);
    }

    /// <summary>Removes a member, and the objects above it that become empty.</summary>
    public void Remove(params string[] path)
    {
        if (path.Length == 0 || Find(path) is null)
            return;
        var above = Find(path[..^1])!;
        Cut(above, above.Children.Last(member => member.Name == path[^1]));
        Prune(path[..^1]);
    }

    /// <summary>
    /// Removes values from the list at a path, and the list and the objects above it when they become empty.
    /// </summary>
    public void RemoveItems(Func<JsonNode?, bool> which, params string[] path)
    {
        var removed = false;
        while (
            Find(path) is { Kind: JsonValueKind.Array } list
            && list.Children.FirstOrDefault(item => which(Value(item))) is { } found
        )
        {
            Cut(list, found);
            removed = true;
        }

        if (removed)
            Prune(path);
    }

    private void Prune(string[] path)
    {
        if (path.Length > 0 && Find(path) is { Children: [] } empty && Inside(empty).All(char.IsWhiteSpace))
            Remove(path);
    }

    private string Inside(Node container) => text[(container.Start + 1)..(container.End - 1)];

    private Node? Find(string[] path)
    {
        Node? at = Root();
        for (var depth = 0; depth < path.Length; depth++)
        {
            if (at is null)
                return null;
            if (at.Kind != JsonValueKind.Object)
                throw new FormatException($"`{string.Join('.', path[..depth])}` is not an object");
            // Of several members with one name, the last counts.
            at = at.Children.LastOrDefault(member => member.Name == path[depth]);
        }

        return at;
    }

    private JsonNode? Value(Node node) =>
        JsonNode.Parse(
            text[node.Start..node.End],
            documentOptions: new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
            }
        );

    private void Insert(Node container, string[] path, string? name, JsonNode value)
    {
        var newline = Newline;
        var inline =
            container.Children is [var head, ..]
            && !text.AsSpan(container.Start, head.From - container.Start).Contains('\n');
        var indent =
            container.Children.Count > 0 ? IndentAt(container.Children[0].From) : IndentAt(container.Start) + Unit;
        var member =
            (name is null ? "" : $"{JsonSerializer.Serialize(name, Plain)}: ")
            + (inline ? value.ToJsonString(Plain) : Written(value, indent));
        if (container.Children.Count == 0)
        {
            var inside = Inside(container).TrimEnd();
            Replace(
                container.Start + 1,
                container.End - 1,
                $"{inside}{newline}{indent}{member}{newline}{IndentAt(container.Start)}"
            );
            return;
        }

        var last = container.Children[^1].End;
        var gap = text[last..(container.End - 1)];
        var hasComma = CommaIn(last, container.End - 1) >= 0;
        var kept = gap.TrimEnd();
        var (before, after) = hasComma ? ("", ",") : (",", "");
        var separator = inline ? " " : newline + indent;
        Replace(last, container.End - 1, $"{before}{kept}{separator}{member}{after}{gap[kept.Length..]}");
    }

    // The reverse of Insert; a comment beside the removed text stays.
    private void Cut(Node container, Node child)
    {
        var place = container.Children.IndexOf(child);
        var end = child.End;
        var after = CommaIn(
            end,
            place + 1 < container.Children.Count ? container.Children[place + 1].From : container.End - 1
        );
        if (after >= 0)
            text = text.Remove(after, 1);
        var start = child.From;
        // The line before may end in a comment, which must not swallow the rest of this line.
        var endsLine = text[end..].TrimStart(' ', '\t') is [] or ['\n' or '\r', ..];
        while (char.IsWhiteSpace(text[start - 1]) && (endsLine || text[start - 1] != '\n'))
            start--;
        text = text.Remove(start, end - start);
        if (after < 0 && place > 0 && CommaIn(container.Children[place - 1].End, start) is >= 0 and var before)
            text = text.Remove(before, 1);
        if (container.Children.Count == 1 && Inside(Shrunk(container)).All(char.IsWhiteSpace))
            Replace(container.Start + 1, Shrunk(container).End - 1, "");
    }

    private Node Shrunk(Node container) => All(Root()).First(node => node.Start == container.Start);

    private static IEnumerable<Node> All(Node node) => node.Children.SelectMany(All).Prepend(node);

    // The comma between two places, outside of comments; -1 when there is none.
    private int CommaIn(int from, int to)
    {
        for (var at = from; at < to; at++)
        {
            if (text[at] == ',')
                return at;
            if (text[at] != '/')
                continue;
            var isLine = text[at + 1] == '/';
            at = text.IndexOf(isLine ? "\n" : "*/", at + 2, StringComparison.Ordinal) + (isLine ? 0 : 1);
        }

        return -1;
    }

    private void Replace(int from, int to, string by) =>
        text = string.Concat(text.AsSpan(0, from), by, text.AsSpan(to));

    private string Newline => text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";

    // One step of the file's indentation.
    private string Unit =>
        Root().Children is [var first, ..] && IndentAt(first.From) is { Length: > 0 } unit ? unit : "  ";

    private string IndentAt(int place)
    {
        var line = place == 0 ? 0 : text.LastIndexOf('\n', place - 1) + 1;
        var end = line;
        while (end < place && text[end] is ' ' or '\t')
            end++;
        return text[line..end];
    }

    private string Written(JsonNode value, string indent)
    {
        var unit = Unit;
        var options = new JsonSerializerOptions(Plain)
        {
            WriteIndented = true,
            IndentCharacter = unit[0],
            IndentSize = unit.Length,
            NewLine = "\n",
        };
        return value.ToJsonString(options).Replace("\n", Newline + indent, StringComparison.Ordinal);
    }

    private Node Root()
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        // Editors may write a byte order mark, which is not JSON.
        var mark = bytes is [0xEF, 0xBB, 0xBF, ..] ? 3 : 0;
        var reader = new Utf8JsonReader(bytes.AsSpan(mark), Lenient);
        try
        {
            reader.Read();
            var root = Read(ref reader, bytes, mark);
            reader.Read();
            return root;
        }
        catch (JsonException e)
        {
            throw new FormatException($"not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException("not valid JSON: a name holds an unpaired surrogate", e);
        }
    }

    private static Node Read(ref Utf8JsonReader reader, byte[] bytes, int mark)
    {
        int Place(long at) => Encoding.UTF8.GetCharCount(bytes, 0, mark + (int)at);
        var from = reader.TokenStartIndex;
        string? name = null;
        if (reader.TokenType == JsonTokenType.PropertyName)
        {
            name = reader.GetString();
            reader.Read();
        }

        var start = reader.TokenStartIndex;
        var kind = reader.TokenType switch
        {
            JsonTokenType.StartObject => JsonValueKind.Object,
            JsonTokenType.StartArray => JsonValueKind.Array,
            _ => JsonValueKind.Undefined,
        };
        List<Node> children = [];
        while (
            kind != JsonValueKind.Undefined
            && reader.Read()
            && reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray)
        )
            children.Add(Read(ref reader, bytes, mark));
        return new Node(name, kind, Place(from), Place(start), Place(reader.BytesConsumed), children);
    }

    /// <summary>A value and its place in the text.</summary>
    /// <param name="Name">The name of a member; null for an item.</param>
    /// <param name="Kind">Object or array; undefined for any other value.</param>
    /// <param name="From">The start, including the name.</param>
    /// <param name="Start">The start of the value.</param>
    /// <param name="End">The end, exclusive.</param>
    /// <param name="Children">Members or items.</param>
    private sealed record Node(string? Name, JsonValueKind Kind, int From, int Start, int End, List<Node> Children);
}
