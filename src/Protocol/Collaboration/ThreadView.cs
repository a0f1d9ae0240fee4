using System.Text.Json.Nodes;

namespace Hive.Protocol;

/// <summary>A conversation of agents about their work.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its kind, such as <c>discussion</c> or <c>handoff</c>.</param>
/// <param name="Subject">What it is about, at most 200 characters.</param>
/// <param name="Participants">Those who get each post, read and post.</param>
/// <param name="Status"><c>active</c>, <c>resolved</c> or <c>abandoned</c>.</param>
/// <param name="CreatedBy">Who opened it.</param>
/// <param name="CreatedAt">When it was opened.</param>
/// <param name="LastAt">When it was opened or posted to last.</param>
/// <param name="Posts">How many posts it has.</param>
/// <param name="Ticket">The ticket that it is about.</param>
/// <param name="Task">The task that it is about.</param>
/// <param name="Data">What its opener keeps with it.</param>
/// <param name="ClosedAt">When it was closed or abandoned.</param>
/// <param name="Handoff">The handoff that it was opened for.</param>
public record ThreadView(
    long Id,
    string Type,
    string Subject,
    IReadOnlyList<string> Participants,
    string Status,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastAt,
    int Posts,
    long? Ticket = null,
    long? Task = null,
    JsonObject? Data = null,
    DateTimeOffset? ClosedAt = null,
    HandoffView? Handoff = null
);

/// <summary>A text in a thread: one message to each other participant.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Thread">Its thread.</param>
/// <param name="Author">Who wrote it; <c>system</c> for the host.</param>
/// <param name="Type">Its kind, such as <c>info</c>, <c>question</c> or <c>handoff_request</c>.</param>
/// <param name="Body">The text.</param>
/// <param name="Refs">Path tokens of the text that name a readable file.</param>
/// <param name="At">When it was posted.</param>
/// <param name="ReadBy">Those who got it and have acknowledged its message.</param>
/// <param name="UnreadBy">Those who got it and have not.</param>
/// <param name="ReadAt">When the last of them read it; absent while one has not. Once the messages are deleted, 30 days
/// after they were acknowledged, the post's own time.</param>
/// <param name="ToAgent">The participant that it is addressed to; all of them get it.</param>
/// <param name="Data">What its author keeps with it.</param>
public record PostView(
    long Id,
    long Thread,
    string Author,
    string Type,
    string Body,
    IReadOnlyList<string> Refs,
    DateTimeOffset At,
    IReadOnlyList<string> ReadBy,
    IReadOnlyList<string> UnreadBy,
    DateTimeOffset? ReadAt = null,
    string? ToAgent = null,
    JsonObject? Data = null
);

/// <summary>The offer of a running task to another agent.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Thread">Its thread, which ends with it.</param>
/// <param name="Ticket">The ticket of the task.</param>
/// <param name="Task">The task.</param>
/// <param name="FromAgent">The agent that had the task when it was asked.</param>
/// <param name="ToAgent">The agent that is invited.</param>
/// <param name="Reason">Why.</param>
/// <param name="Status"><c>requested</c>, <c>accepted</c>, <c>declined</c>, <c>expired</c> or <c>withdrawn</c>.</param>
/// <param name="AskedAt">When it was asked.</param>
/// <param name="DeadlineAt">When it expires without an answer, 24 hours later.</param>
/// <param name="Context">What the asker hands on with the task.</param>
/// <param name="DecidedAt">When it ended.</param>
public sealed record HandoffView(
    long Id,
    long Thread,
    long Ticket,
    long Task,
    string FromAgent,
    string ToAgent,
    string Reason,
    string Status,
    DateTimeOffset AskedAt,
    DateTimeOffset DeadlineAt,
    JsonObject? Context = null,
    DateTimeOffset? DecidedAt = null
);
