using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Tasks;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tickets;

/// <summary><c>hive ticket show</c>: prints a ticket with its tasks and its history.</summary>
internal static class ShowTicketVerb
{
    public static Command Create()
    {
        var id = TicketWords.OneTicket();
        return Verb.Create(
            "show",
            "Show a ticket with its tasks and its history.",
            async (verb, parsed) =>
            {
                var ticket = parsed.GetRequiredValue(id);
                var answer = await verb.CallAsync("ticket", new { id = ticket });
                var tasks = await verb.CallAsync("tasks", new { ticket, limit = TicketWords.Most });
                if (verb.Json)
                {
                    var document = JsonOutput.WithoutEnvelope(answer);
                    document["tasks"] = JsonSerializer.SerializeToNode(tasks.GetProperty("tasks"));
                    JsonOutput.Print(document);
                    return;
                }

                Show(
                    verb.Screen,
                    answer.GetProperty("ticket"),
                    tasks.GetProperty("tasks").Deserialize<TaskView[]>(WireJson.Options)!,
                    answer.TryGetProperty("history", out var history)
                        ? history.Deserialize<TicketHistoryEntry[]>(WireJson.Options)!
                        : []
                );
            },
            id,
            CommonOptions.Wide()
        );
    }

    private static void Show(Screen screen, JsonElement ticket, TaskView[] tasks, TicketHistoryEntry[] history)
    {
        var card = ticket.Deserialize<TicketCard>(WireJson.Options)!;
        var details = ticket.Deserialize<Details>(WireJson.Options)!;
        screen.Styled(Invariant($"ticket {card.Id}: {Plain.OneLine(card.Title)}"), "bold");
        screen.Line($"{card.Priority}, {card.PhaseId} ({card.Status}) of {card.Workflow}, gate {card.Gate}");
        screen.Line(
            $"made by {details.Requester} {Screen.Ago(card.CreatedAt)}, entered its phase {Screen.Ago(card.EnteredAt)}"
        );
        // The gate stands in the line above.
        foreach (var mark in TicketWords.Marks(card).Where(m => !m.Text.StartsWith("gate ", StringComparison.Ordinal)))
            screen.Styled(mark.Text, mark.Style);
        Row("reason", card.BlockedReason ?? details.RejectionReason);
        Row("labels", string.Join(", ", card.Labels));
        Row("agents", string.Join(", ", card.Agents));
        Row("repository", details.Repository);
        Row("due", card.DeadlineAt is { } due ? Invariant($"{due.ToLocalTime():yyyy-MM-dd HH:mm:ss}") : null);
        Row("follows up", details.Parent is { } parent ? TicketWords.Number(parent) : null);
        Row("moves to", string.Join(", ", details.AllowedTransitions));
        Row("waits for", Linked(details.BlockedBy));
        Row("is awaited by", Linked(details.Blocks));
        if (details.Description.Length > 0)
        {
            screen.Line();
            screen.Indented(details.Description);
        }

        if (tasks.Length > 0)
        {
            screen.Line();
            screen.Table(TaskWords.Heads, [.. tasks.OrderBy(t => t.Id).Select(TaskWords.Cells)]);
        }

        if (history.Length > 0)
        {
            screen.Line();
            screen.Table(
                ["at", "by", "event", Screen.Column.Text("what")],
                [.. history.OrderBy(h => h.Id).Select(Cells)]
            );
        }

        void Row(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
                screen.Line($"{name}: {Plain.OneLine(value)}");
        }
    }

    private static Screen.Cell[] Cells(TicketHistoryEntry entry) =>
        [
            new(Invariant($"{entry.At.ToLocalTime():MM-dd HH:mm:ss}"), "grey"),
            entry.Actor,
            entry.Kind,
            string.Join(
                "; ",
                new[]
                {
                    entry.ToPhase is { } to && to != entry.FromPhase
                        ? $"{entry.FromPhase} → {to}".TrimStart(' ', '→')
                        : null,
                    entry.Reason,
                }.Where(text => !string.IsNullOrEmpty(text))
            ),
        ];

    private static string Linked(IReadOnlyList<TicketLink> links) =>
        string.Join(", ", links.Select(l => Invariant($"{l.Id} {l.Title}{(l.Done ? " (done)" : "")}")));

    // The members that a card does not have. A host of another version may leave out some and add others.
    private sealed record Details
    {
        public string Description { get; init; } = "";
        public string Requester { get; init; } = "";
        public IReadOnlyList<string> AllowedTransitions { get; init; } = [];
        public IReadOnlyList<TicketLink> BlockedBy { get; init; } = [];
        public IReadOnlyList<TicketLink> Blocks { get; init; } = [];
        public long? Parent { get; init; }
        public string? Repository { get; init; }
        public string? RejectionReason { get; init; }
    }
}
