using System.Globalization;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Waiting;

/// <summary>One thing that can be done with a waiting row: a key, and the verb that does the same.</summary>
/// <param name="Key">The key.</param>
/// <param name="Does">What it does, in a word or two.</param>
/// <param name="Instead">The verb for a script, or for a terminal without keys.</param>
/// <param name="Command">The command on the host's socket; null for a key that only tells the verb.</param>
/// <param name="Fields">The command's fields.</param>
/// <param name="Ask">The text to ask for first; it becomes the field of that name.</param>
internal sealed record WaitingAction(
    char Key,
    string Does,
    string Instead,
    string? Command = null,
    Dictionary<string, object?>? Fields = null,
    (string Field, string Prompt)? Ask = null
)
{
    /// <summary>The command of the action that shows a change and decides nothing.</summary>
    public const string ShowsChange = "approval_diff";

    /// <summary>The command of the action that approves a change.</summary>
    public const string Approves = "approve";

    /// <summary>It cannot be taken back, so it is confirmed.</summary>
    public bool IsFinal { get; init; }

    /// <summary>Its command takes a key, with which a repetition does nothing else.</summary>
    public bool TakesKey { get; init; }

    /// <summary>Lists what can be done with a row. A row of an unknown kind can be snoozed, and put aside when it needs
    /// no decision.</summary>
    /// <param name="row">The row.</param>
    /// <param name="options">The options of a question.</param>
    /// <param name="now">The time from which a snooze counts.</param>
    public static IReadOnlyList<WaitingAction> Of(WaitingView row, IReadOnlyList<string> options, DateTimeOffset now) =>
        [
            .. OfKind(row, options),
            .. Seen(row),
            new(
                's',
                "later (in an hour)",
                $"hive waiting snooze {row.Key}",
                "snooze_waiting",
                new() { ["key"] = row.Key, ["until_at"] = now.AddHours(1) }
            ),
        ];

    private static IEnumerable<WaitingAction> Seen(WaitingView row) =>
        row.CanBePutAside == true
            ? [new('e', "put aside", $"hive waiting seen {row.Key}", "see_waiting", Named("key", row.Key))]
            : [];

    private static IEnumerable<WaitingAction> OfKind(WaitingView row, IReadOnlyList<string> options)
    {
        switch (row.Kind)
        {
            case "question":
                for (var i = 0; i < Math.Min(options.Count, 9); i++)
                    yield return new WaitingAction(
                        (char)('1' + i),
                        VisibleText.OneLine(options[i]),
                        $"hive answer {row.Id} {Quoted(options[i])}",
                        "answer",
                        new() { ["id"] = Number(row), ["answer"] = options[i] }
                    );
                yield return new WaitingAction(
                    'r',
                    "answer in your own words",
                    $"hive answer {row.Id} TEXT",
                    "answer",
                    Named("id", Number(row)),
                    ("answer", "answer: ")
                );
                break;
            case "approval":
                yield return new WaitingAction(
                    'a',
                    "approve",
                    $"hive approve {row.Id}",
                    Approves,
                    Named("id", Number(row))
                );
                yield return new WaitingAction(
                    'd',
                    "deny",
                    $"hive deny {row.Id} NOTE",
                    "deny",
                    Named("id", Number(row)),
                    ("note", "reason: ")
                );
                yield return new WaitingAction(
                    'v',
                    "see the whole change",
                    $"hive pending {row.Id}",
                    ShowsChange,
                    Named("id", Number(row))
                );
                break;
            case "parked":
                yield return new WaitingAction(
                    't',
                    "retry",
                    $"hive parked retry {row.Id}",
                    "retry_message",
                    Named("id", Number(row))
                );
                yield return new WaitingAction(
                    'd',
                    "drop",
                    $"hive parked drop {row.Id}",
                    "drop_message",
                    Named("id", Number(row))
                )
                {
                    IsFinal = true,
                };
                break;
            case "crash":
                yield return new WaitingAction('t', "start", $"hive start {row.Id}", "start", Named("name", row.Id));
                yield return new WaitingAction('l', "read its log", $"hive logs {row.Id}");
                break;
            case "login":
                yield return new WaitingAction('l', "log in", $"hive login {row.Id}", "login", Named("name", row.Id));
                break;
            case "message":
                yield return new WaitingAction(
                    'r',
                    "reply",
                    $"hive send {row.Id} TEXT",
                    "send",
                    Named("to", row.Id),
                    ("body", "reply: ")
                )
                {
                    TakesKey = true,
                };
                yield return new WaitingAction('i', "read all", "hive inbox");
                break;
            case "stuck" or "rate_limited":
                yield return new WaitingAction(
                    'x',
                    "cancel its turn",
                    $"hive cancel-turn {row.Id}",
                    "cancel_turn",
                    Named("name", row.Id)
                )
                {
                    IsFinal = true,
                };
                break;
            case "forge_behind":
                yield return new WaitingAction('t', "retry", "hive forge sync", "forge_sync", []);
                break;
            case "ticket_approval":
                yield return new WaitingAction(
                    'a',
                    "approve",
                    $"hive ticket approve {row.Id}",
                    "ticket_approve",
                    Named("id", Number(row))
                );
                yield return new WaitingAction(
                    'd',
                    "reject",
                    $"hive ticket reject {row.Id} --reason TEXT",
                    "ticket_reject",
                    Named("id", Number(row)),
                    ("reason", "reason: ")
                );
                yield return new WaitingAction('v', "see the ticket", $"hive ticket show {row.Id}");
                break;
            case "ticket_blocked":
                yield return new WaitingAction(
                    'u',
                    "unblock",
                    $"hive ticket unblock {row.Id}",
                    "ticket_change",
                    new() { ["id"] = Number(row), ["unblock"] = true }
                );
                yield return new WaitingAction('v', "see the ticket", $"hive ticket show {row.Id}");
                break;
            case "gate_review":
                yield return new WaitingAction(
                    'a',
                    "pass",
                    $"hive review {row.Id} pass",
                    "review_decide",
                    new() { ["id"] = Number(row), ["verdict"] = "passed" }
                );
                yield return new WaitingAction(
                    'd',
                    "fail",
                    $"hive review {row.Id} fail FEEDBACK",
                    "review_decide",
                    new() { ["id"] = Number(row), ["verdict"] = "failed" },
                    ("feedback", "what has to change: ")
                );
                yield return new WaitingAction('v', "see all reviews", "hive reviews");
                break;
            case "task_failed" or "task_held":
                var (key, does) = row.Kind == "task_failed" ? ('t', "retry") : ('r', "release");
                yield return new WaitingAction(
                    key,
                    does,
                    $"hive task {does} {row.Id}",
                    "change_task",
                    new() { ["id"] = Number(row), ["action"] = does }
                );
                yield return new WaitingAction(
                    'x',
                    "skip",
                    $"hive task skip {row.Id}",
                    "change_task",
                    new() { ["id"] = Number(row), ["action"] = "skip" }
                )
                {
                    IsFinal = true,
                };
                yield return new WaitingAction('v', "see the task", $"hive task show {row.Id}");
                break;
            case "task_unservable":
                yield return new WaitingAction(
                    'x',
                    "cancel",
                    $"hive task cancel {row.Id}",
                    "change_task",
                    new() { ["id"] = Number(row), ["action"] = "cancel" }
                )
                {
                    IsFinal = true,
                };
                yield return new WaitingAction('v', "see the task", $"hive task show {row.Id}");
                break;
            case "disk":
                yield return new WaitingAction('t', "check again", "hive doctor", "check_disk", []);
                break;
        }
    }

    // An agent's text in a line that the operator may paste into a shell: as one word of it, and not as a flag.
    private static string Quoted(string option)
    {
        var word = $"'{VisibleText.OneLine(option).Replace("'", @"'\''", StringComparison.Ordinal)}'";
        return option.StartsWith('-') ? $"-- {word}" : word;
    }

    private static Dictionary<string, object?> Named(string name, object? value) => new() { [name] = value };

    private static long Number(WaitingView row) => long.Parse(row.Id, CultureInfo.InvariantCulture);
}
