using System.CommandLine;
using Hive.Cli.Completion;
using Hive.Cli.Tickets;
using static System.FormattableString;

namespace Hive.Cli.Tasks;

/// <summary>The verbs of <c>hive task</c> that change tasks.</summary>
internal static class ChangeTaskVerb
{
    public static Command[] All() =>
        [
            Change("cancel", "Cancel tasks; a running one's turn is cancelled too.", "is cancelled", hasReason: true),
            Change("retry", "Try failed or cancelled tasks again.", "is tried again", hasReason: false),
            Change("hold", "Hold tasks: no agent gets them until you release them.", "is held", hasReason: true),
            Change("release", "Release held tasks.", "is released", hasReason: false),
            Change("skip", "Count tasks as completed without doing them.", "is skipped", hasReason: true),
            Priority(),
            Assign(),
            Edge("depend", "Let a task wait for another one of its ticket.", "waits for task"),
            Edge("undepend", "Let a task wait no longer for another one.", "does not wait for task"),
            Timeout(),
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

    private static Command Priority() =>
        One(
            "priority",
            "Set the priority of a task.",
            TicketWords.PriorityArgument(),
            (id, word) =>
                new
                {
                    id,
                    action = "priority",
                    priority = word.ToUpperInvariant(),
                },
            word => $"has priority {word.ToUpperInvariant()}"
        );

    private static Command Assign() =>
        One(
            "assign",
            "Let one agent alone have a task, or any agent.",
            new Argument<string?>("NAME")
            {
                Description = "The agent; left out, any agent",
                Arity = ArgumentArity.ZeroOrOne,
            }.CompletedBy(Known.AgentsAsync),
            (id, name) =>
                new
                {
                    id,
                    action = "assign",
                    agent = name is null ? null : CommonOptions.WithoutAt(name),
                },
            name => name is null ? "is for any agent" : $"is for {CommonOptions.WithoutAt(name)} alone"
        );

    private static Command Edge(string action, string description, string done) =>
        One(
            action,
            description,
            new Argument<long>("ON") { Description = "The task that comes first" }.CompletedBy(Known.TasksAsync),
            (id, on) =>
                new
                {
                    id,
                    action,
                    depends_on = on,
                },
            on => Invariant($"{done} {on}")
        );

    private static Command Timeout() =>
        One(
            "timeout",
            "Set how long one run of a task may take.",
            new Argument<long>("SECONDS") { Description = "1 to 604800 seconds (a week)" },
            (id, seconds) =>
                new
                {
                    id,
                    action = "timeout",
                    timeout_seconds = seconds,
                },
            seconds => Invariant($"may run for {seconds} seconds")
        );

    private static Command One<T>(
        string action,
        string description,
        Argument<T> value,
        Func<long, T, object> fields,
        Func<T, string> done
    )
    {
        var id = TaskWords.OneTask();
        return Verb.Create(
            action,
            description,
            async (verb, parsed) =>
            {
                var (task, given) = (parsed.GetRequiredValue(id), parsed.GetValue(value)!);
                verb.Report(
                    await verb.CallAsync("change_task", fields(task, given)),
                    Invariant($"task {task} {done(given)}")
                );
            },
            id,
            value
        );
    }
}
