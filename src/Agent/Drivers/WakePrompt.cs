using System.Globalization;
using System.Text;
using Hive.Protocol;

namespace Hive.Agent.Drivers;

/// <summary>
/// Writes the prompt of a turn: the messages, their senders, and how many more wait. No body can imitate the text
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
        {
            var messages = turn.Waiting == 1 ? "message waits" : "messages wait";
            text.Append(CultureInfo.InvariantCulture, $"{turn.Waiting} more {messages} for you after this turn.\n");
        }

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
            text.Append(" (delivered before: its request may already have been carried out)");
        text.Append(":\n").Append(Quote.Of(message.Body)).Append("\n\n");
    }
}
