using System.Data.Common;
using System.Globalization;
using System.Text;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Reminders.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>
/// Delivers every due reminder, oldest first. Long texts are written to a file first; then the message and the
/// reminder's <c>sent_at</c> are stored in one commit, so that a kill at any moment leaves the reminder either
/// delivered once or still pending. A reminder that fails does not hold up the others.
/// </summary>
internal static partial class DeliverDueReminders
{
    internal sealed record Command : IRequest<Result>;

    /// <param name="NextAt">When the next reminder is due, in unix milliseconds; null when none is pending.</param>
    internal sealed record Result(long? NextAt);

    internal sealed partial class Handler(
        IStore store,
        PendingReminders pending,
        IRoster roster,
        AgentFolders folders,
        IStateFileWriter files,
        IFileReferences references,
        IOutbox outbox,
        TimeProvider clock,
        ILogger<Handler> log
    ) : IRequestHandler<Command, Result>
    {
        // Bounds how long others wait for the writer.
        private const int PerWrite = 100;

        // A shorter delay is normal and not worth a note.
        private const long LateMs = 1_000;

        // Delivered reminders are kept as long as acked messages, to find out what happened.
        private static readonly TimeSpan Retention = TimeSpan.FromDays(30);

        public async Task<Result> Handle(Command request, CancellationToken cancellationToken)
        {
            while (true)
            {
                var (due, next) = await store.Read(ReadDue, cancellationToken);
                if (due.Length == 0)
                    return new Result(next);
                List<Delivery> prepared = [];
                foreach (var row in due)
                    prepared.Add(await Prepare(row));
                await Deliver(prepared);
            }
        }

        private (ReminderRow[] Due, long? Next) ReadDue(DbConnection db)
        {
            var now = Now();
            // The same expressions as in the index, or SQLite would not use it.
            var due = db.Query<ReminderRow>(
                    $"""
                    SELECT {ReminderRow.Columns}
                      FROM reminders INDEXED BY reminders_due
                     WHERE sent_at IS NULL AND attempt_count < {Limits.ReminderAttempts}
                       AND coalesce(next_attempt_at, due_at) <= @now
                     ORDER BY coalesce(next_attempt_at, due_at), id
                     LIMIT {PerWrite}
                    """,
                    new { now }
                )
                .ToArray();
            return (
                due,
                due.Length > 0
                    ? null
                    : db.ExecuteScalar<long?>(
                        $"""
                        SELECT coalesce(next_attempt_at, due_at)
                          FROM reminders INDEXED BY reminders_due
                         WHERE sent_at IS NULL AND attempt_count < {Limits.ReminderAttempts}
                         ORDER BY coalesce(next_attempt_at, due_at)
                         LIMIT 1
                        """
                    )
            );
        }

        private async Task<Delivery> Prepare(ReminderRow row)
        {
            try
            {
                var (body, file) = Compose(row);
                var found = await references.ScanAs(row.Agent, body);
                // The file was just written, so it is a reference even if its name holds a character that ends a path
                // in a text.
                return new Delivery(
                    row,
                    body,
                    file is null ? found : [file, .. found.Where(path => path != file)],
                    null
                );
            }
            catch (Exception e)
            {
                LogFailed(log, row.Id, row.Agent, e.Message, e is Problem or IOException ? null : e);
                return new Delivery(row, "", [], e.Message);
            }
        }

        // The message's body, and the file that it points to.
        private (string Body, string? File) Compose(ReminderRow row)
        {
            var size = Encoding.UTF8.GetByteCount(row.Message);
            // Nothing is written for an agent that no longer exists; its reminder is about to be cancelled.
            if (roster.Find(row.Agent) is not { } agent || (row.FilePath is null && size <= Limits.BodyBytes))
                return (row.Message + LateNote(row), null);
            // Named after the reminder, so that a retry after a kill or an error overwrites the same file.
            var due = DateTimeOffset.FromUnixTimeMilliseconds(row.DueAt);
            var path =
                row.FilePath
                ?? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{folders.StateAsSeenBy(agent)}/reminders/auto-{due:yyyyMMddHHmmss}-{row.Id}.md"
                );
            try
            {
                files.Write(row.Agent, path, row.Message);
            }
            catch (Problem refused) when (size <= Limits.BodyBytes)
            {
                return ($"{row.Message}\n\n[{refused.Message}; here is the text itself]{LateNote(row)}", null);
            }

            return (
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Your reminder is in {path} ({size} bytes).{LateNote(row)}"
                ),
                path
            );
        }

        private string LateNote(ReminderRow row)
        {
            // A reminder set for a time in the past is not late when it is delivered at once.
            var late = Now() - Math.Max(row.DueAt, row.CreatedAt);
            return late < LateMs
                ? ""
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"\n\n[{Describe(TimeSpan.FromMilliseconds(late))} late: due at "
                        + $"{DateTimeOffset.FromUnixTimeMilliseconds(row.DueAt):yyyy-MM-dd'T'HH:mm:ss'Z'}]"
                );
        }

        private static string Describe(TimeSpan span) =>
            span switch
            {
                { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.Seconds} s"),
                { TotalHours: < 1 } => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{span.Minutes} min {span.Seconds} s"
                ),
                { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.Hours} h {span.Minutes} min"),
                _ => string.Create(CultureInfo.InvariantCulture, $"{span.Days} d {span.Hours} h"),
            };

        // Not cancelled when the host stops.
        private async Task Deliver(List<Delivery> deliveries)
        {
            try
            {
                await store.Write(write =>
                {
                    foreach (var delivery in deliveries)
                        Deliver(write, delivery);
                    DeleteOld(write);
                });
            }
            catch (Exception e) when (!IsUnavailable(e))
            {
                // A write for each shows which one fails.
                foreach (var delivery in deliveries)
                    await DeliverAlone(delivery);
            }
        }

        private async Task DeliverAlone(Delivery delivery)
        {
            try
            {
                await store.Write(write => Deliver(write, delivery));
            }
            catch (Exception e) when (!IsUnavailable(e))
            {
                LogFailed(log, delivery.Row.Id, delivery.Row.Agent, e.Message, e);
                await store.Write(write => Fail(write, delivery.Row.Id, e.Message));
            }
        }

        private void Deliver(IWrite write, Delivery delivery)
        {
            var (row, body, refs, error) = delivery;
            if (error is not null)
            {
                Fail(write, row.Id, error);
                return;
            }

            // No row: it was cancelled after it was read.
            if (
                write.Db.Execute(
                    "UPDATE reminders SET sent_at = @now, next_attempt_at = NULL WHERE id = @Id AND sent_at IS NULL",
                    new { row.Id, now = Now() }
                ) == 0
            )
                return;
            outbox.Append(write, Principals.Reminder, row.Agent, body, refs);
            pending.Change(write, row.Agent, -1);
            write.Raise(new ReminderRemoved(row.Id, row.Agent));
        }

        // Retries after 5 s, 20 s, 80 s and 320 s; after the fifth failure only the operator retries.
        private void Fail(IWrite write, long id, string error)
        {
            var row = write.Db.QuerySingleOrDefault<ReminderRow>(
                $"""
                UPDATE reminders
                   SET attempt_count = attempt_count + 1,
                       last_error = @error,
                       next_attempt_at = CASE
                         WHEN attempt_count + 1 < {Limits.ReminderAttempts} THEN @now + (5000 << (2 * attempt_count))
                       END
                 WHERE id = @id AND sent_at IS NULL
                RETURNING {ReminderRow.Columns}
                """,
                new
                {
                    id,
                    error,
                    now = Now(),
                }
            );
            if (row is not null)
                write.Raise(new ReminderChanged(row.ToView()));
        }

        private void DeleteOld(IWrite write) =>
            write.Db.Execute(
                $"""
                DELETE FROM reminders
                 WHERE id IN (
                    SELECT id
                      FROM reminders INDEXED BY reminders_sent
                     WHERE sent_at IS NOT NULL AND sent_at < @before
                     LIMIT {2 * PerWrite})
                """,
                new { before = clock.GetUtcNow().Subtract(Retention).ToUnixTimeMilliseconds() }
            );

        private static bool IsUnavailable(Exception e) => e is Problem { Code: ErrorCode.Unavailable };

        private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

        [LoggerMessage(Level = LogLevel.Warning, Message = "could not deliver reminder {Id} of {Agent}: {Reason}")]
        private static partial void LogFailed(ILogger logger, long id, string agent, string reason, Exception? error);

        private sealed record Delivery(ReminderRow Row, string Body, IReadOnlyList<string> Refs, string? Error);
    }
}
