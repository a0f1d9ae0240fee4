using System.CommandLine;
using Hive.Cli.Completion;
using Hive.Cli.Turns;

namespace Hive.Cli.Messages;

/// <summary><c>hive send</c>: sends a message as the operator.</summary>
internal static class SendVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent("The recipient");
        var body = GivenText.Argument("BODY", "The message");
        var reply = new Option<long?>("--reply-to")
        {
            Description = "Id of the message that this one answers",
            HelpName = "ID",
        }.CompletedBy(Known.InboxAsync);
        return Verb.Create(
            "send",
            "Send a message to an agent, as the operator.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var text = await GivenText.ReadAsync(
                    parsed.GetValue(body)!,
                    "the message is missing; use: hive send NAME TEXT, or hive send NAME - to read standard input",
                    verb.Cancelled
                );
                var fields = new
                {
                    to = who,
                    body = text,
                    in_reply_to = parsed.GetValue(reply),
                };
                var answer = await verb.CallAsync("send", fields);
                verb.Report(
                    answer,
                    answer.TryGetProperty("id", out var id) ? $"sent to {who} as message {id}" : $"sent to {who}"
                );
                if (!verb.Json && await Readiness.OfAsync(verb, who) is { } missing)
                    verb.Screen.Styled($"{who} cannot work yet, and the message waits: {missing}", "magenta");
            },
            name,
            body,
            reply
        );
    }
}
