using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tickets;

/// <summary><c>hive ticket create</c> and <c>hive ticket load</c>: make tickets.</summary>
internal static class CreateTicketVerb
{
    public static Command Create()
    {
        var title = TicketWords.Title("What is to be done, in a line of at most 500 characters");
        var description = TicketWords.Description();
        var workflow = TicketWords.Workflow("Its workflow. Default: the default one");
        var phase = TicketWords.Phase("The phase that it begins in. Default: the first");
        var priority = TicketWords.PriorityOption("CRITICAL, HIGH, MEDIUM or LOW. Default: MEDIUM");
        var labels = new Option<string[]>("--label") { Description = "A label; can be repeated", HelpName = "LABEL" };
        var repository = TicketWords.Text("--repository", "REPO", "forge:OWNER/NAME, or an agent's folder");
        var deadline = TicketWords.Text("--deadline", "TIME", "When it is due: 24h, 7d or 2026-01-31T12:00:00Z");
        var blockers = new Option<long[]>("--blocked-by")
        {
            Description = "A ticket that must be done first; can be repeated",
            HelpName = "ID",
        }.CompletedBy(Known.TicketsAsync);
        var parent = new Option<long?>("--parent")
        {
            Description = "The ticket that it follows up",
            HelpName = "ID",
        }.CompletedBy(Known.TicketsAsync);
        var key = TicketWords.Key();
        return Verb.Create(
            "create",
            "Make a ticket.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "ticket_create",
                    new
                    {
                        title = string.Join(' ', parsed.GetRequiredValue(title)),
                        description = await TicketWords.ReadAsync(parsed.GetValue(description), verb.Cancelled),
                        workflow = parsed.GetValue(workflow),
                        phase_id = parsed.GetValue(phase),
                        priority = parsed.GetValue(priority)?.ToUpperInvariant(),
                        labels = TicketWords.Several(parsed.GetValue(labels)),
                        repository = parsed.GetValue(repository),
                        deadline_at = parsed.GetValue(deadline) is { } due ? TimeOf(due) : (DateTimeOffset?)null,
                        blocked_by = TicketWords.Several(parsed.GetValue(blockers)),
                        parent = parsed.GetValue(parent),
                        key = parsed.GetValue(key),
                    }
                );
                verb.Report(
                    answer,
                    TicketWords.Place(answer.GetProperty("ticket").Deserialize<TicketCard>(WireJson.Options)!)
                );
            },
            title,
            description,
            workflow,
            phase,
            priority,
            labels,
            repository,
            deadline,
            blockers,
            parent,
            key
        );
    }

    public static Command Load()
    {
        var file = GivenFile.Argument();
        var key = TicketWords.Key();
        return Verb.Create(
            "load",
            "Make the tickets of a YAML file, all or none.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "tickets_load",
                    new
                    {
                        text = await GivenFile.ReadAsync(parsed.GetRequiredValue(file), verb.Cancelled),
                        key = parsed.GetValue(key),
                    }
                );
                var made = answer.GetProperty("tickets").Deserialize<Loaded[]>(WireJson.Options)!;
                var ids = string.Join(", ", made.Select(t => Invariant($"{t.Id} {t.Ref}").TrimEnd()));
                verb.Report(
                    answer,
                    Invariant($"loaded {made.Length} {(made.Length == 1 ? "ticket" : "tickets")}: {ids}")
                );
            },
            file,
            key
        );
    }

    public static DateTimeOffset TimeOf(string text) =>
        CommonOptions.SpanOf(text) is { } span ? DateTimeOffset.UtcNow + span
        : CommonOptions.InstantOf(text) is { } at ? at
        : throw new UsageException(
            $"'{text}' is not valid for --deadline; write 90m, 24h, 7d, or an instant such as 2026-01-31T12:00:00Z"
        );

    private sealed record Loaded(long Id, string? Ref = null);
}
