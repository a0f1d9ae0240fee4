using System.ComponentModel;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Reminders.Contracts;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Deletes a pending reminder. An agent can cancel its own, the operator any.</summary>
internal static class CancelReminder
{
    internal sealed record Command([property: Description("The id that 'remind' returned.")] long Id, Caller Caller)
        : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("reminder");
    }

    internal sealed class Handler(IStore store, PendingReminders pending) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    // The owner is part of the condition, so that an agent cannot learn whether another agent's
                    // reminder exists.
                    var owner = command.Caller.Kind == CallerKind.Operator ? null : command.Caller.Name;
                    var agent =
                        write.Db.ExecuteScalar<string?>(Sql, new { command.Id, owner })
                        ?? throw Problem.NotFound(
                            owner is null
                                ? $"pending reminder {command.Id} not found"
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
