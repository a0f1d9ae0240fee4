using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Collaboration;

/// <summary><c>hive handoff</c>: running tasks that one agent offers to another.</summary>
internal static class HandoffVerb
{
    private static readonly Screen.Column[] Heads =
    [
        "id",
        "state",
        "task",
        "ticket",
        "from",
        "to",
        "age",
        Screen.Column.Text("reason"),
    ];

    private static readonly string[] States = ["requested", "accepted", "declined", "expired", "withdrawn"];

    public static Command Create() =>
        new("handoff", "List, offer and answer handoffs of running tasks.")
        {
            List(),
            Request(),
            Answer("accept", "Accept a handoff for the invited agent.", "is accepted"),
            Answer("decline", "Decline a handoff for the invited agent.", "is declined"),
            Answer("withdraw", "Withdraw a handoff.", "is withdrawn"),
        };

    private static Command List()
    {
        var task = new Option<long?>("--task") { Description = "Only those of this task", HelpName = "ID" }.CompletedBy(
            Known.TasksAsync
        );
        var status = TicketWords.Text("--status", "STATUS", string.Join(", ", States)).CompletedBy(States);
        var limit = CommonOptions.Limit(50);
        return Verb.Create(
            "list",
            "List the handoffs, the newest first.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "handoffs",
                    new
                    {
                        task = parsed.GetValue(task),
                        status = parsed.GetValue(status),
                        limit = parsed.GetValue(limit),
                    }
                );
                var handoffs = answer.GetProperty("handoffs").Deserialize<HandoffView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (handoffs.Length == 0)
                    verb.Screen.Line("No handoffs.");
                else
                    verb.Screen.Table(Heads, [.. handoffs.Select(Cells)]);
            },
            task,
            status,
            limit,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(HandoffView handoff) =>
        [
            TicketWords.Number(handoff.Id),
            new(handoff.Status, handoff.Status == "requested" ? "yellow" : "grey"),
            TicketWords.Number(handoff.Task),
            new(TicketWords.Number(handoff.Ticket), "grey"),
            handoff.FromAgent,
            handoff.ToAgent,
            new(Screen.Age(handoff.AskedAt), "grey"),
            handoff.Reason,
        ];

    private static Command Request()
    {
        var task = CommonOptions.Id("The running task, from hive task list", Known.TasksAsync);
        var to = CommonOptions.Agent("The agent to have it");
        var words = GivenText.Argument("REASON", "Why");
        var key = TicketWords.Key();
        return Verb.Create(
            "request",
            "Offer a running task to another agent.",
            async (verb, parsed) =>
            {
                var (id, agent) = (parsed.GetRequiredValue(task), parsed.GetRequiredValue(to));
                var reason = await GivenText.ReadAsync(
                    parsed.GetValue(words)!,
                    "the reason is missing; use: hive handoff request ID NAME REASON",
                    verb.Cancelled
                );
                var answer = await verb.CallAsync(
                    "handoff",
                    new
                    {
                        action = "request",
                        task = id,
                        to = agent,
                        reason,
                        key = parsed.GetValue(key),
                    }
                );
                var made = answer.GetProperty("handoff").Deserialize<HandoffView>(WireJson.Options)!;
                verb.Report(answer, Invariant($"handoff {made.Id} offers task {id} to {agent}"));
            },
            task,
            to,
            words,
            key
        );
    }

    private static Command Answer(string action, string description, string done)
    {
        var id = CommonOptions.Id("The handoff's id, from hive handoff list", Known.HandoffsAsync);
        var message = TicketWords.Text("--message", "TEXT", "What the other agent reads with it");
        return Verb.Create(
            action,
            description,
            async (verb, parsed) =>
            {
                var handoff = parsed.GetRequiredValue(id);
                verb.Report(
                    await verb.CallAsync(
                        "handoff",
                        new
                        {
                            action,
                            handoff,
                            message = parsed.GetValue(message),
                        }
                    ),
                    Invariant($"handoff {handoff} {done}")
                );
            },
            id,
            message
        );
    }
}
