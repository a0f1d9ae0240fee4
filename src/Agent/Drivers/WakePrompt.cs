using System.Globalization;
using System.Text;
using Hive.Protocol;

namespace Hive.Agent.Drivers;

/// <summary>
/// What a program reads that does a turn: who wrote, what, and how much more waits. No body can imitate what stands
/// around it.
/// </summary>
internal static class WakePrompt
{
    public static string Of(Turn turn)
    {
        var text = new StringBuilder();
        foreach (var message in turn.Messages)
            Add(text, message);
        if (turn.Waiting > 0)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{turn.Waiting} more {(turn.Waiting == 1 ? "message waits" : "messages wait")} for you; they are yours when this turn is over.\n"
            );
        return text.Append('(').Append(Quote.Rule).Append(")\n").ToString();
    }

    private static void Add(StringBuilder text, Message message)
    {
        text.Append(CultureInfo.InvariantCulture, $"Message {message.Id} from {message.From}");
        if (message.InReplyTo is { } earlier)
            text.Append(CultureInfo.InvariantCulture, $", in reply to {earlier}");
        if (message.Broadcast == true)
            text.Append(", sent to everyone; it may need no action");
        if (message.Redelivered == true)
            text.Append(" (delivered before: what it asks for may already have been done)");
        text.Append(":\n").Append(Quote.Of(message.Body)).Append("\n\n");
    }
}
