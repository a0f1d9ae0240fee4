using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Agent;

/// <summary>
/// Writes an event as lines of <c>name: value</c>, in place of the JSON that <c>system</c> sends. The content of a
/// value is indented, so no text in it can pass for a member of the event.
/// </summary>
internal static class EventLines
{
    private const string Step = "  ";

    /// <summary>The lines of an event; any other body as it is.</summary>
    public static string Of(string from, string body)
    {
        using var read = Read(from, body);
        if (read is null)
            return body;
        var text = new StringBuilder();
        AddMembers(text, read.RootElement, "");
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>The lines of an object.</summary>
    public static string Of(JsonObject members)
    {
        var text = new StringBuilder();
        AddMembers(text, JsonSerializer.SerializeToElement(members), "");
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>Whether a message is an event.</summary>
    public static bool IsEvent(string from, string body)
    {
        using var read = Read(from, body);
        return read is not null;
    }

    private static JsonDocument? Read(string from, string body)
    {
        if (from != "system" || !body.StartsWith('{'))
            return null;
        JsonDocument read;
        try
        {
            read = JsonDocument.Parse(body);
        }
        catch (JsonException)
        {
            // Text that only looks like an event.
            return null;
        }

        if (read.RootElement.TryGetProperty("event", out var name) && name.ValueKind == JsonValueKind.String)
            return read;
        read.Dispose();
        return null;
    }

    private static void AddMembers(StringBuilder text, JsonElement members, string indent)
    {
        foreach (var member in members.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
                continue;
            text.Append(indent).Append(Quote.Name(member.Name)).Append(':');
            AddValue(text, member.Value, indent + Step);
        }
    }

    private static void AddValue(StringBuilder text, JsonElement value, string indent)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('\n');
                AddMembers(text, value, indent);
                break;
            case JsonValueKind.Array:
                text.Append(value.GetArrayLength() == 0 ? " none\n" : "\n");
                foreach (var item in value.EnumerateArray())
                {
                    text.Append(indent).Append('-');
                    AddValue(text, item, indent + Step);
                }

                break;
            case JsonValueKind.String when value.GetString() is { } words && !Quote.IsOneLine(words):
                text.Append('\n');
                foreach (var line in Quote.Lines(words))
                    text.Append(line.Length == 0 ? "" : indent).Append(line).Append('\n');
                break;
            case JsonValueKind.String:
                text.Append(' ').Append(value.GetString()).Append('\n');
                break;
            default:
                text.Append(' ').Append(value.GetRawText()).Append('\n');
                break;
        }
    }
}
