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
    /// <summary>The prompt for the driver: an event of the Hive is lines of names and values.</summary>
    public static string Of(Turn turn) => Of(turn, message => EventLines.Of(message.From, message.Body));

    /// <summary>The prompt for people, in which an event is its sentence.</summary>
    public static string ForPeople(Turn turn) => Of(turn, message => EventSentence.Of(message) ?? message.Body);

    private static string Of(Turn turn, Func<Message, string> bodyOf)
    {
        var text = new StringBuilder();
        foreach (var message in turn.Messages)
            Add(text, message, bodyOf(message));
        if (turn.Waiting > 0)
        {
            var messages = turn.Waiting == 1 ? "message waits" : "messages wait";
            text.Append(CultureInfo.InvariantCulture, $"{turn.Waiting} more {messages} for you after this turn.\n");
        }

        return text.Append('(').Append(Quote.Rule).Append(")\n").ToString();
    }

    private static void Add(StringBuilder text, Message message, string body)
    {
        text.Append(CultureInfo.InvariantCulture, $"Message {message.Id} from {message.From}");
        if (message.InReplyTo is { } earlier)
            text.Append(CultureInfo.InvariantCulture, $", in reply to {earlier}");
        if (message.Broadcast == true)
            text.Append(", sent to everyone; it may need no action");
        if (message.Redelivered == true)
            text.Append(" (delivered before: its request may already have been carried out)");
        text.Append(":\n").Append(Quote.Of(body)).Append("\n\n");
    }
}
