using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Tickets;
using Hive.Protocol;

namespace Hive.Cli.Tasks;

/// <summary><c>hive task</c> and <c>hive task list</c>: lists tasks.</summary>
internal static class ListTasksVerb
{
    public static Command Create(string name, string description)
    {
        var ticket = new Option<long?>("--ticket")
        {
            Description = "Only tasks of this ticket",
            HelpName = "ID",
        }.CompletedBy(Known.TicketsAsync);
        var phase = TicketWords.Phase("Only tasks of this phase");
        var status = TicketWords
            .Text("--status", "STATUS", "Only tasks with this status, such as running; open: all that have not ended")
            .CompletedBy("open", "pending", "assigned", "running", "reviewing", "completed", "failed", "cancelled");
        var agent = TicketWords.Text("--agent", "NAME", "Only tasks of this agent").CompletedBy(Known.AgentsAsync);
        var limit = CommonOptions.Limit(50);
        return Verb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "tasks",
                    new
                    {
                        ticket = parsed.GetValue(ticket),
                        phase_id = parsed.GetValue(phase),
                        status = parsed.GetValue(status),
                        agent = parsed.GetValue(agent) is { } who ? CommonOptions.WithoutAt(who) : null,
                        limit = Math.Clamp(parsed.GetValue(limit), 1, TicketWords.Most),
                    }
                );
                var tasks = answer.GetProperty("tasks").Deserialize<TaskView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (tasks.Length == 0)
                    verb.Screen.Line("No tasks.");
                else
                    verb.Screen.Table(TaskWords.Heads, [.. tasks.Select(TaskWords.Cells)]);
            },
            ticket,
            phase,
            status,
            agent,
            limit,
            CommonOptions.Wide()
        );
    }
}
