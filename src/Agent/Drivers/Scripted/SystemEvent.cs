using System.Text.Json;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>A message from <c>system</c> whose body is JSON with <c>event</c>.</summary>
/// <param name="Members">
/// The body's members; <c>id</c> is named after the event: <c>question_id</c> for <c>question_asked</c>.
/// </param>
internal sealed record SystemEvent(string Name, IReadOnlyDictionary<string, JsonElement> Members)
{
    public static SystemEvent? Of(Message message)
    {
        if (message.From != "system" || !message.Body.StartsWith('{'))
            return null;
        try
        {
            using var body = JsonDocument.Parse(message.Body);
            if (!body.RootElement.TryGetProperty("event", out var name) || name.ValueKind != JsonValueKind.String)
                return null;
            var members = new Dictionary<string, JsonElement>();
            foreach (var member in body.RootElement.EnumerateObject())
            {
                if (member.Value.ValueKind != JsonValueKind.Null && member.Name != "event")
                    members[member.Name == "id" ? $"{name.GetString()!.Split('_')[0]}_id" : member.Name] =
                        member.Value.Clone();
            }

            return new SystemEvent(name.GetString()!, members);
        }
        catch (JsonException)
        {
            // Text that only looks like an event.
            return null;
        }
    }
}
