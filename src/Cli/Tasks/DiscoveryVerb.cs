using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tasks;

/// <summary><c>hive discovery</c>: what was found during the work.</summary>
internal static class DiscoveryVerb
{
    private static readonly Screen.Column[] Heads =
    [
        "id",
        "ticket",
        "in task",
        "type",
        "state",
        "by",
        "age",
        "its task",
        Screen.Column.Text("description"),
    ];

    private static readonly string[] States = ["open", "in_progress", "resolved", "invalid"];

    public static Command Create() =>
        new("discovery", "List, record and resolve what was found during the work.") { List(), Add(), Resolve() };

    private static Command List()
    {
        var ticket = new Option<long?>("--ticket")
        {
            Description = "Only those of this ticket",
            HelpName = "ID",
        }.CompletedBy(Known.TicketsAsync);
        var task = new Option<long?>("--task")
        {
            Description = "Only those found in this task",
            HelpName = "ID",
        }.CompletedBy(Known.TasksAsync);
        var type = TicketWords.Text("--type", "TYPE", "Only those of this type, such as bug");
        var status = TicketWords.Text("--status", "STATUS", string.Join(", ", States)).CompletedBy(States);
        var limit = CommonOptions.Limit(50);
        return Verb.Create(
            "list",
            "List what was found, the newest first.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "discoveries",
                    new
                    {
                        ticket = parsed.GetValue(ticket),
                        task = parsed.GetValue(task),
                        type = parsed.GetValue(type),
                        status = parsed.GetValue(status),
                        limit = parsed.GetValue(limit),
                    }
                );
                var found = answer.GetProperty("discoveries").Deserialize<DiscoveryView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (found.Length == 0)
                    verb.Screen.Line("No discoveries.");
                else
                    verb.Screen.Table(Heads, [.. found.Select(Cells)]);
            },
            ticket,
            task,
            type,
            status,
            limit,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(DiscoveryView found) =>
        [
            TicketWords.Number(found.Id),
            new(TicketWords.Number(found.Ticket), "grey"),
            TicketWords.Number(found.SourceTask),
            found.Type,
            new(found.Status, found.Status is "open" or "in_progress" ? "yellow" : "grey"),
            found.By,
            new(Screen.Age(found.At), "grey"),
            found.Task is { } task ? TicketWords.Number(task) : "",
            found.Description,
        ];

    private static Command Add()
    {
        var task = CommonOptions.Id("The task in which it was found, from hive task list", Known.TasksAsync);
        var type = new Argument<string>("TYPE") { Description = "Its type, such as bug or missing_requirement" };
        var words = GivenText.Argument("DESCRIPTION", "What was found");
        var title = TicketWords.Text("--task-title", "TITLE", "Makes a task of it, with this title");
        var key = TicketWords.Key();
        return Verb.Create(
            "add",
            "Record what was found in a task.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "discover",
                    new
                    {
                        task = parsed.GetRequiredValue(task),
                        type = parsed.GetRequiredValue(type),
                        description = await GivenText.ReadAsync(
                            parsed.GetValue(words)!,
                            "the description is missing; use: hive discovery add ID TYPE DESCRIPTION",
                            verb.Cancelled
                        ),
                        spawn = parsed.GetValue(title) is { } text ? new { title = text } : null,
                        key = parsed.GetValue(key),
                    }
                );
                var found = answer.GetProperty("discovery").Deserialize<DiscoveryView>(WireJson.Options)!;
                var made = found.Task is { } its ? Invariant($", and task {its} is made of it") : "";
                verb.Report(answer, Invariant($"discovery {found.Id} is recorded{made}"));
            },
            task,
            type,
            words,
            title,
            key
        );
    }

    private static Command Resolve()
    {
        var id = CommonOptions.Id("The discovery's id, from hive discovery list", Known.DiscoveriesAsync);
        var invalid = new Option<bool>("--invalid") { Description = "It turned out to be none" };
        return Verb.Create(
            "resolve",
            "End a discovery; its task stays as it is.",
            async (verb, parsed) =>
            {
                var (found, status) = (parsed.GetRequiredValue(id), parsed.GetValue(invalid) ? "invalid" : "resolved");
                verb.Report(
                    await verb.CallAsync("discovery_resolve", new { id = found, status }),
                    Invariant($"discovery {found} is {status}")
                );
            },
            id,
            invalid
        );
    }
}
