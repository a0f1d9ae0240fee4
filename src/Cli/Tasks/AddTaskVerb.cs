using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tasks;

/// <summary><c>hive task add</c>: adds a task to a ticket.</summary>
internal static class AddTaskVerb
{
    public static Command Create()
    {
        var ticket = CommonOptions.Id("The ticket's id, from hive ticket list", Known.TicketsAsync);
        var title = TicketWords.Title("What is to be done, in a line");
        var type = TicketWords.Text("--type", "TYPE", "Its type, such as implement_feature");
        type.Required = true;
        var description = TicketWords.Description();
        var phase = TicketWords.Phase("Its phase. Default: the ticket's");
        var priority = TicketWords.PriorityOption("CRITICAL, HIGH, MEDIUM or LOW. Default: the ticket's");
        var capabilities = new Option<string[]>("--capability")
        {
            Description = "What its agent must be able to do; can be repeated",
            HelpName = "WORD",
        };
        var after = new Option<long[]>("--after")
        {
            Description = "A task of the ticket that must be completed first; can be repeated",
            HelpName = "ID",
        }.CompletedBy(Known.TasksAsync);
        var quorum = TicketWords.Text(
            "--quorum",
            "N",
            "How many of --after are enough: all, first, majority or a number"
        );
        var agent = TicketWords
            .Text("--agent", "NAME", "The only agent that may have it")
            .CompletedBy(Known.AgentsAsync);
        var timeout = new Option<long?>("--timeout")
        {
            Description = "How long one run of it may take",
            HelpName = "SECONDS",
        };
        var review = TicketWords
            .Text("--review", "WHO", "validator: a validator has to pass it before it is completed")
            .CompletedBy("validator");
        var locks = new Option<string[]>("--lock")
        {
            Description = "A resource that its agent must hold, such as repo:shop; can be repeated",
            HelpName = "RESOURCE",
        };
        var key = TicketWords.Key();
        return Verb.Create(
            "add",
            "Add a task to a ticket.",
            async (verb, parsed) =>
            {
                var task = new
                {
                    task_type = parsed.GetValue(type),
                    title = string.Join(' ', parsed.GetRequiredValue(title)),
                    description = await TicketWords.ReadAsync(parsed.GetValue(description), verb.Cancelled),
                    phase_id = parsed.GetValue(phase),
                    priority = parsed.GetValue(priority)?.ToUpperInvariant(),
                    capabilities = TicketWords.Several(parsed.GetValue(capabilities)),
                    depends_on = TicketWords.Several(parsed.GetValue(after)),
                    quorum = parsed.GetValue(quorum),
                    agent = parsed.GetValue(agent) is { } who ? CommonOptions.WithoutAt(who) : null,
                    timeout_seconds = parsed.GetValue(timeout),
                    review = parsed.GetValue(review),
                    locks = TicketWords.Several(parsed.GetValue(locks)),
                };
                var answer = await verb.CallAsync(
                    "add_tasks",
                    new
                    {
                        ticket = parsed.GetRequiredValue(ticket),
                        tasks = new[] { task },
                        key = parsed.GetValue(key),
                    }
                );
                var made = answer.GetProperty("tasks").Deserialize<TaskView[]>(WireJson.Options)!.Single();
                verb.Report(answer, Invariant($"task {made.Id} is made ({TaskWords.State(made).Text})"));
            },
            ticket,
            title,
            type,
            description,
            phase,
            priority,
            capabilities,
            after,
            quorum,
            agent,
            timeout,
            review,
            locks,
            key
        );
    }
}
