using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Gates;

/// <summary><c>hive gate</c>, <c>hive reviews</c> and <c>hive review</c>: what a ticket still needs, and what a person
/// has to judge.</summary>
internal static class GatesVerbs
{
    private const string OpenTasks = "waiting_tasks: ";

    private static readonly Screen.Column[] Reviews =
    [
        "id",
        "ticket",
        "state",
        Screen.Column.Text("question"),
        "age",
        "phase",
        "artifacts",
        Screen.Column.Text("feedback"),
    ];

    public static Command[] All() => [Gate(), ArtifactVerb.Create(), ListReviews(), Decide()];

    private static Command Gate() =>
        new("gate", "Show or judge the gate of a ticket: what must hold before it moves on.")
        {
            GateVerb("show", "Show what a ticket's gate asks, and what is missing.", judge: null),
            GateVerb("judge", "Judge a ticket's gate now, such as after a merge.", judge: true),
        };

    private static Command GateVerb(string name, string description, bool? judge)
    {
        var ticket = TicketWords.OneTicket();
        var phase = TicketWords.Phase("The gate of this phase. Default: the ticket's");
        return Verb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var (id, named) = (parsed.GetRequiredValue(ticket), parsed.GetValue(phase));
                var answer = await verb.CallAsync(
                    "gate",
                    new
                    {
                        ticket = id,
                        phase_id = named,
                        judge,
                    }
                );
                var gate = answer.GetProperty("gate").Deserialize<GateView>(WireJson.Options)!;
                var found = await verb.CallAsync("artifacts", new { ticket = id, phase_id = gate.PhaseId });
                if (verb.Json)
                {
                    var document = JsonOutput.WithoutEnvelope(answer);
                    document["artifacts"] = JsonSerializer.SerializeToNode(found.GetProperty("artifacts"));
                    JsonOutput.Print(document);
                    return;
                }

                var of = (await verb.CallAsync("ticket", new { id }))
                    .GetProperty("ticket")
                    .Deserialize<TicketCard>(WireJson.Options)!;
                Show(verb.Screen, gate, of);
                var artifacts = found.GetProperty("artifacts").Deserialize<Artifact[]>(WireJson.Options)!;
                if (artifacts.Length > 0)
                    verb.Screen.Line();
                ArtifactVerb.Show(verb.Screen, artifacts);
            },
            ticket,
            phase,
            CommonOptions.Wide()
        );
    }

    private static void Show(Screen screen, GateView gate, TicketCard ticket)
    {
        var style = gate.GateStatus switch
        {
            "passed" or "waiting" => "green",
            "failed" => "red",
            _ => "yellow",
        };
        var failed = gate.Iteration > 0 ? Invariant($", failed {gate.Iteration} of {gate.MaxIterations} times") : "";
        var judged = gate.JudgedAt is { } at ? $", judged {Screen.Ago(at)}" : ", not judged yet";
        screen.Marked(
            "",
            new(gate.GateStatus, style),
            Invariant($"gate of ticket {gate.Ticket}, {gate.PhaseId}{failed}{judged}")
        );
        if (gate.PhaseId == ticket.PhaseId && Rests(ticket) is { } rests)
            screen.Line($"  {rests}");
        if (gate.Criteria.Count == 0)
            screen.Line("  It asks nothing.");
        // While tasks of the phase are open, one of them may still hand in an artifact or a metric that is missing.
        var isDue =
            gate.GateStatus == "failed"
            || !gate.BlockingReasons.Any(r => r.StartsWith(OpenTasks, StringComparison.Ordinal));
        foreach (var criterion in gate.Criteria)
        {
            var (sign, color) = criterion.State switch
            {
                "met" => ("✔", "green"),
                "unmet" when criterion.Kind is "artifact" or "metric" && !isDue => ("○", "grey"),
                "unmet" => ("✘", "red"),
                _ => ("…", "yellow"),
            };
            var reason =
                sign == "○" ? ": not yet"
                : criterion.Reason is { } why ? $": {InWords(why)}"
                : "";
            var whose = criterion.Artifact is { } artifact
                ? Invariant(
                    $" (artifact {artifact}{(criterion.Task is { } task ? $" of task {task}" : "")}, {criterion.By})"
                )
                : "";
            var way = criterion.Review is { } review && criterion.State == "waiting" ? ReviewWay(review) : "";
            screen.Marked("  ", new(sign, color), $"{criterion.Kind}  {criterion.Text}{whose}{reason}{way}");
        }

        // Reasons that no criterion tells, such as tasks that are not ended.
        foreach (var reason in gate.BlockingReasons.Where(r => gate.Criteria.All(c => c.Reason != r)))
            screen.Line($"  {Plain.OneLine(InWords(reason))}");
        if (isDue && gate.MissingArtifacts.Count > 0)
            screen.Line($"  missing: {string.Join(", ", gate.MissingArtifacts)}");
    }

    // The code at the start of the reason is for programs.
    private static string InWords(string reason) =>
        reason.StartsWith(OpenTasks, StringComparison.Ordinal) ? reason[OpenTasks.Length..] : reason;

    // The reason for which a ticket stays in its phase that is not one of the gate's criteria.
    private static string? Rests(TicketCard ticket) =>
        ticket.WaitingFor is { } column ? Plain.OneLine($"It has passed and waits for a place in {column}.")
        : ticket.Status is "pending_review" or "rejected" or "timed_out"
            ? $"Its ticket is not approved ({ticket.Status.Replace('_', ' ')}); nothing is judged until it is."
        : ticket.Blocked is { } block
            ? Plain.OneLine(
                $"Its ticket is blocked ({block.Replace('_', ' ')}: {ticket.BlockedReason}); nothing is judged until "
                    + "that ends."
            )
        : ticket.Held ? "Its ticket is held; nothing is judged until it is released."
        : null;

    private static string ReviewWay(long review) => Invariant($" (hive review {review} pass)");

    private static Command ListReviews()
    {
        var ticket = new Option<long?>("--ticket")
        {
            Description = "Only reviews of this ticket, decided ones too",
            HelpName = "ID",
        }.CompletedBy(Known.TicketsAsync);
        return Verb.Create(
            "reviews",
            "List the open reviews: those that wait for you, and those that validators have.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("reviews", new { ticket = parsed.GetValue(ticket) });
                var reviews = answer.GetProperty("reviews").Deserialize<Review[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (reviews.Length == 0)
                    verb.Screen.Line("No review is open.");
                else
                    verb.Screen.Table(Reviews, [.. reviews.Select(Cells)]);
            },
            ticket,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(Review review) =>
        [
            new(TicketWords.Number(review.Id), review.Verdict is null ? "bold yellow" : "grey"),
            TicketWords.Number(review.Ticket),
            review.Verdict switch
            {
                null when review.Stale => new Screen.Cell("stale", "grey"),
                null => review.ReviewTask is { } task ? Invariant($"task {task}") : "open",
                "passed" => new Screen.Cell("passed", "green"),
                var verdict => new Screen.Cell(verdict, "red"),
            },
            review.Question,
            new(Screen.Age(review.AskedAt), "grey"),
            review.PhaseId,
            string.Join(", ", review.Artifacts),
            review.Feedback ?? "",
        ];

    private static Command Decide()
    {
        var id = CommonOptions.Id("The review's id, from hive reviews", Known.ReviewsAsync);
        var verdict = new Argument<string>("VERDICT") { Description = "pass or fail" }.CompletedBy("pass", "fail");
        verdict.AcceptOnlyFromAmong("pass", "fail");
        var feedback = GivenText.Argument("FEEDBACK", "What has to change");
        return Verb.Create(
            "review",
            "Decide a review: pass it, or fail it with what has to change.",
            async (verb, parsed) =>
            {
                var (review, passed) = (parsed.GetRequiredValue(id), parsed.GetRequiredValue(verdict) == "pass");
                var words = parsed.GetValue(feedback)!;
                var text = words.Length == 0 ? null : await GivenText.ReadAsync(words, "", verb.Cancelled);
                if (!passed && string.IsNullOrWhiteSpace(text))
                    throw new UsageException("the feedback is missing; use: hive review ID fail FEEDBACK");
                verb.Report(
                    await verb.CallAsync(
                        "review_decide",
                        new
                        {
                            id = review,
                            verdict = passed ? "passed" : "failed",
                            feedback = text,
                        }
                    ),
                    Invariant($"review {review} has {(passed ? "passed" : "failed")}")
                );
            },
            id,
            verdict,
            feedback
        );
    }
}
