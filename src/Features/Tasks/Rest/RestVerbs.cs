using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Tasks.Rest;

/// <summary>Tries a failed or cancelled task again.</summary>
internal static class RestRetryTask
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("task");
    }

    internal sealed class Handler(RestActs rest) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            rest.Change(new ChangeTask.Command(c.Caller, c.Id, ChangeTask.Actions.Retry));
    }
}

/// <summary>Counts a task as completed although nobody did it.</summary>
internal static class RestSkipTask
{
    internal sealed record Command(long Id, Caller Caller, string? Reason = null) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.Reason).MustBeText(TaskRules.ReasonBytes);
        }
    }

    internal sealed class Handler(RestActs rest) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            rest.Change(new ChangeTask.Command(c.Caller, c.Id, ChangeTask.Actions.Skip, c.Reason));
    }
}

/// <summary>Holds a task that is not begun.</summary>
internal static class RestHoldTask
{
    internal sealed record Command(long Id, Caller Caller, string? Reason = null) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.Reason).MustBeText(TaskRules.ReasonBytes);
        }
    }

    internal sealed class Handler(RestActs rest) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            rest.Change(new ChangeTask.Command(c.Caller, c.Id, ChangeTask.Actions.Hold, c.Reason));
    }
}

/// <summary>Releases a held task.</summary>
internal static class RestReleaseTask
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("task");
    }

    internal sealed class Handler(RestActs rest) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            rest.Change(new ChangeTask.Command(c.Caller, c.Id, ChangeTask.Actions.Release));
    }
}

/// <summary>Lets one agent alone have a task, or any.</summary>
internal static class RestAssignTask
{
    internal sealed record Command(
        long Id,
        Caller Caller,
        [property: Description("Left out: any agent.")] string? AgentId = null
    ) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.AgentId).MustBeAgentsName(names, "agent_id");
        }
    }

    internal sealed class Handler(RestActs rest) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            rest.Change(new ChangeTask.Command(c.Caller, c.Id, ChangeTask.Actions.Assign, Agent: c.AgentId));
    }
}

/// <summary>Lets a task wait for others.</summary>
internal static class RestAddDependencies
{
    internal sealed record Command(long Id, [property: BareArray] IReadOnlyList<long> DependsOn) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.DependsOn)
                .Must(ids => ids is { Count: >= 1 and <= TaskMaking.MostEdges } && ids.All(id => id > 0))
                .WithMessage($"'depends_on' must hold 1 to {TaskMaking.MostEdges} ids of tasks");
        }
    }

    internal sealed class Handler(IStore store, TaskActs acts, TaskChanges changes) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var row = TaskTable.Require(write.Db, command.Id);
                    foreach (var on in command.DependsOn)
                        row = acts.Depend(write, row, on);
                    return RestTask.Of(write.Db, row, changes);
                },
                CancellationToken.None
            );
    }
}

/// <summary>A task no longer waits for another one.</summary>
internal static class RestRemoveDependency
{
    internal sealed record Command(long Id, long Dep, Caller Caller) : IRequest<RestTask>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("task");
    }

    internal sealed class Handler(RestActs rest) : IRequestHandler<Command, RestTask>
    {
        public Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            rest.Change(new ChangeTask.Command(c.Caller, c.Id, ChangeTask.Actions.Undepend, DependsOn: c.Dep));
    }
}
