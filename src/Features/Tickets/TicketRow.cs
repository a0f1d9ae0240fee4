using System.Text.Json;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>A row of <c>tickets</c>, read with <see cref="Columns"/>.</summary>
internal sealed record TicketRow
{
    public const string Columns =
        CardColumns
        + ", description, description_refs, previous_phase_id, gate_marked, gate_rev, parent, repository, "
        + "rejection_reason, blocked_at, context_summary, requester";

    /// <summary>Those that a card needs; a row without the others is not for <see cref="TicketTable.Put"/>.</summary>
    public const string CardColumns =
        "id, workflow, title, priority, phase_id, status, gate, entered_at, rank, labels, deadline_at, approval, "
        + "approval_deadline_at, blocked, blocked_reason, held, created_at, updated_at, done_at";

    private static readonly IReadOnlyList<string> None = [];

    public required long Id { get; init; }

    public required string Workflow { get; init; }

    public required string Title { get; init; }

    public string Description { get; init; } = "";

    public required string DescriptionRefs { get; init; }

    public required long Priority { get; init; }

    public required string PhaseId { get; init; }

    public string? PreviousPhaseId { get; init; }

    public required string Status { get; init; }

    public required string Gate { get; init; }

    public required long GateMarked { get; init; }

    public required long GateRev { get; init; }

    public required long EnteredAt { get; init; }

    public required double Rank { get; init; }

    public long? Parent { get; init; }

    public required string Labels { get; init; }

    public string? Repository { get; init; }

    public long? DeadlineAt { get; init; }

    public required string Approval { get; init; }

    public long? ApprovalDeadlineAt { get; init; }

    public string? RejectionReason { get; init; }

    public string? Blocked { get; init; }

    public string? BlockedReason { get; init; }

    public long? BlockedAt { get; init; }

    public required long Held { get; init; }

    public string? ContextSummary { get; init; }

    public required string Requester { get; init; }

    public required long CreatedAt { get; init; }

    public required long UpdatedAt { get; init; }

    public long? DoneAt { get; init; }

    /// <summary>It has ended.</summary>
    public bool IsDone => DoneAt is not null;

    /// <summary>It waits for its approval.</summary>
    public bool IsPending => Approval == Approvals.Pending;

    /// <summary>It stands in a column: it was approved, and may have ended since.</summary>
    public bool IsPlaced => Approval == Approvals.Approved;

    /// <summary>Its tasks may run, and it moves on by itself.</summary>
    public bool Runs => IsPlaced && !IsDone && Blocked is null && Held == 0;

    /// <summary>The gate of its phase has passed.</summary>
    public bool HasPassed => Gate is Gates.Passed or Gates.Waiting;

    /// <summary>Its gate is to be judged again; until then nobody knows whether it has still passed.</summary>
    public bool IsMarked => GateMarked != 0;

    /// <summary>It waits for room in a column, and would enter it.</summary>
    public bool Waits => Gate == Gates.Waiting && Runs;

    public TicketEntry ToEntry() =>
        new(
            Id: Id,
            Workflow: Workflow,
            Title: Title,
            Description: Description,
            Priority: (int)Priority,
            PhaseId: PhaseId,
            PreviousPhaseId: PreviousPhaseId,
            Gate: Gate,
            GateRev: GateRev,
            Rank: Rank,
            Approval: Approval,
            Blocked: Blocked,
            BlockedReason: BlockedReason,
            Held: Held != 0,
            Repository: Repository,
            DeadlineAt: DeadlineAt,
            CreatedAt: CreatedAt,
            DoneAt: DoneAt
        )
        {
            Labels = List(Labels),
        };

    /// <summary>Serializes a list for its column.</summary>
    public static string Json(IReadOnlyList<string> texts) =>
        texts.Count == 0 ? "[]" : JsonSerializer.Serialize(texts, WireJson.Options);

    /// <summary>Reads a list from its column.</summary>
    public static IReadOnlyList<string> List(string json) =>
        json == "[]" ? None : JsonSerializer.Deserialize<string[]>(json, WireJson.Options)!;

    /// <summary>An instant from its column.</summary>
    public static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    /// <summary>An instant from its column, or null.</summary>
    public static DateTimeOffset? Instant(long? milliseconds) =>
        milliseconds is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null;

    /// <summary>The states of a gate.</summary>
    internal static class Gates
    {
        public const string Open = "open";
        public const string Failed = "failed";
        public const string Passed = "passed";
        public const string Waiting = "waiting";
    }

    /// <summary>The states of an approval.</summary>
    internal static class Approvals
    {
        public const string Approved = "approved";
        public const string Pending = "pending_review";
        public const string Rejected = "rejected";
        public const string TimedOut = "timed_out";
    }
}
