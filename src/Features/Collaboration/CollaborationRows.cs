using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Features.Collaboration;

/// <summary>A row of <c>threads</c>, read with <see cref="Columns"/>.</summary>
internal sealed record ThreadRow
{
    public const string Columns =
        "id, type, ticket, task, subject, participants, status, data, created_by, created_at, last_at, closed_at, "
        + "(SELECT count(*) FROM posts p INDEXED BY posts_thread WHERE p.thread = threads.id) AS posts";

    public required long Id { get; init; }

    public required string Type { get; init; }

    public long? Ticket { get; init; }

    public long? Task { get; init; }

    public required string Subject { get; init; }

    public required string Participants { get; init; }

    public required string Status { get; init; }

    public string? Data { get; init; }

    public required string CreatedBy { get; init; }

    public required long CreatedAt { get; init; }

    public required long LastAt { get; init; }

    public long? ClosedAt { get; init; }

    public required long Posts { get; init; }

    /// <summary>Those who get each post, in the order in which they came.</summary>
    public IReadOnlyList<string> Members => Rows.List(Participants);

    public bool IsActive => Status == ThreadStatus.Active;

    public ThreadView ToView(HandoffRow? handoff = null) =>
        new(
            Id,
            Type,
            Subject,
            Members,
            Status,
            CreatedBy,
            Rows.Instant(CreatedAt),
            Rows.Instant(LastAt),
            (int)Posts,
            Ticket,
            Task,
            Rows.Object(Data),
            Rows.Instant(ClosedAt),
            handoff?.ToView()
        );
}

/// <summary>The states of a thread.</summary>
internal static class ThreadStatus
{
    public const string Active = "active";
    public const string Resolved = "resolved";
    public const string Abandoned = "abandoned";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Active, Resolved, Abandoned];
}

/// <summary>A row of <c>posts</c>, read with <see cref="Columns"/>.</summary>
internal sealed record PostRow
{
    public const string Columns = "id, thread, author, type, body, refs, to_agent, data, at";

    public required long Id { get; init; }

    public required long Thread { get; init; }

    public required string Author { get; init; }

    public required string Type { get; init; }

    public required string Body { get; init; }

    public required string Refs { get; init; }

    public string? ToAgent { get; init; }

    public string? Data { get; init; }

    public required long At { get; init; }
}

/// <summary>A row of <c>handoffs</c> with the ticket of its thread, read with <see cref="Columns"/> from
/// <see cref="Source"/>.</summary>
internal sealed record HandoffRow
{
    public const string Columns =
        "h.id, h.thread, t.ticket, h.task, h.from_agent, h.to_agent, h.reason, h.context, h.status, h.asked_at, "
        + "h.decided_at, h.deadline_at";

    public const string Source = "handoffs h JOIN threads t ON t.id = h.thread";

    public required long Id { get; init; }

    public required long Thread { get; init; }

    public required long Ticket { get; init; }

    public required long Task { get; init; }

    public required string FromAgent { get; init; }

    public required string ToAgent { get; init; }

    public required string Reason { get; init; }

    public string? Context { get; init; }

    public required string Status { get; init; }

    public required long AskedAt { get; init; }

    public long? DecidedAt { get; init; }

    public required long DeadlineAt { get; init; }

    public bool IsOpen => Status == HandoffStatus.Requested;

    public HandoffView ToView() =>
        new(
            Id,
            Thread,
            Ticket,
            Task,
            FromAgent,
            ToAgent,
            Reason,
            Status,
            Rows.Instant(AskedAt),
            Rows.Instant(DeadlineAt),
            Rows.Object(Context),
            Rows.Instant(DecidedAt)
        );
}

/// <summary>The states of a handoff.</summary>
internal static class HandoffStatus
{
    public const string Requested = "requested";
    public const string Accepted = "accepted";
    public const string Declined = "declined";
    public const string Expired = "expired";
    public const string Withdrawn = "withdrawn";
}

/// <summary>Reads and writes the values of columns.</summary>
internal static class Rows
{
    public static string Json<T>(T value) => JsonSerializer.Serialize(value, WireJson.Options);

    public static IReadOnlyList<string> List(string json) =>
        json == "[]" ? [] : JsonSerializer.Deserialize<string[]>(json, WireJson.Options)!;

    public static JsonObject? Object(string? json) => json is null ? null : JsonNode.Parse(json)!.AsObject();

    public static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    public static DateTimeOffset? Instant(long? milliseconds) => milliseconds is { } at ? Instant(at) : null;
}
