using System.CommandLine;
using System.Globalization;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tickets;

/// <summary>The words and styles of tickets and tasks, and the arguments that several of their verbs have.</summary>
internal static class TicketWords
{
    /// <summary>The most rows that the host gives at once.</summary>
    public const int Most = 200;

    private static readonly string[] Priorities = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

    public static Screen.Cell Priority(string priority) =>
        new(
            priority,
            priority switch
            {
                "CRITICAL" => "red bold",
                "HIGH" => "yellow",
                "LOW" => "grey",
                _ => "",
            }
        );

    /// <summary>The reasons for which a ticket stands still, the most urgent first.</summary>
    public static IEnumerable<Screen.Cell> Marks(TicketCard card)
    {
        if (card.Status == "pending_review")
            yield return new("to approve", "bold yellow");
        if (card.Blocked is { } type)
            yield return new($"blocked: {type}", "red");
        if (card.Held)
            yield return new("held", "magenta");
        // The two reasons above have rows of their own in the list of what waits.
        if (card.NeedsYou is { } key && card is { Blocked: null, Status: not "pending_review" })
            yield return new($"waits for you: {key}", "bold yellow");
        if (card.WaitingFor is { } column)
            yield return new($"waits for {column}", "yellow");
        else if (card.Gate is "failed")
            yield return new("gate failed", "red");
        else if (card.Gate is "passed" && card.DoneAt is null)
            yield return new("gate passed", "green");
    }

    /// <summary>Its most urgent mark, or else its status.</summary>
    public static Screen.Cell State(TicketCard card) =>
        Marks(card)
            .DefaultIfEmpty(
                new Screen.Cell(
                    card.Status,
                    card.DoneAt is not null ? "grey"
                        : card.Tasks.Running > 0 ? "green"
                        : ""
                )
            )
            .First();

    /// <summary>Completed and all tasks, such as <c>2/5, 1 failed</c>; empty without any.</summary>
    public static string Tasks(TaskCounts tasks)
    {
        var all = tasks.Open + tasks.Done + tasks.Failed;
        var failed = tasks.Failed > 0 ? Invariant($", {tasks.Failed} failed") : "";
        return all == 0 ? "" : Invariant($"{tasks.Done}/{all}{failed}");
    }

    /// <summary>Where a change has left a ticket, as a sentence.</summary>
    public static string Place(TicketCard card) =>
        card.Status == "pending_review"
            ? Invariant($"ticket {card.Id} waits for your approval: hive ticket approve {card.Id}")
        : card.WaitingFor is { } column ? Invariant($"ticket {card.Id} waits for room in {column}")
        : Invariant($"ticket {card.Id} is in {card.PhaseId} ({State(card).Text})");

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static Argument<long> OneTicket(string description = "The ticket's id, from hive ticket list") =>
        CommonOptions.Id(description, Known.TicketsAsync);

    public static Argument<long[]> SeveralTickets(
        Func<HivePaths, CancellationToken, Task<Candidate[]>>? known = null
    ) =>
        new Argument<long[]>("ID")
        {
            Description = "The tickets' ids, from hive ticket list",
            Arity = ArgumentArity.OneOrMore,
        }.CompletedBy(known ?? Known.TicketsAsync);

    /// <summary>Several words without quotes are one title.</summary>
    public static Argument<string[]> Title(string description) =>
        new("TITLE") { Description = description, Arity = ArgumentArity.OneOrMore };

    public static Option<string?> PriorityOption(string description = "CRITICAL, HIGH, MEDIUM or LOW") =>
        Text("--priority", "PRIORITY", description).CompletedBy(Priorities);

    public static Argument<string> PriorityArgument() =>
        new Argument<string>("PRIORITY") { Description = "CRITICAL, HIGH, MEDIUM or LOW" }.CompletedBy(Priorities);

    public static Option<string?> Phase(string description) =>
        Text("--phase", "PHASE", description).CompletedBy(Known.PhasesAsync);

    public static Option<string?> Workflow(string description) =>
        Text("--workflow", "NAME", description).CompletedBy(Known.WorkflowsAsync);

    public static Option<string?> Reason(string description) => Text("--reason", "TEXT", description);

    /// <summary>The option with which a repeated command does nothing twice.</summary>
    public static Option<string?> Key() =>
        Text("--key", "KEY", "A repetition with the same key within 24 hours does nothing twice");

    public static Option<string?> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    public static Option<string?> Description() =>
        new("-d", "--description") { Description = "More about it; - reads it from standard input", HelpName = "TEXT" };

    /// <summary>A description as it was given, or from standard input.</summary>
    public static async Task<string?> ReadAsync(string? description, CancellationToken ct) =>
        description == "-" ? await GivenText.ReadAsync(["-"], "", ct) : description;

    /// <summary>Several values of one option; null without any.</summary>
    public static T[]? Several<T>(T[]? given) => given is { Length: > 0 } ? given : null;
}
