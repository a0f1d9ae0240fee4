using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// Every statement that changes a row of <c>messages</c>. The column <c>turn</c> holds the holder of a lease; it is
/// negative when the message was received for that holder, so that a host that starts later knows that the answer may
/// have reached nobody (docs/adr/0063).
/// </summary>
internal static class MessageTable
{
    public static Message Insert(IWrite write, Outgoing message, long now, Lease? lease = null)
    {
        var insert = write.Prepare(
            """
            INSERT INTO messages (
                sender, recipient, body, sent_at, in_reply_to, broadcast, file_refs, delivered_at, deliveries, turn,
                cause)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            RETURNING id
            """
        );
        long? deliveredAt = lease is null ? null : now;
        insert
            .Bind(1, message.From)
            .Bind(2, message.To)
            .Bind(3, message.Body)
            .Bind(4, now)
            .Bind(5, message.InReplyTo)
            .Bind(6, message.Broadcast ? 1 : 0)
            .Bind(7, MessageRow.Text(message.FileRefs))
            .Bind(8, deliveredAt)
            .Bind(9, lease is null ? 0 : 1)
            .Bind(10, -lease?.Holder)
            .Bind(11, message.Cause);
        insert.Step();
        var id = insert.Long(0);
        insert.Reset();
        return new Message(
            id,
            message.From,
            message.To,
            message.Body,
            DateTimeOffset.FromUnixTimeMilliseconds(now),
            message.FileRefs,
            DeliveredAt: deliveredAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            InReplyTo: message.InReplyTo,
            Broadcast: message.Broadcast ? true : null
        );
    }

    public static (Message Message, bool Redelivered) Lease(IWrite write, long id, long now, Lease lease)
    {
        var row = write
            .Prepare(
                $"""
                UPDATE messages
                   SET delivered_at = ?2, deliveries = deliveries + 1, turn = ?3, available_at = NULL
                 WHERE id = ?1
                RETURNING {MessageRow.Columns}
                """
            )
            .Bind(1, id)
            .Bind(2, now)
            .Bind(3, -lease.Holder);
        row.Step();
        var redelivered = row.Long(9) > 1;
        var message = MessageRow.Read(row);
        row.Reset();
        return (message, redelivered);
    }

    /// <summary>Undoes a lease as if it had not been given.</summary>
    public static Message UndoLease(IWrite write, long id) =>
        One(
            write
                .Prepare(
                    $"""
                    UPDATE messages
                       SET delivered_at = NULL, turn = NULL, deliveries = deliveries - 1
                     WHERE id = ?1
                    RETURNING {MessageRow.Columns}
                    """
                )
                .Bind(1, id)
        );

    /// <summary>Ends a lease without counting it as a failure.</summary>
    /// <param name="write">The write.</param>
    /// <param name="id">The message.</param>
    /// <param name="holder">Stays noted until the message is leased again: the holder may turn out to have handled the
    /// message after all.</param>
    public static Message Requeue(IWrite write, long id, long? holder) =>
        One(
            write
                .Prepare(
                    $"""
                    UPDATE messages
                       SET delivered_at = NULL, turn = ?2
                     WHERE id = ?1
                    RETURNING {MessageRow.Columns}
                    """
                )
                .Bind(1, id)
                .Bind(2, holder)
        );

    /// <summary>The oldest messages that a holder held when it was lost and nobody was given since.</summary>
    public static List<long> Lost(IWrite write, long holder, int most) =>
        write
            .Db.Query<long>(
                $"""
                SELECT id
                  FROM messages INDEXED BY messages_lost
                 WHERE turn = @holder AND delivered_at IS NULL AND acked_at IS NULL AND NOT {PurgedMessages.IsPurged}
                 ORDER BY id
                 LIMIT @most
                """,
                new { holder, most }
            )
            .AsList();

    /// <summary>Leases a message again that a lost holder held.</summary>
    public static void Reclaim(IWrite write, long id, long now) =>
        write.Prepare("UPDATE messages SET delivered_at = ?2 WHERE id = ?1").Bind(1, id).Bind(2, now).Step();

    /// <summary>Notes the holder of a leased message.</summary>
    /// <param name="write">The write.</param>
    /// <param name="id">The message.</param>
    /// <param name="noted">The holder, negative when the message was received for it.</param>
    public static void MoveTo(IWrite write, long id, long noted) =>
        write.Db.Execute("UPDATE messages SET turn = @noted WHERE id = @id", new { id, noted });

    /// <summary>Acknowledges a message. Its holder stays noted: that is who handled it.</summary>
    /// <param name="write">The write.</param>
    /// <param name="id">The message.</param>
    /// <param name="now">Unix milliseconds.</param>
    /// <param name="known">Its row, where it is remembered; it is not read again then.</param>
    public static Message Ack(IWrite write, long id, long now, Message? known)
    {
        if (known is null)
        {
            return One(
                write
                    .Prepare($"UPDATE messages SET acked_at = ?2 WHERE id = ?1 RETURNING {MessageRow.Columns}")
                    .Bind(1, id)
                    .Bind(2, now)
            );
        }

        write.Prepare("UPDATE messages SET acked_at = ?2 WHERE id = ?1").Bind(1, id).Bind(2, now).Step();
        return known with { AckedAt = DateTimeOffset.FromUnixTimeMilliseconds(now) };
    }

