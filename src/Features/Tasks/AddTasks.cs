using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
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

    internal sealed class Handler(GivenTasks tasks) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command c, CancellationToken cancellationToken) =>
            tasks.Add(c.Caller, "add_tasks", c.Ticket, c.Tasks ?? [], c.Pattern, c.Key);
    }
}

/// <summary>Makes the tasks that a caller names and those of a pattern in one write.</summary>
internal sealed class GivenTasks(
    IStore store,
    TaskMaking making,
    TaskChanges changes,
    ITickets tickets,
    IWorkflows workflows,
    IRoster roster,
    IdempotencyKeys keys
)
{
    /// <summary>Makes the tasks, once for a key of the command.</summary>
    public Task<AddTasks.Result> Add(
        Caller caller,
        string command,
        long ticket,
        IReadOnlyList<TaskSpec> given,
        PatternUse? use,
        string? key
    )
    {
        var more = Expanded(use, given.Count);
        return store.Write(
            write => keys.Once(write, caller.Name, command, key, () => Store(write, caller.Name, ticket, given, more)),
            CancellationToken.None
        );
    }

    // Before the write, for whose end all others wait. A repeated call has its answer even when the pattern is gone.
    private Func<IReadOnlyList<PatternTask>> Expanded(PatternUse? use, int given)
    {
        if (use is null)
            return () => [];
        try
        {
            var tasks = PatternTasks.Expand(workflows.RequirePattern(use.Name), use.Values, roster, given);
            return () => tasks;
        }
        catch (Problem problem)
        {
            return () => throw problem;
        }
    }

    private AddTasks.Result Store(
        IWrite write,
        string actor,
        long id,
        IReadOnlyList<TaskSpec> given,
        Func<IReadOnlyList<PatternTask>> expanded
    )
    {
        var ticket = tickets.Require(write.Db, id);
        var more = expanded();
        var rows = making.AddGiven(
            write,
            ticket,
            [.. given, .. more.Select(task => task.Spec)],
            place => place < given.Count ? new TaskMaking.Origin(actor) : more[place - given.Count].Origin(actor),
            place => place < given.Count ? TaskMaking.Place(place) : more[place - given.Count].Step
        );
        return new AddTasks.Result(TaskViews.Of(write.Db, [.. rows], changes));
    }
}
