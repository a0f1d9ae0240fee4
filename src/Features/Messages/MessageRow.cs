using System.Text.Json;
using Hive.Common.Persistence;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>A row of <c>messages</c>, read with <see cref="Columns"/> in that order.</summary>
internal static class MessageRow
{
    public const string Columns =
        "id, sender, recipient, body, sent_at, delivered_at, acked_at, in_reply_to, broadcast, deliveries, attempts, parked_at, "
        + "last_error, file_refs, available_at";

    private static readonly IReadOnlyList<string> NoRefs = [];

    /// <summary>The present row as clients see it.</summary>
    public static Message Read(Statement row) => new(
        Id: row.Long(0),
        From: row.Text(1),
        To: row.Text(2),
        Body: row.Text(3),
        SentAt: Instant(row.Long(4)),
        FileRefs: Refs(row.TextOrNull(13)),
        Attempts: Positive(row.Long(10)),
        DeliveredAt: Instant(row.LongOrNull(5)),
        AckedAt: Instant(row.LongOrNull(6)),
        InReplyTo: row.LongOrNull(7),
        Broadcast: row.Long(8) != 0 ? true : null,
        ParkedAt: Instant(row.LongOrNull(11)),
        LastError: row.TextOrNull(12),
        NextAttemptAt: Instant(row.LongOrNull(14)));

    /// <summary>A row as Dapper reads it.</summary>
    internal sealed record Stored
    {
        public required long Id { get; init; }

        public required string Sender { get; init; }

        public required string Recipient { get; init; }

        public required string Body { get; init; }

        public required long Sent_at { get; init; }

        public long? Delivered_at { get; init; }

        public long? Acked_at { get; init; }

        public long? In_reply_to { get; init; }

        public long Broadcast { get; init; }

        public long Attempts { get; init; }

        public long? Parked_at { get; init; }

        public string? Last_error { get; init; }

        public string? File_refs { get; init; }

        public long? Available_at { get; init; }

        public Message ToMessage() => new(
            Id, Sender, Recipient, Body, Instant(Sent_at), Refs(File_refs), Positive(Attempts), Instant(Delivered_at), Instant(Acked_at),
            In_reply_to, Broadcast != 0 ? true : null, Instant(Parked_at), Last_error,
            NextAttemptAt: Instant(Available_at));
    }

    public static string? Text(IReadOnlyList<string> refs) => refs.Count == 0 ? null : JsonSerializer.Serialize(refs, WireJson.Options);

    private static IReadOnlyList<string> Refs(string? json) => json is null ? NoRefs : JsonSerializer.Deserialize<string[]>(json, WireJson.Options)!;

    private static int? Positive(long count) => count > 0 ? (int)count : null;

    private static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private static DateTimeOffset? Instant(long? milliseconds) => milliseconds is { } at ? Instant(at) : null;
}
