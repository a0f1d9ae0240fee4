namespace Hive.Protocol;

/// <summary>The gate of a ticket's phase.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="PhaseId">The phase.</param>
/// <param name="GateStatus"><c>open</c>, <c>failed</c>, <c>passed</c> or <c>waiting</c>.</param>
/// <param name="RequirementsMet">Every criterion holds.</param>
/// <param name="MissingArtifacts">The types of the artifacts that are missing.</param>
/// <param name="BlockingReasons">Why it does not pass, in words.</param>
/// <param name="Criteria">Each criterion.</param>
/// <param name="Iteration">How often it has failed.</param>
/// <param name="MaxIterations">How often it may fail before a person decides.</param>
/// <param name="JudgedAt">When it was judged last.</param>
public record GateView(
    long Ticket,
    string PhaseId,
    string GateStatus,
    bool RequirementsMet,
    IReadOnlyList<string> MissingArtifacts,
    IReadOnlyList<string> BlockingReasons,
    IReadOnlyList<CriterionView> Criteria,
    int Iteration,
    int MaxIterations,
    DateTimeOffset? JudgedAt = null
);

/// <summary>One criterion of a gate and whether it holds.</summary>
/// <param name="Kind"><c>tasks_complete</c>, <c>artifact</c>, <c>metric</c>, <c>validator</c> or
/// <c>operator</c>.</param>
/// <param name="Text">What it asks, in words.</param>
/// <param name="State"><c>met</c>, <c>unmet</c> (work can cure it) or <c>waiting</c> (for a task, a person or a
/// review).</param>
/// <param name="Reason">Why it does not hold.</param>
/// <param name="Review">The review that answers it.</param>
/// <param name="Artifact">The artifact that is judged.</param>
/// <param name="Task">The task that handed it in.</param>
/// <param name="By">Who handed it in.</param>
public sealed record CriterionView(
    string Kind,
    string Text,
    string State,
    string? Reason = null,
    long? Review = null,
    long? Artifact = null,
    long? Task = null,
    string? By = null
);

/// <summary>An artifact that a task leaves behind, without its content.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ticket">The ticket.</param>
/// <param name="PhaseId">The phase.</param>
/// <param name="Type">Its type, such as <c>requirements_document</c>.</param>
/// <param name="Kind"><c>file</c>, <c>commit</c> or <c>data</c>.</param>
/// <param name="By">Who handed it in.</param>
/// <param name="At">When.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Digest">The SHA-256 of its content, in hexadecimal.</param>
/// <param name="Task">The task that it was handed in with.</param>
/// <param name="Path">The file, in container form.</param>
/// <param name="Repository">The repository of a commit.</param>
/// <param name="Sha">The commit.</param>
/// <param name="SupersededAt">When a newer one of its type, of the same task, its rework or the operator, took its
/// place, or the ticket was sent back to its phase or to one before it.</param>
public record Artifact(
    long Id,
    long Ticket,
    string PhaseId,
    string Type,
    string Kind,
    string By,
    DateTimeOffset At,
    long Size,
    string Digest,
    long? Task = null,
    string? Path = null,
    string? Repository = null,
    string? Sha = null,
    DateTimeOffset? SupersededAt = null
);

/// <summary>A judgement that a person or a validator makes.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ticket">The ticket.</param>
/// <param name="PhaseId">The phase.</param>
/// <param name="Question">What is asked.</param>
/// <param name="Artifacts">The artifacts that it is about.</param>
/// <param name="Iteration">The gate's iteration in which it was asked.</param>
/// <param name="AskedAt">When it was asked.</param>
/// <param name="Stale">Newer evidence has made it void.</param>
/// <param name="Task">The task that is reviewed; absent for a gate.</param>
/// <param name="ReviewTask">The task of the validator; absent when the operator decides.</param>
/// <param name="Reviewer">Who decided.</param>
/// <param name="Verdict"><c>passed</c> or <c>failed</c>; <c>cancelled</c> when its ticket moved; absent while it is
/// open.</param>
/// <param name="Feedback">What has to change.</param>
/// <param name="DecidedAt">When it was decided.</param>
/// <param name="Evidence">The artifacts that the verdict rests on, as its validator named them.</param>
public record Review(
    long Id,
    long Ticket,
    string PhaseId,
    string Question,
    IReadOnlyList<long> Artifacts,
    int Iteration,
    DateTimeOffset AskedAt,
    bool Stale,
    long? Task = null,
    long? ReviewTask = null,
    string? Reviewer = null,
    string? Verdict = null,
    string? Feedback = null,
    DateTimeOffset? DecidedAt = null,
    IReadOnlyList<long>? Evidence = null
);
