using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks.Rest;

/// <summary>Makes one task, under the names of <c>/api/v1</c>.</summary>
internal static class RestCreateTask
{
    internal sealed record Command(
        Caller Caller,
        long TicketId,
        string TaskType,
        string? Title = null,
        string? Description = null,
        string? PhaseId = null,
        string? Priority = null,
        IReadOnlyList<string>? Capabilities = null,
        [property: Description("Ids of tasks of the ticket.")] IReadOnlyList<long>? DependsOn = null,
        [property: Description("The same, as an object with 'depends_on'.")] Edges? Dependencies = null,
        [property: JsonConverter(typeof(WordOrNumber))] string? Quorum = null,
        string? AssignedAgentId = null,
        long? TimeoutSeconds = null,
        string? Review = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<RestTask>, ICreated;

    /// <summary>The answer that is kept for a repeated call.</summary>
    internal sealed record Made(long Id);

    internal sealed record Edges(IReadOnlyList<long> DependsOn);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeIdOf("ticket", "ticket_id");
            RuleFor(c => c.Key).MustBeKey();
            RuleFor(c => c)
                .Custom(
                    (c, context) =>
                    {
                        if (TaskRules.Fault(Spec(c)) is { } fault)
                            context.AddFailure(fault);
                    }
                );
        }
    }

    internal sealed class Handler(
        IStore store,
        TaskMaking making,
        ITickets tickets,
        TaskChanges changes,
        IdempotencyKeys keys
    ) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var made = keys.Once(
                        write,
                        command.Caller.Name,
                        "create_task",
                        command.Key,
                        () => Make(write, command)
                    );
                    return RestTask.Of(write.Db, TaskTable.Require(write.Db, made.Id), changes);
                },
                CancellationToken.None
            );

        private Made Make(IWrite write, Command command)
        {
            var ticket = tickets.Require(write.Db, command.TicketId);
            return new Made(making.AddGiven(write, ticket, [Spec(command)], command.Caller.Name)[0].Id);
        }
    }

    // Upstream's tasks have no title of their own.
    private static TaskSpec Spec(Command c) =>
        new(
            c.TaskType,
            c.Title ?? FirstLine(c.Description) ?? c.TaskType,
            Description: c.Description,
            PhaseId: c.PhaseId,
            Priority: c.Priority,
            Capabilities: c.Capabilities,
            DependsOn:
            [
                .. (c.DependsOn ?? [])
                    .Concat(c.Dependencies?.DependsOn ?? [])
                    .Select(id => JsonSerializer.SerializeToElement(id)),
            ],
            Quorum: c.Quorum,
            Agent: c.AssignedAgentId,
            TimeoutSeconds: c.TimeoutSeconds,
            Review: c.Review
        );

    /// <summary>The beginning of a text, as a title; null for a blank one.</summary>
    internal static string? FirstLine(string? text)
    {
        var line = text?.Trim().Split('\n')[0].Trim();
        return line is { Length: > 0 } ? TextRules.CutCharacters(line, TaskRules.TitleLength) : null;
    }
}

/// <summary>Changes the given fields of a task.</summary>
internal static class RestChangeTask
{
    internal sealed record Command(
        long Id,
        string? Title = null,
        string? Description = null,
        string? Priority = null,
        long? TimeoutSeconds = null
    ) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c)
                .Custom(
                    (c, context) =>
                    {
                        var spec = new TaskSpec(
                            "any",
                            c.Title ?? "any",
                            Description: c.Description,
                            Priority: c.Priority,
                            TimeoutSeconds: c.TimeoutSeconds
                        );
                        if (TaskRules.Fault(spec) is { } fault)
                            context.AddFailure(fault);
                    }
                );
        }
    }

    internal sealed class Handler(IStore store, TaskActs acts, TaskChanges changes) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var row = TaskTable.Require(write.Db, command.Id);
                    if (command.Title is not null || command.Description is not null)
                        row = acts.Describe(write, row, command.Title, command.Description);
                    if (command.Priority is { } priority)
                        row = acts.SetPriority(write, row, Priorities.Number(priority));
                    if (command.TimeoutSeconds is { } seconds)
                        row = acts.SetTimeout(write, row, seconds);
                    return RestTask.Of(write.Db, row, changes);
                },
                CancellationToken.None
            );
    }
}

