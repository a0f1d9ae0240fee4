using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>The content of an artifact as criteria look at it: a text, or the members of a JSON object.</summary>
internal sealed partial class ArtifactContent
{
    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true
    );

    private readonly bool isData;

    private ArtifactContent(string text, JsonElement? members, bool isData) =>
        (Text, Members, this.isData) = (text, members, isData);

    /// <summary>The whole content.</summary>
    public string Text { get; }

    /// <summary>The JSON object that the content is; null for another content.</summary>
    private JsonElement? Members { get; }

    /// <summary>Reads a content; null when it is not text.</summary>
    /// <param name="bytes">The content.</param>
    /// <param name="isData">It was handed in as JSON, which says its own length and sections; a file is
    /// measured.</param>
    public static ArtifactContent? Read(byte[] bytes, bool isData = false)
    {
        string text;
        try
        {
            text = Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }

        return new ArtifactContent(text, MembersOf(text), isData);
    }

    /// <summary>A copy of the JSON object that the content is; null for another content, or one that cannot be written
    /// again.</summary>
    public JsonObject? Json =>
        Members is { } members
            ? Sound(() =>
            {
                var copy = JsonObject.Create(members)!;
                copy.ToJsonString(WireJson.Options);
                return copy;
            })
            : null;

    /// <summary>The number of its characters. Of data those of its member <c>content</c>, or its number
    /// <c>length</c>.</summary>
    public decimal Length =>
        TextOf(Said("content")) is { } content ? content.Length
        : isData && Number("length") is { } length ? length
        : Text.Length;

    /// <summary>The folded headings of Markdown, or of data the folded texts of its member <c>sections</c>.</summary>
    public HashSet<string> Sections()
    {
        if (Said("sections") is { ValueKind: JsonValueKind.Array } sections)
            return [.. sections.EnumerateArray().Select(s => TextOf(s)).OfType<string>().Select(Fold)];
        return [.. Headings(TextOf(Said("content")) ?? Text).Select(Fold)];
    }

    /// <summary>A member that is a number within the range of a decimal; null for anything else.</summary>
    public decimal? Number(string name) =>
        Member(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDecimal(out var value)
            ? value
            : null;

    /// <summary>True when a member is <c>true</c>.</summary>
    public bool IsTrue(string name) => Member(name) is { ValueKind: JsonValueKind.True };

    /// <summary>A name of a section without case, numbering, blanks, hyphens and underscores.</summary>
    public static string Fold(string text) =>
        string.Join(' ', Words().Matches(Numbering().Replace(text.Trim(), "")).Select(m => m.Value.ToLowerInvariant()));

    private JsonElement? Said(string name) => isData ? Member(name) : null;

    private JsonElement? Member(string name) =>
        Members is { } members
            ? Sound(() => members.TryGetProperty(name, out var member) ? (JsonElement?)member : null)
            : null;

    private static string? TextOf(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.String } text ? Sound(text.GetString) : null;

    // JSON may name half of a character, which is not text; it is found only when it is looked at.
    private static T? Sound<T>(Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return default;
        }
    }

    private static JsonElement? MembersOf(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith("{"))
            return null;
        try
        {
            return JsonElement.Parse(text) is { ValueKind: JsonValueKind.Object } members ? members : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Headings with # and underlined ones, outside of fenced code.
    private static IEnumerable<string> Headings(string text)
    {
        string? fence = null;
        var before = "";
        foreach (var line in text.Split('\n').Select(l => l.TrimEnd('\r')))
        {
            var begin = line.TrimStart();
            if (fence is not null)
            {
                if (begin.StartsWith(fence, StringComparison.Ordinal) && begin.Trim(fence[0], ' ', '\t').Length == 0)
                    fence = null;
                continue;
            }

            if (Fence().Match(begin) is { Success: true } opening)
            {
                (fence, before) = (opening.Value, "");
                continue;
            }

            if (Heading().Match(line) is { Success: true } heading)
                yield return heading.Groups[1].Value;
            else if (before.Length > 0 && Underline().IsMatch(line))
                yield return before;
            before = begin.TrimEnd();
        }
    }

    [GeneratedRegex(@"\A {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*\z")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\A {0,3}(=+|-+)[ \t]*\z")]
    private static partial Regex Underline();

    [GeneratedRegex(@"\A(```+|~~~+)")]
    private static partial Regex Fence();

    [GeneratedRegex(@"[\p{L}\p{M}\p{N}]+")]
    private static partial Regex Words();

    [GeneratedRegex(@"\A[0-9]+(\.[0-9]+)*[.)]?[ \t]+")]
    private static partial Regex Numbering();
}
