using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Agent.Mcp;

/// <summary>An answer of the host as a model reads it best: short, one thing per line, no JSON where there is none inside.</summary>
internal static class ToolText
{
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

    private static string OfMessage(JsonObject message)
    {
        var text = new StringBuilder($"Message {message["id"]} from {message["from"]}");
        if (message["in_reply_to"] is { } earlier)
            text.Append($", in reply to {earlier}");
        if (message["broadcast"]?.GetValueKind() == JsonValueKind.True)
            text.Append(", sent to everyone; it may need no action");
        if (message["redelivered"]?.GetValueKind() == JsonValueKind.True)
            text.Append(". It was delivered before: what it asks for may already have been done");
        return text.Append(":\n").Append(message["body"]).ToString();
    }

    private static void Add(StringBuilder text, string name, JsonNode? value)
    {
        if (value is not JsonArray list)
        {
            text.Append(name).Append(": ").Append(Plain(value)).Append('\n');
            return;
        }

        text.Append(name).Append(list.Count == 0 ? ": none\n" : ":\n");
        foreach (var item in list)
            text.Append(item is JsonObject ? "- " : "").Append(Plain(item)).Append('\n');
    }

    private static string Plain(JsonNode? value) => value switch
    {
        JsonObject item => string.Join(", ", item.Select(member => $"{member.Key}: {Plain(member.Value)}")),
        JsonArray list => string.Join(", ", list.Select(Plain)),
        null => "",
        _ => value.ToString(),
    };
}