/// <summary>Cancels a task.</summary>
internal static class RestCancelTask
{
    internal sealed record Command(long Id, string? Reason = null) : IRequest<Result>;

    internal sealed record Result(long TaskId, bool Cancelled, string Reason);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.Reason).MustBeText(TaskRules.ReasonBytes);
        }
    }

    internal sealed class Handler(IStore store, TaskActs acts) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var reason = command.Reason ?? "cancelled_by_request";
                    acts.Cancel(write, TaskTable.Require(write.Db, command.Id), reason);
                    return new Result(command.Id, true, reason);
                },
                CancellationToken.None
            );
    }
}

/// <summary>Sets how long one run of a task may take.</summary>
internal static class RestSetTimeout
{
    internal sealed record Command(long Id, long TimeoutSeconds) : IRequest<Result>;

    internal sealed record Result(long TaskId, long TimeoutSeconds, string Status);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.TimeoutSeconds)
                .Custom(
                    (seconds, context) =>
                    {
                        if (TaskRules.TimeoutFault(seconds) is { } fault)
                            context.AddFailure(fault);
                    }
                );
        }
    }

    internal sealed class Handler(IStore store, TaskActs acts) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var row = acts.SetTimeout(write, TaskTable.Require(write.Db, command.Id), command.TimeoutSeconds);
                    return new Result(row.Id, row.TimeoutSeconds, row.Status);
                },
                CancellationToken.None
            );
    }
}

/// <summary>Makes the tasks of a phase's templates that have made none yet.</summary>
internal static class RestGenerateTasks
{
    internal sealed record Command(long Id, Caller Caller, string? PhaseId = null) : IRequest<IReadOnlyList<RestTask>>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(
        IStore store,
        ITickets tickets,
        IWorkflows workflows,
        TicketSeams seams,
        TaskChanges changes
    ) : IRequestHandler<Command, IReadOnlyList<RestTask>>
    {
        public Task<IReadOnlyList<RestTask>> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var ticket = tickets.Require(write.Db, command.Id);
                    var workflow = workflows.Require(ticket.Workflow);
                    var id = command.PhaseId ?? ticket.PhaseId;
                    var phase =
                        workflow.Phases.FirstOrDefault(p => p.Id == id)
                        ?? throw Problem.Invalid(
                            $"'{workflow.Name}' does not have the phase '{id}'; there are "
                                + string.Join(", ", workflow.Phases.Select(p => p.Id))
                        );
                    return RestTask.Of(
                        write.Db,
                        [.. seams.Generate(write, ticket, phase, command.Caller.Name)],
                        changes
                    );
                },
                CancellationToken.None
            );
    }
}

/// <summary>Lets the scheduler give ready tasks to free agents at once, and tells what it gave.</summary>
internal static class RestAssignReady
{
    internal sealed record Command : IRequest<Result>;

    internal sealed record Assignment(long TaskId, string AgentId);

    /// <param name="AssignmentsMade">How many tasks were given.</param>
    /// <param name="TotalReady">How many are ready after that.</param>
    /// <param name="Assignments">What was given to whom.</param>
    internal sealed record Result(int AssignmentsMade, int TotalReady, IReadOnlyList<Assignment> Assignments);

    internal sealed class Validator : AbstractValidator<Command>;

    internal sealed class Handler(IScheduler scheduler) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command request, CancellationToken cancellationToken)
        {
            var made = await scheduler.Assign(cancellationToken);
            return new Result(made.Count, scheduler.Count, [.. made.Select(a => new Assignment(a.Task, a.Agent))]);
        }
    }
}

/// <summary>Makes a change of <see cref="ChangeTask"/> and answers under the names of <c>/api/v1</c>.</summary>
internal sealed class RestActs(IStore store, TaskActs acts, TaskChanges changes)
{
    public Task<RestTask> Change(ChangeTask.Command command) =>
        store.Write(
            write => RestTask.Of(write.Db, ChangeTask.Change(write, acts, command), changes),
            CancellationToken.None
        );
}
