using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Reminders.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Sets a reminder for the calling agent. Answers when the reminder is on disk.</summary>
internal static class Remind
{
    internal sealed record Command(
        [property: Description(
            "The text of the reminder. A text of more than 4096 bytes is delivered as a file under your state folder."
        )]
            string Message,
        Caller Caller,
        [property: Description("In how many whole seconds, from 0. Either this or 'at'.")] long? DelaySeconds = null,
        [property: Description(
            "When, with its offset from UTC, as in 2026-01-31T12:00:00+01:00; a time in the past is delivered "
                + "at once. Either this or 'delay_seconds'."
        )]
            DateTimeOffset? At = null,
        [property: Description(
            "A file under your state folder to write the text to; the message then points to it. An existing "
                + "file is overwritten."
        )]
            string? FilePath = null,
        [property: Description(
            "Any text of your own: repeating a call with the same key within 24 hours does not remind twice."
        )]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(long Id, DateTimeOffset DueAt);

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const long MaxSeconds = Limits.ReminderDays * 24L * 60 * 60;

        public Validator()
        {
            RuleFor(c => c.Message)
                .Cascade(CascadeMode.Stop)
                .NotEmpty()
                .WithMessage("'message' is empty; say what to remind you of")
                .MustBeText(Limits.LineBytes);
            RuleFor(c => c)
                .Must(c => c.DelaySeconds is null != c.At is null)
                .WithMessage("exactly one of 'delay_seconds' and 'at' must be given");
            RuleFor(c => c.DelaySeconds)
                .InclusiveBetween(0, MaxSeconds)
                .WithMessage(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"'delay_seconds' must be from 0 to {MaxSeconds} ({Limits.ReminderDays} days); set a "
                            + $"nearer reminder, and another one when it comes"
                    )
                );
            RuleFor(c => c.FilePath).MustBeText(Limits.BodyBytes);
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        ReminderScheduler scheduler,
        PendingReminders pending,
        IdempotencyKeys keys,
        IRoster roster,
        IFileReferences references,
        IStateFileWriter files,
        IOutbox outbox,
        TimeProvider clock
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = command.Caller.Name;
            var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds());
            var due = command.At ?? now.AddSeconds(command.DelaySeconds!.Value);
            // With a key that was used before, the first result counts even if the request is invalid by now; so faults
            // are only thrown inside the write. The scan comes first, because after it this is not the thread that
            // serves sockets, and checking the path may wait for the file system.
            var found = await references.ScanAs(
                agent,
                command.FilePath is null ? command.Message : $"{command.Message}\n{command.FilePath}"
            );
            var fault =
                due > now.AddDays(Limits.ReminderDays)
                    ? Problem.Invalid(
                        $"'at' is more than {Limits.ReminderDays} days ahead; set a nearer reminder, and another "
                            + "one when it comes"
                    )
                    : PathFault(agent, command.FilePath);
            var reminder = new ReminderView(
                0,
                agent,
                command.Message,
                found,
                now,
                DateTimeOffset.FromUnixTimeMilliseconds(due.ToUnixTimeMilliseconds()),
                0,
                command.FilePath
            );
            return await store.Write(
                write =>
                    keys.Once(
                        write,
                        agent,
                        "remind",
                        command.Key,
                        () => fault is null ? Store(write, reminder) : throw fault
                    ),
                CancellationToken.None
            );
        }

        private Problem? PathFault(string agent, string? path) =>
            path is not null && files.Fault(agent, path) is { } fault ? Problem.Invalid($"'file_path': {fault}") : null;

        private Result Store(IWrite write, ReminderView reminder)
        {
            // The agent may have been destroyed since it asked.
            roster.Require(reminder.Agent);
            if (pending.Of(reminder.Agent) >= Limits.PendingReminders)
                throw Problem.Conflict(
                    $"{reminder.Agent} has {Limits.PendingReminders} pending reminders, which is the limit; "
                        + "cancel one with cancel_reminder, or wait until one is delivered"
                );
            // Those that were delivered and wait there count; with the pending ones it can become a few more.
            outbox.MustTake(reminder.Agent, Principals.Reminder, reminder.Message);
            var id = write.Db.ExecuteScalar<long>(
                Sql,
                new
                {
                    reminder.Agent,
                    reminder.Message,
                    reminder.FilePath,
                    CreatedAt = reminder.CreatedAt.ToUnixTimeMilliseconds(),
                    DueAt = reminder.DueAt.ToUnixTimeMilliseconds(),
                    FileRefs = reminder.FileRefs.Count == 0
                        ? null
                        : JsonSerializer.Serialize(reminder.FileRefs, WireJson.Options),
                }
            );
            pending.Change(write, reminder.Agent, 1);
            write.Raise(new ReminderChanged(reminder with { Id = id }));
            write.AfterCommit(() => scheduler.Wake(reminder.DueAt.ToUnixTimeMilliseconds()));
            return new Result(id, reminder.DueAt);
        }

        private const string Sql = """
            INSERT INTO reminders (agent, message, file_path, created_at, due_at, file_refs)
            VALUES (@Agent, @Message, @FilePath, @CreatedAt, @DueAt, @FileRefs)
            RETURNING id
            """;
    }
}
