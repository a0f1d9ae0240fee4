using System.ComponentModel;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Reminders.Contracts;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Takes a pending reminder away for good: an agent its own, the operator any.</summary>
internal static class CancelReminder
{
    internal sealed record Command([property: Description("The number that 'remind' answered.")] long Id, Caller Caller)
        : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).GreaterThan(0).WithMessage("'id' is a reminder's number, above 0");
    }

    internal sealed class Handler(IStore store, PendingReminders pending) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    // Whose it is stands in the statement: an agent does not even learn whether another's exists.
                    var owner = command.Caller.Kind == CallerKind.Operator ? null : command.Caller.Name;
                    var agent =
                        write.Db.ExecuteScalar<string?>(Sql, new { command.Id, owner })
                        ?? throw Problem.NotFound(
                            owner is null
                                ? $"there is no pending reminder {command.Id}"
                                : $"{owner} has no pending reminder {command.Id}"
                        );
                    pending.Change(write, agent, -1);
                    write.Raise(new ReminderRemoved(command.Id, agent));
                    return Done.Instance;
                },
                CancellationToken.None
            );

        private const string Sql = """
            DELETE FROM reminders
             WHERE id = @Id AND sent_at IS NULL AND (@owner IS NULL OR agent = @owner)
            RETURNING agent
            """;
    }
}
