using System.Globalization;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>A row of <c>messages</c>, read with <see cref="Columns"/> in that order.</summary>
internal static class MessageRow
{
    public const string Columns =
        "id, sender, recipient, body, sent_at, delivered_at, acked_at, in_reply_to, broadcast, deliveries, attempts, "
        + "parked_at, last_error, file_refs, available_at";

    /// <summary>The columns of the message <c>m</c>, with those of its delivery.</summary>
    public const string DetailColumns = "m.id, " + DetailColumnsBesideId;

    /// <summary>The same without the id.</summary>
    public const string DetailColumnsBesideId =
        "m.sender, m.recipient, m.body, m.sent_at, m.delivered_at, m.acked_at, m.in_reply_to, m.broadcast, "
        + "m.deliveries, m.attempts, m.parked_at, m.last_error, m.file_refs, m.available_at, m.turn, m.attempts_log";

    private static readonly IReadOnlyList<string> NoRefs = [];

    /// <summary>The statement's current row as clients see it.</summary>
    public static Message Read(Statement row) =>
        new(
            Id: row.Long(0),
            From: row.Text(1),
            To: row.Text(2),
            Body: row.Text(3),
            SentAt: LooseValue.Instant(row.Long(4)),
            FileRefs: Refs(row.TextOrNull(13)),
            Attempts: Positive(row.Long(10)),
            DeliveredAt: Instant(row.LongOrNull(5)),
            AckedAt: Instant(row.LongOrNull(6)),
            InReplyTo: row.LongOrNull(7),
            Broadcast: row.Long(8) != 0 ? true : null,
            ParkedAt: Instant(row.LongOrNull(11)),
            LastError: row.TextOrNull(12),
            NextAttemptAt: Instant(row.LongOrNull(14))
        );

    /// <summary>A row as Dapper reads it; each column as it is stored.</summary>
    internal sealed record Stored
    {
        public required long Id { get; init; }

        public object? Sender { get; init; }

        public object? Recipient { get; init; }

        public object? Body { get; init; }

        public object? SentAt { get; init; }

        public object? DeliveredAt { get; init; }

        public object? AckedAt { get; init; }

        public object? InReplyTo { get; init; }

        public object? Broadcast { get; init; }

        public object? Attempts { get; init; }

        public object? ParkedAt { get; init; }

        public object? LastError { get; init; }

        public object? FileRefs { get; init; }

        public object? AvailableAt { get; init; }

        public object? Turn { get; init; }

        public object? AttemptsLog { get; init; }

        public Message ToMessage() =>
            new(
                Id,
                Text(Sender),
                Text(Recipient),
                Text(Body),
                LooseValue.Instant(LooseValue.Long(SentAt) ?? 0),
                Refs(LooseValue.Text(FileRefs)),
                Positive(LooseValue.Long(Attempts) ?? 0),
                Instant(LooseValue.Long(DeliveredAt)),
                Instant(LooseValue.Long(AckedAt)),
                LooseValue.Long(InReplyTo),
                LooseValue.Long(Broadcast) is not (null or 0) ? true : null,
                Instant(LooseValue.Long(ParkedAt)),
                LooseValue.Text(LastError),
                NextAttemptAt: Instant(LooseValue.Long(AvailableAt))
            );

        /// <summary>The message with the details of its delivery, which <see cref="DetailColumns"/> hold.</summary>
        public Message ToDetailedMessage()
        {
            var message = ToMessage();
            return message with
            {
                LeasedAt = message.DeliveredAt,
                LeasedBy =
                    message.DeliveredAt is null ? null
                    : LooseValue.Long(Turn) is { } turn and not 0
                        ? Math.Abs(turn).ToString(CultureInfo.InvariantCulture)
                    : "connection",
                AttemptsLog = Log(LooseValue.Text(AttemptsLog)),
            };
        }

        private static string Text(object? value) => LooseValue.Text(value) ?? "";
    }

    public static string? Text(IReadOnlyList<string> refs) =>
        refs.Count == 0 ? null : JsonSerializer.Serialize(refs, WireJson.Options);

    // A message whose list of references cannot be read is delivered without them.
    private static IReadOnlyList<string> Refs(string? json)
    {
        if (json is null)
            return NoRefs;
        try
        {
            return
                JsonSerializer.Deserialize<string[]>(json, WireJson.Options) is { } refs
                && !Array.Exists(refs, r => r is null)
                ? refs
                : NoRefs;
        }
        catch (JsonException)
        {
            return NoRefs;
        }
    }

    // A log that cannot be read is left out.
    private static MessageAttempt[]? Log(string? json)
    {
        if (json is null)
            return null;
        try
        {
            return JsonSerializer
                .Deserialize<LoggedAttempt[]>(json, WireJson.Options)
                ?.Select(a => new MessageAttempt(LooseValue.Instant(a.At), a.Reason))
                .ToArray();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record LoggedAttempt(long At, string? Reason = null);

    private static int? Positive(long count) => count > 0 ? (int)count : null;

    private static DateTimeOffset? Instant(long? milliseconds) =>
        milliseconds is { } at ? LooseValue.Instant(at) : null;
}
