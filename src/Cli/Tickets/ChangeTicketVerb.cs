using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tickets;

/// <summary>The verbs of <c>hive ticket</c> that change tickets.</summary>
internal static class ChangeTicketVerb
{
    private static readonly string[] BlockTypes =
    [
        "dependency",
        "waiting_on_clarification",
        "failing_checks",
        "environment",
        "budget",
    ];

    public static Command[] All() =>
        [Change(), Move(), Block(), Unblock(), Hold(), Release(), Approve(), Reject(), Comment(), Delete()];

    private static Command Change()
    {
        var id = TicketWords.OneTicket();
        var title = TicketWords.Text("--title", "TITLE", "Replaces its title");
        var priority = TicketWords.PriorityOption("CRITICAL, HIGH, MEDIUM or LOW");
        var labels = new Option<string[]>("--label")
        {
            Description = "Replaces its labels; can be repeated",
            HelpName = "LABEL",
        };
        var repository = TicketWords.Text(
            "--repository",
            "REPO",
            "forge:OWNER/NAME, or an agent's folder; as long as no commit was handed in"
        );
        var deadline = TicketWords.Text("--deadline", "TIME", "When it is due: 24h, 7d or 2026-01-31T12:00:00Z");
        return Verb.Create(
            "change",
            "Change a ticket's title, priority, labels, repository or deadline.",
            async (verb, parsed) =>
            {
                var ticket = parsed.GetRequiredValue(id);
                verb.Report(
                    await verb.CallAsync(
                        "ticket_change",
                        new
                        {
                            id = ticket,
                            title = parsed.GetValue(title),
                            priority = parsed.GetValue(priority)?.ToUpperInvariant(),
                            labels = TicketWords.Several(parsed.GetValue(labels)),
                            repository = parsed.GetValue(repository),
                            deadline_at = parsed.GetValue(deadline) is { } due
                                ? CreateTicketVerb.TimeOf(due)
                                : (DateTimeOffset?)null,
                        }
                    ),
                    Invariant($"ticket {ticket} is changed")
                );
            },
            id,
            title,
            priority,
            labels,
            repository,
            deadline
        );
    }

