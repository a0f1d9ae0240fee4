using System.CommandLine;
using Hive.Cli.Tickets;
using static System.FormattableString;

namespace Hive.Cli.Tasks;

/// <summary>The verbs of <c>hive task</c> that change tasks: <c>cancel</c>, <c>retry</c>, <c>release</c>,
/// <c>skip</c> and <c>priority</c>.</summary>
internal static class ChangeTaskVerb
{
    public static Command[] All() =>
        [
            Change("cancel", "Cancel tasks; a running one's turn is cancelled too.", "is cancelled", hasReason: true),
            Change("retry", "Try failed or cancelled tasks again.", "is tried again", hasReason: false),
            Change("release", "Release held tasks.", "is released", hasReason: false),
            Change("skip", "Count tasks as completed without doing them.", "is skipped", hasReason: true),
            Priority(),
        ];

    private static Command Change(string action, string description, string done, bool hasReason)
    {
        var ids = TaskWords.SeveralTasks();
        var reason = TicketWords.Reason("Why");
        return Verb.Create(
            action,
            description,
            (verb, parsed) =>
                VerbContext.EachAsync(
                    parsed.GetRequiredValue(ids),
                    "task",
                    async id =>
                        verb.Report(
                            await verb.CallAsync(
                                "change_task",
                                new
                                {
                                    id,
                                    action,
                                    reason = hasReason ? parsed.GetValue(reason) : null,
                                }
                            ),
                            Invariant($"task {id} {done}")
                        )
                ),
            hasReason ? [ids, reason] : [ids]
        );
    }

    private static Command Priority()
    {
        var id = TaskWords.OneTask();
        var priority = TicketWords.PriorityArgument();
        return Verb.Create(
            "priority",
            "Set the priority of a task.",
            async (verb, parsed) =>
            {
                var (task, word) = (parsed.GetRequiredValue(id), parsed.GetRequiredValue(priority).ToUpperInvariant());
                verb.Report(
                    await verb.CallAsync(
                        "change_task",
                        new
                        {
                            id = task,
                            action = "priority",
                            priority = word,
                        }
                    ),
                    Invariant($"task {task} has priority {word}")
                );
            },
            id,
            priority
        );
    }
}
