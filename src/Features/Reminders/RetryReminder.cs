using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Reminders.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Retries a failed reminder: clears its failures and delivers it at once if it is due.</summary>
internal static class RetryReminder
{
    internal sealed record Command(long Id) : IRequest<ReminderView>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("reminder");
    }

    internal sealed class Handler(IStore store, ReminderScheduler scheduler) : IRequestHandler<Command, ReminderView>
    {
        public Task<ReminderView> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var row =
                        write.Db.QuerySingleOrDefault<ReminderRow>(Sql, command)
                        ?? throw Problem.NotFound($"pending reminder {command.Id} not found");
                    var reminder = row.ToView();
                    write.Raise(new ReminderChanged(reminder));
                    write.AfterCommit(() => scheduler.Wake(row.DueAt));
                    return reminder;
                },
                CancellationToken.None
            );

        private const string Sql = $"""
            UPDATE reminders
               SET attempt_count = 0, last_error = NULL, next_attempt_at = NULL
             WHERE id = @Id AND sent_at IS NULL
            RETURNING {ReminderRow.Columns}
            """;
    }
}
