using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Agent.Mcp;

/// <summary>
/// Formats an answer of the host for a model: short, one value per line, and an object as indented lines like an event
/// (<see cref="EventLines"/>). Text by others is marked line by line (<see cref="Quote"/>), or quoted where several
/// values share a line.
/// </summary>
internal static class ToolText
{
    // Names, paths and instants are clear without quotation marks.
    private const string Word = "-_./:+@*";

    // Where several values share a line, only these are from Hive; other text is quoted, even a single word.
    private static readonly string[] Own = ["kind", "name", "agent", "role", "asker", "target", "at"];

    public static string Of(JsonObject answer)
    {
        if (answer["messages"] is JsonArray messages && answer.Count == 1)
            return string.Join("\n\n", messages.Select(message => OfMessage(message!.AsObject())));
        if (answer.Count == 0)
            return "ok";
        var text = new StringBuilder();
        foreach (var (name, value) in answer)
            Add(text, name, value);
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>A refusal by the host. Its reason may repeat what others have written, such as the name of a
    /// lock.</summary>
    public static string OfRefusal(string reason) => $"The call was refused:\n{Quote.Of(reason)}";

    private static string OfMessage(JsonObject message)
    {
        var text = new StringBuilder($"Message {message["id"]} from {message["from"]}");
        if (message["in_reply_to"] is { } earlier)
            text.Append($", in reply to {earlier}");
        if (message["broadcast"]?.GetValueKind() == JsonValueKind.True)
            text.Append(", sent to everyone; it may need no action");
        if (message["redelivered"]?.GetValueKind() == JsonValueKind.True)
            text.Append(". It was delivered before: its request may already have been carried out");
        var body = EventLines.Of(message["from"]!.GetValue<string>(), message["body"]!.GetValue<string>());
        return text.Append(":\n").Append(Quote.Of(body)).ToString();
    }

    private static void Add(StringBuilder text, string name, JsonNode? value)
    {
        text.Append(Quote.Name(name)).Append(':');
        switch (value)
        {
            case JsonArray list:
                text.Append(list.Count == 0 ? " none\n" : "\n");
                foreach (var item in list)
                    text.Append(Item(item)).Append('\n');
                break;
            case JsonObject members:
                text.Append('\n').Append(Block(members)).Append('\n');
                break;
            case not null when TextOf(value) is { } some:
                text.Append(
                    IsWord(some) ? $" {some}\n"
                    : Quote.IsOneLine(some) ? $" {Quote.Text(some)}\n"
                    : $"\n{Quote.Of(some)}\n"
                );
                break;
            default:
                text.Append(' ').Append(Plain(name, value)).Append('\n');
                break;
        }
    }

    private static string Item(JsonNode? item) =>
        item is JsonObject members
            ? members.Any(member => HasObject(member.Value))
                ? $"-\n{Block(members)}"
                : $"- {string.Join(", ", members.Select(m => $"{Quote.Name(m.Key)}: {Plain(m.Key, m.Value)}"))}"
            : TextOf(item) is { } line
                ? Quote.Of(line)
                : Plain(null, item);

    private static string Block(JsonObject members) => Quote.Of(EventLines.Of(members));

    private static bool HasObject(JsonNode? value) =>
        value is JsonObject || (value is JsonArray list && list.Any(HasObject));

    private static string Plain(string? name, JsonNode? value) =>
        value switch
        {
            JsonObject item => Quote.Text(item.ToJsonString()),
            JsonArray list => $"[{string.Join(", ", list.Select(item => Plain(name, item)))}]",
            null => "",
            _ => TextOf(value) is { } text && !(IsOwn(name) && IsWord(text)) ? Quote.Text(text) : value.ToString(),
        };

    private static bool IsOwn(string? name) =>
        name is not null && (Own.Contains(name) || name.EndsWith("_at", StringComparison.Ordinal));

    private static bool IsWord(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || Word.Contains(c));

    private static string? TextOf(JsonNode? value) =>
        value is JsonValue some && some.TryGetValue<string>(out var text) ? text : null;
}
