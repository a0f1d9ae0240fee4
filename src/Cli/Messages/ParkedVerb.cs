using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Messages;

/// <summary><c>hive parked</c>: lists messages that failed, and retries or drops them.</summary>
internal static class ParkedVerb
{
    private static readonly Screen.Column[] Heads =
    [
        "id",
        Screen.Column.Name("to"),
        "state",
        "attempts",
        "from",
        Screen.Column.Text("error"),
        Screen.Column.Text("message"),
    ];

    public static Command Create()
    {
        var names = CommonOptions.OnlyAgents();
        var command = Verb.Create(
            "parked",
            "List failed messages to agents: parked, or waiting for another attempt.",
            async (verb, parsed) =>
            {
                var wanted = CommonOptions.NamesIn(parsed, names);
                var answer = await verb.CallAsync(
                    "open_messages",
                    new
                    {
                        name = wanted is [var only] ? only : null,
                        failed = true,
                        limit = 200,
                    }
                );
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                var messages = answer.GetProperty("messages").Deserialize<Message[]>(WireJson.Options)!;
                Message[] shown = [.. messages.Where(m => wanted.Length == 0 || wanted.Contains(m.To))];
                if (shown.Length == 0)
                {
                    verb.Screen.Line("No message has failed.");
                    return;
                }

                verb.Screen.Table(Heads, [.. shown.Select(Cells)]);
                if (answer.GetProperty("more").GetBoolean())
                    verb.Screen.Line("There are more; name an agent to see its own.");
            },
            names,
            CommonOptions.Wide()
        );
        command.Subcommands.Add(Retry());
        command.Subcommands.Add(Drop());
        return command;
    }

    /// <summary>Older spellings of <c>hive parked retry</c> and <c>hive parked drop</c>, for scripts.</summary>
    public static Command[] Older()
    {
        Command[] older = [Retry(), Drop()];
        foreach (var verb in older)
            verb.Hidden = true;
        return older;
    }

    private static Command Retry() =>
        Act("retry", "Deliver failed messages again at once.", "retry_message", "is delivered again");

    private static Command Drop() =>
        Act("drop", "Drop failed messages; nobody receives them.", "drop_message", "was dropped");

    private static Command Act(string name, string description, string cmd, string done)
    {
        var ids = new Argument<long[]>("ID")
        {
            Description = "The messages' ids, from hive parked",
            Arity = ArgumentArity.OneOrMore,
        }.CompletedBy(Known.FailedMessagesAsync);
        return Verb.Create(
            name,
            description,
            (verb, parsed) =>
                VerbContext.EachAsync(
                    parsed.GetRequiredValue(ids),
                    "message",
                    async id => verb.Report(await verb.CallAsync(cmd, new { id }), $"message {id} {done}")
                ),
            ids
        );
    }

    private static Screen.Cell[] Cells(Message message) =>
        [
            message.Id.ToString(CultureInfo.InvariantCulture),
            message.To,
            message.ParkedAt is not null
                ? new Screen.Cell("parked", "red bold")
                : new Screen.Cell($"retried in {Screen.Left(message.NextAttemptAt)}", "yellow"),
            (message.Attempts ?? 0).ToString(CultureInfo.InvariantCulture),
            message.From,
            new Screen.Cell(message.LastError ?? "", "red"),
            message.Sentence ?? message.Body,
        ];
}
