namespace Hive.Protocol;

/// <summary>One message on the bus, as every door shows it.</summary>
/// <param name="Id">The id; never reused.</param>
/// <param name="From">An agent, <c>operator</c>, <c>system</c> or <c>reminder</c>.</param>
/// <param name="To">An agent or <c>operator</c>.</param>
/// <param name="Body">At most <see cref="Limits.BodyBytes"/> bytes of UTF-8 when an agent or the operator wrote
/// it.</param>
/// <param name="SentAt">When it was stored.</param>
/// <param name="FileRefs">Path tokens of the body that name a readable file (docs/protocol.md).</param>
/// <param name="Attempts">How often it was nacked since it was last sent or retried.</param>
/// <param name="DeliveredAt">When it was last leased; absent while it waits.</param>
/// <param name="AckedAt">When it was acknowledged.</param>
/// <param name="InReplyTo">The message this one answers.</param>
/// <param name="Broadcast">True on each copy of a message to everyone.</param>
/// <param name="ParkedAt">When it was parked after its last nack.</param>
/// <param name="LastError">The error of the last nack.</param>
/// <param name="Redelivered">Only on a received message: it was leased before, so its effects may have happened
/// already.</param>
/// <param name="NextAttemptAt">After a failure: when it will be delivered again.</param>
/// <param name="LeasedAt">When it was last leased. Like the next two only in the history.</param>
/// <param name="LeasedBy">The number of the turn that holds or handled it, or <c>connection</c>.</param>
/// <param name="AttemptsLog">Its latest failed attempts, oldest first, also those before a retry.</param>
/// <param name="Sentence">An event of Hive, whose JSON is the body, in one line; only for people.</param>
public sealed record Message(
    long Id,
    string From,
    string To,
    string Body,
    DateTimeOffset SentAt,
    IReadOnlyList<string> FileRefs,
    int? Attempts = null,
    DateTimeOffset? DeliveredAt = null,
    DateTimeOffset? AckedAt = null,
    long? InReplyTo = null,
    bool? Broadcast = null,
    DateTimeOffset? ParkedAt = null,
    string? LastError = null,
    bool? Redelivered = null,
    DateTimeOffset? NextAttemptAt = null,
    DateTimeOffset? LeasedAt = null,
    string? LeasedBy = null,
    IReadOnlyList<MessageAttempt>? AttemptsLog = null,
    string? Sentence = null
);

/// <summary>One failed attempt to handle a message.</summary>
/// <param name="At">When the message was nacked.</param>
/// <param name="Reason">Why, if that was given; cut to <see cref="Limits.AttemptReasonBytes"/>.</param>
public sealed record MessageAttempt(DateTimeOffset At, string? Reason = null);
