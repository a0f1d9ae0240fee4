using System.Data.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Tickets.Contracts;

/// <summary>The tickets, for the slices above: reads on any connection, changes inside the caller's write.</summary>
internal interface ITickets
{
    /// <summary>The ticket of that id, or null.</summary>
    TicketEntry? Find(DbConnection db, long id);

    /// <summary>The ticket of that id.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    TicketEntry Require(DbConnection db, long id);

    /// <summary>The columns of a workflow's board with their counts, from memory.</summary>
    IReadOnlyList<BoardColumnView> Board(Workflow workflow);

    /// <summary>The open tickets by id, without descriptions.</summary>
    IReadOnlyList<TicketEntry> Open(DbConnection db);

    /// <summary>The ids of the open tickets, from an index alone.</summary>
    IReadOnlyList<long> OpenIds(DbConnection db);

    /// <summary>Counts a change of evidence, tasks or reviews: raises <c>gate_rev</c> and marks the gate of the
    /// ticket's phase for judging. Does nothing to a ticket that has ended.</summary>
    void MarkGate(IWrite write, long ticket);

    /// <summary>The tickets whose gate is marked and that run, each with its <c>gate_rev</c>.</summary>
    IReadOnlyList<(long Id, long GateRev)> Marked(DbConnection db);

    /// <summary>Stores a verdict's effect, and clears the mark, if the gate has not changed since it was
    /// read.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">The ticket as it was judged.</param>
    /// <param name="passed">True moves it on, or lets it wait for a full column; null leaves the gate open, or opens
    /// one that had passed or failed before the change which marked it.</param>
    /// <param name="lacks">What a gate that failed lacks, for the history.</param>
    /// <returns>False when the ticket's phase or <c>gate_rev</c> is another one by now: judge again.</returns>
    bool Judged(IWrite write, TicketEntry ticket, bool? passed, string? lacks = null);

    /// <summary>True when the map allows a ticket to go back to a phase, and the column has room.</summary>
    bool CanRegress(DbConnection db, long ticket, string toPhase);

    /// <summary>Moves a ticket back to an earlier phase with the reason. Rework itself is the caller's.</summary>
    /// <returns>False when the map does not allow it, or the column is full; nothing has changed then.</returns>
    bool Regress(IWrite write, long ticket, string toPhase, string reason, string actor);

    /// <summary>Blocks a ticket, unless it is blocked or has ended.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="type">One of <see cref="BlockTypes"/>.</param>
    /// <param name="reason">Why, in words.</param>
    /// <param name="actor">Who does it.</param>
    /// <returns>False when it is blocked already or has ended.</returns>
    bool Block(IWrite write, long ticket, string type, string reason, string actor);

    /// <summary>Ends a block; a type ends only a block of that type.</summary>
    bool Unblock(IWrite write, long ticket, string actor, string? type = null);

    /// <summary>Stores the summary of what the ticket's phases handed on.</summary>
    void SetContextSummary(IWrite write, long ticket, string summary);

    /// <summary>Publishes the ticket's card again after the commit: its tasks have changed. Called often; the cards are
    /// published at most four times a second.</summary>
    void Touch(IWrite write, long ticket);
}

/// <summary>A ticket's row.</summary>
internal sealed record TicketEntry(
    long Id,
    string Workflow,
    string Title,
    string Description,
    int Priority,
    string PhaseId,
    string? PreviousPhaseId,
    string Gate,
    long GateRev,
    double Rank,
    string Approval,
    string? Blocked,
    string? BlockedReason,
    bool Held,
    string? Repository,
    long? DeadlineAt,
    long CreatedAt,
    long? DoneAt
)
{
    /// <summary>Its labels.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>It has ended.</summary>
    public bool IsDone => DoneAt is not null;

    /// <summary>It waits for approval.</summary>
    public bool IsUnapproved => Approval == "pending_review";

    /// <summary>Its tasks may run: it is approved, and neither blocked, held nor ended.</summary>
    public bool Runs => DoneAt is null && Blocked is null && !Held && Approval == "approved";

    /// <summary>Why its tasks may not run, to be read after “ticket 3”; null while they may.</summary>
    public string? WhyNotRun =>
        Runs ? null
        : IsDone ? "has ended"
        : string.Join(
            " and ",
            new[]
            {
                Approval switch
                {
                    "approved" => null,
                    "pending_review" => "waits for its approval",
                    "rejected" => "was rejected",
                    _ => "was not approved in time",
                },
                Blocked is null ? null : $"is blocked ({Blocked.Replace('_', ' ')})",
                Held ? "is held by a person" : null,
            }.Where(why => why is not null)
        );
}

/// <summary>The types of a block.</summary>
internal static class BlockTypes
{
    public const string Dependency = "dependency";
    public const string Clarification = "waiting_on_clarification";
    public const string FailingChecks = "failing_checks";
    public const string Environment = "environment";
    public const string Budget = "budget";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Dependency, Clarification, FailingChecks, Environment, Budget];
}

/// <summary>The words of a priority and its number, 4 for the highest.</summary>
internal static class Priorities
{
    /// <summary>The words, the highest first.</summary>
    public static readonly IReadOnlyList<string> Words = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

    /// <summary>The number of a word.</summary>
    public static int Number(string word) => 4 - Words.ToList().IndexOf(word);

    /// <summary>The word of a number.</summary>
    public static string Word(int number) => Words[4 - number];
}
