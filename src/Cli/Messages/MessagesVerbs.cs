using System.CommandLine;

namespace Hive.Cli.Messages;

internal static class MessagesVerbs
{
    public static Command[] All() =>
        [
            SendVerb.Create(),
            InboxVerb.Create(),
            Act("retry", "Deliver failed messages again at once.", "retry_message", "is delivered again"),
            Act("drop", "Drop failed messages; nobody receives them.", "drop_message", "was dropped"),
        ];

    // A failed message is parked or waits for another attempt.
    private static Command Act(string name, string description, string cmd, string done)
    {
        var ids = new Argument<long[]>("ID")
        {
            Description = "The messages' ids, from hive inbox --parked",
            Arity = ArgumentArity.OneOrMore,
        };
        return Verb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                foreach (var id in parsed.GetRequiredValue(ids))
                    verb.Report(await verb.CallAsync(cmd, new { id }), $"message {id} {done}");
            },
            ids
        );
    }
}
