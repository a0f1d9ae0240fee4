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
/// Delivers every reminder that is due, oldest first. What belongs into a file is written before; then the message in
/// the inbox and the stamp on the reminder are one commit,
/// so a kill at any moment leaves it delivered once or still to be delivered. One that fails holds up no other.
/// </summary>
internal static partial class DeliverDueReminders
{
    internal sealed record Command : IRequest<Result>;

    /// <param name="NextAt">When the next one is due, in unix milliseconds; null when there is none.</param>
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

        // What is less is the host's own pace, and says nothing to an agent.
        private const long LateMs = 1_000;

        // Delivered ones are of no use to anybody; they are kept as long as acked messages, in case somebody asks what
        // happened.
        private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

        public async Task<Result> Handle(Command request, CancellationToken cancellationToken)
        {
            while (true)
            {
                var (due, next) = await store.Read(Look, cancellationToken);
                if (due.Length == 0)
                    return new Result(next);
                List<Delivery> prepared = [];
                foreach (var row in due)
                    prepared.Add(await Prepare(row));
                await Deliver(prepared);
            }
        }

        private (ReminderRow[] Due, long? Next) Look(DbConnection db)
        {
            var now = Now();
            // The words of the index, or it would not be used.
            var due = db.Query<ReminderRow>(
                    $"""
                    SELECT {ReminderRow.Columns}
                      FROM reminders INDEXED BY reminders_due
                     WHERE sent_at IS NULL AND attempt_count < 5 AND coalesce(next_attempt_at, due_at) <= @now
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
                        """
                        SELECT coalesce(next_attempt_at, due_at)
                          FROM reminders INDEXED BY reminders_due
                         WHERE sent_at IS NULL AND attempt_count < 5
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
                var (body, file) = Text(row);
                var found = await references.ScanAs(row.Agent, body);
                // It was just written, so it is one, also where its name holds what ends a path in a text.
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

        // What the message says, and the file that it points to.
        private (string Body, string? File) Text(ReminderRow row)
        {
            var size = Encoding.UTF8.GetByteCount(row.Message);
            // It goes with its agent, and an agent that has gone gets nothing written.
            if (roster.Find(row.Agent) is not { } agent || (row.FilePath is null && size <= Limits.BodyBytes))
                return (row.Message + Lateness(row), null);
            // Named after the reminder, so that trying again after a kill or an error writes the same file anew.
            var path =
                row.FilePath
                ?? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{folders.StateAsSeenBy(agent)}/reminders/auto-{DateTimeOffset.FromUnixTimeMilliseconds(row.DueAt):yyyyMMddHHmmss}-{row.Id}.md"
                );
            try
            {
                files.Write(row.Agent, path, row.Message);
            }
            catch (Problem refused) when (size <= Limits.BodyBytes)
            {
                return ($"{row.Message}\n\n[{refused.Message}; so here is the text itself]{Lateness(row)}", null);
            }

            return (
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Your reminder is in {path} ({size} bytes).{Lateness(row)}"
                ),
                path
            );
        }

        private string Lateness(ReminderRow row)
        {
            // What was set for a time in the past is not late when it comes at once.
            var late = Now() - Math.Max(row.DueAt, row.CreatedAt);
            return late < LateMs
                ? ""
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"\n\n[{Words(TimeSpan.FromMilliseconds(late))} late: due at {DateTimeOffset.FromUnixTimeMilliseconds(row.DueAt):yyyy-MM-dd'T'HH:mm:ss'Z'}]"
                );
        }

        private static string Words(TimeSpan span) =>
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

        // Once begun it is done, also when the host is asked to stop meanwhile.
        private async Task Deliver(List<Delivery> deliveries)
        {
            try
            {
                await store.Write(write =>
                {
                    foreach (var delivery in deliveries)
                        Deliver(write, delivery);
                    Forget(write);
                });
            }
            catch (Exception e) when (!IsUnavailable(e))
            {
                // Which of them it was shows when each stands alone.
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

            // None: it was cancelled while it was made ready.
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

        // After 5 s, 20 s, 80 s and 320 s; the fifth failure is the last until the operator acts.
        private void Fail(IWrite write, long id, string error)
        {
            var row = write.Db.QuerySingleOrDefault<ReminderRow>(
                $"""
                UPDATE reminders
                   SET attempt_count = attempt_count + 1,
                       last_error = @error,
                       next_attempt_at = CASE WHEN attempt_count + 1 < {Limits.ReminderAttempts} THEN @now + (5000 << (2 * attempt_count)) END
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

        private void Forget(IWrite write) =>
            write.Db.Execute(
                $"""
                DELETE FROM reminders
                 WHERE id IN (SELECT id FROM reminders INDEXED BY reminders_sent WHERE sent_at IS NOT NULL AND sent_at < @before LIMIT {2
                    * PerWrite})
                """,
                new { before = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds() }
            );

        private static bool IsUnavailable(Exception e) => e is Problem { Code: ErrorCode.Unavailable };

        private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

        [LoggerMessage(Level = LogLevel.Warning, Message = "reminder {Id} of {Agent} could not be delivered: {Reason}")]
        private static partial void LogFailed(ILogger logger, long id, string agent, string reason, Exception? error);

        private sealed record Delivery(ReminderRow Row, string Body, IReadOnlyList<string> Refs, string? Error);
    }
}
