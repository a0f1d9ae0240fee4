using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Tickets;

/// <summary><c>hive ticket</c> and <c>hive ticket list</c>: lists tickets.</summary>
internal static class ListTicketsVerb
{
    private static readonly Screen.Column[] Heads =
    [
        "id",
        "priority",
        Screen.Column.Text("title"),
        "state",
        "phase",
        "tasks",
        "updated",
        Screen.Column.Text("agents"),
    ];

    public static Command Create(string name, string description)
    {
        var workflow = TicketWords.Workflow("Only tickets of this workflow");
        var phase = TicketWords.Phase("Only tickets in this phase");
        var status = TicketWords
            .Text("--status", "STATUS", "Only tickets with this status, such as building")
            .CompletedBy(
                "backlog",
                "analyzing",
                "building",
                "building-done",
                "testing",
                "done",
                "pending_review",
                "rejected",
                "timed_out"
            );
        var label = TicketWords.Text("--label", "LABEL", "Only tickets with this label");
        var search = TicketWords.Text("--search", "TEXT", "Only tickets whose title or description has this text");
        var limit = CommonOptions.Limit(50);
        return Verb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "tickets",
                    new
                    {
                        workflow = parsed.GetValue(workflow),
                        phase_id = parsed.GetValue(phase),
                        status = parsed.GetValue(status),
                        label = parsed.GetValue(label),
                        text = parsed.GetValue(search),
                        limit = Math.Clamp(parsed.GetValue(limit), 1, TicketWords.Most),
                    }
                );
                var cards = answer.GetProperty("tickets").Deserialize<TicketCard[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (cards.Length == 0)
                    verb.Screen.Line("No tickets. Make one with: hive ticket create TITLE");
                else
                    verb.Screen.Table(Heads, [.. cards.Select(Cells)]);
            },
            workflow,
            phase,
            status,
            label,
            search,
            limit,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(TicketCard card) =>
        [
            TicketWords.Number(card.Id),
            TicketWords.Priority(card.Priority),
            card.Title,
            TicketWords.State(card),
            new(card.PhaseId, "grey"),
            TicketWords.Tasks(card.Tasks),
            new(Screen.Age(card.UpdatedAt), "grey"),
            string.Join(", ", card.Agents),
        ];
}
