using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Makes tasks of a ticket, all or none.</summary>
internal static class AddTasks
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The ticket.")] long Ticket,
        [property: Description(
            "At most 200. 'depends_on' names ids of tasks of the ticket, or a 'ref' of one of these. A ticket has at "
                + "most 1000 tasks, and a task waits for at most 100."
        )]
            IReadOnlyList<TaskSpec> Tasks,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<TaskView> Tasks);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Ticket).MustBeIdOf("ticket", "ticket");
            RuleFor(c => c.Tasks).MustBeTasks();
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        TaskMaking making,
        TaskChanges changes,
        ITickets tickets,
        IdempotencyKeys keys
    ) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => keys.Once(write, command.Caller.Name, "add_tasks", command.Key, () => Store(write, command)),
                CancellationToken.None
            );

        private Result Store(IWrite write, Command command)
        {
            var ticket = tickets.Require(write.Db, command.Ticket);
            var rows = making.AddGiven(write, ticket, command.Tasks, command.Caller.Name);
            return new Result(TaskViews.Of(write.Db, [.. rows], changes.ScoreOf));
        }
    }
}