    /// <summary>Undoes the acknowledgement of a message that was never leased.</summary>
    public static Message UndoAck(IWrite write, long id) =>
        One(
            write
                .Prepare($"UPDATE messages SET acked_at = NULL WHERE id = ?1 RETURNING {MessageRow.Columns}")
                .Bind(1, id)
        );

    /// <summary>A message to a recipient; null when there is none.</summary>
    public static Message? Find(IWrite write, long id, string recipient) =>
        write
            .Db.QuerySingleOrDefault<MessageRow.Stored>(
                $"SELECT {MessageRow.Columns} FROM messages WHERE id = @id AND recipient = @recipient",
                new { id, recipient }
            )
            ?.ToMessage();

    /// <summary>How often a message has failed.</summary>
    public static int Attempts(IWrite write, long id) =>
        write.Db.ExecuteScalar<int>("SELECT attempts FROM messages WHERE id = @id", new { id });

    public static Message Park(IWrite write, long id, int attempts, string? error, long now) =>
        One(
            write
                .Prepare(
                    $"""
                    UPDATE messages
                       SET delivered_at = NULL, turn = NULL, attempts = ?2, last_error = ?3, parked_at = ?4,
                           attempts_log = {LogSql}
                     WHERE id = ?1
                    RETURNING {MessageRow.Columns}
                    """
                )
                .Bind(1, id)
                .Bind(2, attempts)
                .Bind(3, error)
                .Bind(4, now)
                .Bind(5, now)
                .Bind(6, Shown(error))
        );

    /// <summary>Ends a lease that failed.</summary>
    /// <param name="write">The write.</param>
    /// <param name="id">The message.</param>
    /// <param name="attempts">How often it has failed.</param>
    /// <param name="error">Why it failed.</param>
    /// <param name="until">When it can be received again; null for at once.</param>
    /// <param name="now">Unix milliseconds.</param>
    public static Message Nack(IWrite write, long id, int attempts, string? error, long? until, long now) =>
        One(
            write
                .Prepare(
                    $"""
                    UPDATE messages
                       SET delivered_at = NULL, turn = NULL, attempts = ?2, last_error = ?3, available_at = ?4,
                           attempts_log = {LogSql}
                     WHERE id = ?1
                    RETURNING {MessageRow.Columns}
                    """
                )
                .Bind(1, id)
                .Bind(2, attempts)
                .Bind(3, error)
                .Bind(4, until)
                .Bind(5, now)
                .Bind(6, Shown(error))
        );

    /// <summary>Clears the record of failures.</summary>
    public static Message Retry(IWrite write, long id) =>
        One(
            write
                .Prepare(
                    $"""
                    UPDATE messages
                       SET parked_at = NULL, attempts = 0, last_error = NULL, available_at = NULL
                     WHERE id = ?1
                    RETURNING {MessageRow.Columns}
                    """
                )
                .Bind(1, id)
        );

    public static Message Drop(IWrite write, long id, long now) =>
        One(
            write
                .Prepare(
                    $"""
                    UPDATE messages
                       SET acked_at = ?2, available_at = NULL
                     WHERE id = ?1
                    RETURNING {MessageRow.Columns}
                    """
                )
                .Bind(1, id)
                .Bind(2, now)
        );

    /// <summary>The recipient of a message that is not done; null for any other.</summary>
    public static string? RecipientOfOpen(IWrite write, long id) =>
        write.Db.ExecuteScalar<string?>(
            "SELECT recipient FROM messages WHERE id = @id AND acked_at IS NULL",
            new { id }
        );

    /// <summary>The recipient of a message that failed: parked, in back-off, or waiting after a back-off; null for any
    /// other.</summary>
    public static string? RecipientOfFailed(IWrite write, long id) =>
        write.Db.ExecuteScalar<string?>(
            """
            SELECT recipient
              FROM messages
             WHERE id = @id AND acked_at IS NULL
               AND (parked_at IS NOT NULL OR available_at IS NOT NULL OR attempts > 0 OR last_error IS NOT NULL)
            """,
            new { id }
        );

    // The newest attempts are kept: a rate limit can return a message many times.
    private const string LogSql = """
        json_insert(
            CASE WHEN NOT json_valid(coalesce(attempts_log, '[]')) THEN '[]'
                 WHEN json_array_length(attempts_log) >= 20 THEN json_remove(attempts_log, '$[0]')
                 ELSE coalesce(attempts_log, '[]') END,
            '$[#]', json_object('at', ?5, 'reason', ?6))
        """;

    private static string? Shown(string? reason) =>
        reason is null ? null : TextRules.Cut(reason, Limits.AttemptReasonBytes);

    private static Message One(Statement row)
    {
        if (!row.Step())
        {
            row.Reset();
            throw new InvalidOperationException("the row of an open message is missing");
        }

        var message = MessageRow.Read(row);
        row.Reset();
        return message;
    }
}
