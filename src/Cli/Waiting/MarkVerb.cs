using System.CommandLine;
using Hive.Cli.Completion;
using Hive.Protocol;

namespace Hive.Cli.Waiting;

/// <summary><c>hive waiting snooze</c>, <c>unsnooze</c>, <c>seen</c> and <c>unseen</c>: take rows off the list without
/// a decision, and bring them back.</summary>
internal static class MarkVerb
{
    public static Command[] All() =>
        [
            Snooze(),
            Mark("unsnooze", "Bring snoozed rows back.", "unsnooze_waiting", "is back in the list", Known.SnoozedAsync),
            Mark("seen", "Put rows aside that need no decision.", "see_waiting", "is put aside", Known.WaitingAsync),
            Mark(
                "unseen",
                "Bring rows back that were put aside.",
                "unsee_waiting",
                "is back in the list",
                (_, _) => Task.FromResult(Array.Empty<Candidate>())
            ),
        ];

    private static Command Snooze()
    {
        var keys = Keys(Known.WaitingAsync);
        var span = new Option<string>("--for")
        {
            Description = "How long: 90m, 24h or 7d",
            HelpName = "SPAN",
            DefaultValueFactory = _ => "1h",
        };
        return Verb.Create(
            "snooze",
            "Hide rows for a time. They come back then, when they change, and ten minutes before a deadline.",
            async (verb, parsed) =>
            {
                var given = parsed.GetValue(span)!;
                var until =
                    DateTimeOffset.UtcNow
                    + (
                        CommonOptions.SpanOf(given)
                        ?? throw new UsageException($"'{given}' is not valid for --for; write 90m, 24h or 7d")
                    );
                await VerbContext.EachAsync(
                    parsed.GetRequiredValue(keys),
                    "",
                    async key =>
                        verb.Report(
                            await verb.CallAsync("snooze_waiting", new { key, until_at = until }),
                            $"{key} is snoozed for {given}; bring it back: hive waiting unsnooze {key}"
                        )
                );
            },
            keys,
            span
        );
    }

    private static Command Mark(
        string name,
        string description,
        string cmd,
        string done,
        Func<HivePaths, CancellationToken, Task<Candidate[]>> known
    )
    {
        var keys = Keys(known);
        return Verb.Create(
            name,
            description,
            (verb, parsed) =>
                VerbContext.EachAsync(
                    parsed.GetRequiredValue(keys),
                    "",
                    async key => verb.Report(await verb.CallAsync(cmd, new { key }), $"{key} {done}")
                ),
            keys
        );
    }

    private static Argument<string[]> Keys(Func<HivePaths, CancellationToken, Task<Candidate[]>> known) =>
        new Argument<string[]>("KEY")
        {
            Description = "The rows' keys, from hive waiting, such as question-12",
            Arity = ArgumentArity.OneOrMore,
        }.CompletedBy(known);
}
