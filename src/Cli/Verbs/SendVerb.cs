using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Sends a message as the operator.</summary>
internal static class SendVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent("Who gets it");
        var body = new Argument<string[]>("BODY")
        {
            Description = "The message (at most 4096 bytes); - or nothing reads it from standard input",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var reply = new Option<long?>("--reply-to")
        {
            Description = "The id of the message this one answers",
            HelpName = "ID",
        };
        return HostVerb.Create(
            "send",
            "Send a message to an agent, as the operator.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var text = await GivenText.ReadAsync(
                    parsed.GetValue(body)!,
                    "what shall the message say? hive send NAME TEXT, or hive send NAME - to read it from standard input",
                    verb.Cancelled
                );
                var answer = await verb.CallAsync(
                    "send",
                    new
                    {
                        to = who,
                        body = text,
                        in_reply_to = parsed.GetValue(reply),
                    }
                );
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
