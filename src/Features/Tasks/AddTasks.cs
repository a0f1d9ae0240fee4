using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
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
            IReadOnlyList<TaskSpec>? Tasks = null,
        [property: Description(
            "A pattern of tasks, instead of 'tasks' or beside them: its 'name', and 'values' by parameter."
        )]
            PatternUse? Pattern = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<TaskView> Tasks);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Ticket).MustBeIdOf("ticket", "ticket");
            When(c => c.Tasks is not null || c.Pattern is null, () => RuleFor(c => c.Tasks!).MustBeTasks());
            RuleFor(c => c.Pattern)
                .Must(use => use is null || !string.IsNullOrWhiteSpace(use.Name))
                .WithMessage("'pattern' needs a 'name'");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        TaskMaking making,
        TaskChanges changes,
        ITickets tickets,
        IWorkflows workflows,
        IRoster roster,
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
            var (actor, given) = (command.Caller.Name, command.Tasks ?? []);
            var pattern = command.Pattern is { } use ? workflows.RequirePattern(use.Name) : null;
            var more = pattern is null ? [] : PatternTasks.Expand(pattern, command.Pattern!.Values, roster);
            var rows = making.AddGiven(
                write,
                ticket,
                [.. given, .. more.Select(task => task.Spec)],
                place =>
                    place < given.Count
                        ? new TaskMaking.Origin(actor)
                        : more[place - given.Count].Origin(actor, pattern!.Name),
                place => place < given.Count ? TaskMaking.Place(place) : more[place - given.Count].Step
            );
            return new Result(TaskViews.Of(write.Db, [.. rows], changes.ScoreOf));
        }
    }
}