    private static Command Move()
    {
        var id = TicketWords.OneTicket();
        var phase = new Argument<string>("PHASE") { Description = "The phase, such as PHASE_TESTING" }.CompletedBy(
            Known.PhasesAsync
        );
        var reason = TicketWords.Reason("The reason; needed with --force and for a move back");
        var force = new Option<bool>("--force")
        {
            Description = "Move it whatever the workflow, the gate, a block and the column's limit say",
        };
        return Verb.Create(
            "move",
            "Move a ticket to another phase.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "ticket_move",
                    new
                    {
                        id = parsed.GetRequiredValue(id),
                        to_phase = parsed.GetRequiredValue(phase),
                        reason = parsed.GetValue(reason),
                        force = parsed.GetValue(force) ? true : (bool?)null,
                    }
                );
                verb.Report(answer, TicketWords.Place(CardIn(answer)));
            },
            id,
            phase,
            reason,
            force
        );
    }

    private static Command Block()
    {
        var type = new Option<string>("--type")
        {
            Description = string.Join(", ", BlockTypes),
            HelpName = "TYPE",
            Required = true,
        }.CompletedBy(BlockTypes);
        var reason = TicketWords.Reason("What has to happen before it can go on");
        return Each(
            "block",
            "Block tickets: their tasks wait, and they keep their phases.",
            (verb, parsed, id) =>
                verb.CallAsync(
                    "ticket_change",
                    new { id, block = new { type = parsed.GetRequiredValue(type), reason = parsed.GetValue(reason) } }
                ),
            "is blocked",
            Known.TicketsAsync,
            type,
            reason
        );
    }

    private static Command Unblock() =>
        Each(
            "unblock",
            "End the block of tickets.",
            (verb, _, id) => verb.CallAsync("ticket_change", new { id, unblock = true }),
            "is not blocked any more",
            Known.BlockedTicketsAsync
        );

    private static Command Hold()
    {
        var reason = TicketWords.Reason("Why");
        return Each(
            "hold",
            "Hold tickets: their tasks wait, and they do not move until you release them.",
            (verb, parsed, id) => verb.CallAsync("ticket_hold", new { id, reason = parsed.GetValue(reason) }),
            "is held",
            Known.TicketsAsync,
            reason
        );
    }

    private static Command Release() =>
        Each(
            "release",
            "Release held tickets.",
            (verb, _, id) => verb.CallAsync("ticket_release", new { id }),
            "is released",
            Known.TicketsAsync
        );

    private static Command Approve() =>
        Each(
            "approve",
            "Approve tickets that wait for it: their work begins.",
            (verb, _, id) => verb.CallAsync("ticket_approve", new { id }),
            "is approved",
            Known.TicketsToApproveAsync
        );

    private static Command Reject()
    {
        var reason = TicketWords.Reason("Why");
        reason.Required = true;
        return Each(
            "reject",
            "Reject tickets that wait for an approval.",
            (verb, parsed, id) => verb.CallAsync("ticket_reject", new { id, reason = parsed.GetValue(reason) }),
            "is rejected",
            Known.TicketsToApproveAsync,
            reason
        );
    }

    private static Command Comment()
    {
        var id = TicketWords.OneTicket();
        var text = GivenText.Argument("TEXT", "The comment");
        return Verb.Create(
            "comment",
            "Add a comment to a ticket's history.",
            async (verb, parsed) =>
            {
                var ticket = parsed.GetRequiredValue(id);
                var comment = await GivenText.ReadAsync(
                    parsed.GetValue(text)!,
                    "the comment is missing; use: hive ticket comment ID TEXT, or - to read standard input",
                    verb.Cancelled
                );
                verb.Report(
                    await verb.CallAsync("ticket_change", new { id = ticket, comment }),
                    Invariant($"ticket {ticket} has your comment")
                );
            },
            id,
            text
        );
    }

    private static Command Delete()
    {
        var ids = TicketWords.SeveralTickets();
        var yes = CommonOptions.Yes("Delete without asking");
        return Verb.Create(
            "delete",
            "Delete tickets with their tasks and their history; open tasks are cancelled first.",
            async (verb, parsed) =>
            {
                var tickets = parsed.GetRequiredValue(ids);
                if (!parsed.GetValue(yes) && !await IsConfirmedAsync(tickets, verb.Cancelled))
                    throw new HiveException("conflict", "nothing was changed: no ticket was deleted");
                await VerbContext.EachAsync(
                    tickets,
                    "ticket",
                    async id =>
                        verb.Report(
                            await verb.CallAsync("ticket_delete", new { id }),
                            Invariant($"ticket {id} is deleted")
                        )
                );
            },
            ids,
            yes
        );
    }

    private static async Task<bool> IsConfirmedAsync(long[] tickets, CancellationToken ct)
    {
        if (!Display.Current.CanType)
            throw new UsageException("delete is permanent and cannot ask without a terminal; add --yes");
        var named = tickets.Length == 1 ? Invariant($"ticket {tickets[0]}") : Invariant($"{tickets.Length} tickets");
        Display.Current.Error.Write($"Permanently delete {named} with all tasks? [y/N] ");
        return (await Prompt.LineAsync(ct))?.Trim().ToUpperInvariant() is "Y" or "YES";
    }

    private static Command Each(
        string name,
        string description,
        Func<VerbContext, ParseResult, long, Task<JsonElement>> call,
        string done,
        Func<HivePaths, CancellationToken, Task<Candidate[]>> known,
        params Symbol[] options
    )
    {
        var ids = TicketWords.SeveralTickets(known);
        return Verb.Create(
            name,
            description,
            (verb, parsed) =>
                VerbContext.EachAsync(
                    parsed.GetRequiredValue(ids),
                    "ticket",
                    async id => verb.Report(await call(verb, parsed, id), Invariant($"ticket {id} {done}"))
                ),
            [ids, .. options]
        );
    }

    private static TicketCard CardIn(JsonElement answer) =>
        answer.GetProperty("ticket").Deserialize<TicketCard>(WireJson.Options)!;
}
