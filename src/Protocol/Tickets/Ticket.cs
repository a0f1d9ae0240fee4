using System.Text.Json.Serialization;

namespace Hive.Protocol;

/// <summary>A ticket as the board shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Title">Its title.</param>
/// <param name="Workflow">The name of its workflow.</param>
/// <param name="PhaseId">The phase it is in; a blocked ticket keeps it.</param>
/// <param name="Status">Follows from the phase and the gate: <c>backlog</c>, <c>analyzing</c>, <c>building</c>,
/// <c>building-done</c>, <c>testing</c>, <c>done</c>; <c>pending_review</c> before its approval.</param>
/// <param name="Priority"><c>CRITICAL</c>, <c>HIGH</c>, <c>MEDIUM</c> or <c>LOW</c>.</param>
/// <param name="Gate"><c>open</c>, <c>failed</c>, <c>passed</c> or <c>waiting</c> (passed, and the next column is
/// full).</param>
/// <param name="Held">The operator holds it.</param>
/// <param name="Tasks">Its tasks, counted.</param>
/// <param name="Agents">The agents that have one of its tasks now.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Rank">Its place among tickets of the same column; lower is higher up.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it last changed.</param>
/// <param name="EnteredAt">When it entered its phase.</param>
/// <param name="Blocked">The type of its block; absent when it is not blocked.</param>
/// <param name="BlockedReason">The reason of its block.</param>
/// <param name="WaitingFor">The name of the full column that it waits for.</param>
/// <param name="WaitingSince">When it began to wait for that.</param>
/// <param name="DeadlineAt">When it should be done.</param>
/// <param name="ApprovalDeadlineAt">When its approval is decided by itself.</param>
/// <param name="DoneAt">When it ended.</param>
/// <param name="CostUsd">What its tasks have cost in US dollars; absent while that is nothing.</param>
/// <param name="NeedsYou">The key of the most urgent thing that waits for the operator and without whose decision the
/// ticket stands still, such as <c>question-12</c>.</param>
public record TicketCard(
    long Id,
    string Title,
    string Workflow,
    string PhaseId,
    string Status,
    string Priority,
    string Gate,
    bool Held,
    TaskCounts Tasks,
    IReadOnlyList<string> Agents,
    IReadOnlyList<string> Labels,
    double Rank,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset EnteredAt,
    string? Blocked = null,
    string? BlockedReason = null,
    string? WaitingFor = null,
    DateTimeOffset? WaitingSince = null,
    DateTimeOffset? DeadlineAt = null,
    DateTimeOffset? ApprovalDeadlineAt = null,
    DateTimeOffset? DoneAt = null,
    double? CostUsd = null,
    string? NeedsYou = null
);

/// <summary>The tasks of a ticket, counted.</summary>
/// <param name="Open">Neither completed, failed nor cancelled; the running ones are among them.</param>
/// <param name="Running">Assigned, running or reviewed.</param>
/// <param name="Done">Completed.</param>
/// <param name="Failed">Failed.</param>
public sealed record TaskCounts(int Open, int Running, int Done, int Failed)
{
    /// <summary>No tasks.</summary>
    public static TaskCounts None { get; } = new(0, 0, 0, 0);
}

/// <summary>A whole ticket.</summary>
/// <param name="Card">The members that the board shows.</param>
/// <param name="Description">What is to be done; empty when there is none.</param>
/// <param name="DescriptionRefs">Path tokens of the description that name a readable file.</param>
/// <param name="Requester">Who made it.</param>
/// <param name="Approval"><c>approved</c>, <c>pending_review</c>, <c>rejected</c> or <c>timed_out</c>.</param>
/// <param name="AllowedTransitions">The phases that it may move to from here.</param>
/// <param name="BlockedBy">The tickets that must be done first.</param>
/// <param name="Blocks">The tickets that wait for it.</param>
/// <param name="PreviousPhaseId">The phase it was in before.</param>
/// <param name="Parent">The ticket that it follows up.</param>
/// <param name="Repository"><c>forge:owner/name</c>, or a folder of an agent.</param>
/// <param name="RejectionReason">Why it was rejected.</param>
/// <param name="BlockedAt">Since when it is blocked.</param>
/// <param name="ContextSummary">What its phases handed on, in short.</param>
public sealed record Ticket(
    [property: JsonIgnore] TicketCard Card,
    string Description,
    IReadOnlyList<string> DescriptionRefs,
    string Requester,
    string Approval,
    IReadOnlyList<string> AllowedTransitions,
    IReadOnlyList<TicketLink> BlockedBy,
    IReadOnlyList<TicketLink> Blocks,
    string? PreviousPhaseId = null,
    long? Parent = null,
    string? Repository = null,
    string? RejectionReason = null,
    DateTimeOffset? BlockedAt = null,
    string? ContextSummary = null
) : TicketCard(Card);

/// <summary>A ticket that another one is linked to.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Title">Its title.</param>
/// <param name="Done">It has ended.</param>
public sealed record TicketLink(long Id, string Title, bool Done);

/// <summary>One entry of a ticket's history.</summary>
/// <param name="Id">Its id; later entries have higher ones.</param>
/// <param name="At">When.</param>
/// <param name="Actor">Who did it: <c>operator</c>, an agent, or <c>system</c>.</param>
/// <param name="Kind"><c>created</c>, <c>approved</c>, <c>rejected</c>, <c>moved</c>, <c>advanced</c>,
/// <c>regressed</c>, <c>forced</c>, <c>waiting</c>, <c>blocked</c>, <c>unblocked</c>, <c>held</c>, <c>released</c>,
/// <c>linked</c>, <c>unlinked</c>, <c>changed</c>, <c>comment</c> or <c>gate</c>.</param>
/// <param name="FromPhase">The phase before.</param>
/// <param name="ToPhase">The phase after.</param>
/// <param name="FromStatus">The status before.</param>
/// <param name="ToStatus">The status after.</param>
/// <param name="Reason">The reason, feedback or comment.</param>
public sealed record TicketHistoryEntry(
    long Id,
    DateTimeOffset At,
    string Actor,
    string Kind,
    string? FromPhase = null,
    string? ToPhase = null,
    string? FromStatus = null,
    string? ToStatus = null,
    string? Reason = null
);

/// <summary>A column of the board with its counts.</summary>
/// <param name="Workflow">The workflow.</param>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="PhaseMapping">The phases whose tickets stand in it.</param>
/// <param name="Count">The tickets in its phases; blocked ones count too.</param>
/// <param name="Blocked">How many of them are blocked.</param>
/// <param name="Waiting">The tickets that wait for room in it.</param>
/// <param name="Terminal">Its tickets have ended.</param>
/// <param name="Pull">Whether waiting tickets enter by themselves.</param>
/// <param name="WipLimit">The most tickets; null for any number.</param>
/// <param name="ColorTheme"><c>blue</c>, <c>green</c>, <c>yellow</c>, <c>red</c> or <c>gray</c>.</param>
public sealed record BoardColumnView(
    string Workflow,
    string Id,
    string Name,
    IReadOnlyList<string> PhaseMapping,
    int Count,
    int Blocked,
    int Waiting,
    bool Terminal,
    ColumnPull Pull,
    int? WipLimit = null,
    string? ColorTheme = null
);
