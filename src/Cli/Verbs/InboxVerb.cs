using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>What agents wrote to the operator, newest last.</summary>
internal static class InboxVerb
{
    public static Command Create()
    {
        var limit = new Option<int>("-n", "--limit") { Description = "How many at most", HelpName = "N", DefaultValueFactory = _ => 50 };
        var ack = new Option<bool>("--ack") { Description = "Mark those shown as read" };
        return HostVerb.Create("inbox", "Read what agents wrote to you, newest last.", async (verb, parsed) =>
        {
            var answer = await verb.CallAsync("inbox", new { limit = parsed.GetValue(limit) });
            var messages = answer.GetProperty("messages").Deserialize<Message[]>(WireJson.Options)!.OrderBy(m => m.Id).ToArray();
            var unread = answer.GetProperty("unread").GetInt64();
            if (verb.Json)
                HostVerb.Print(answer);
            else
                Show(verb, messages, unread);

            // Only what was shown: a message that came in meanwhile stays unread.
            var fresh = messages.Where(m => m.AckedAt is null).Select(m => m.Id).ToArray();
            if (parsed.GetValue(ack) && fresh.Length > 0)
                await verb.CallAsync("ack_messages", new { ids = fresh });
        }, limit, ack);
    }

    private static void Show(HostVerb verb, Message[] messages, long unread)
    {
        if (messages.Length == 0)
        {
            verb.Screen.Line("Nobody has written to you yet.");
            return;
        }

        foreach (var message in messages)
        {
            var answers = message.InReplyTo is { } id ? string.Create(CultureInfo.InvariantCulture, $", answers {id}") : "";
            var head = string.Create(CultureInfo.InvariantCulture, $"{message.SentAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}  {message.From}  (message {message.Id}{answers}){(message.AckedAt is null ? "  unread" : "")}");
            verb.Screen.Styled(head, message.AckedAt is null ? "bold yellow" : "grey");
            foreach (var line in message.Body.Split('\n'))
                verb.Screen.Line($"  {line}");
        }

        verb.Screen.Line(unread == 0 ? "All read." : string.Create(CultureInfo.InvariantCulture, $"{unread} unread; hive inbox --ack marks those shown as read."));
    }
}
