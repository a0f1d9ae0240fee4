using System.ComponentModel;
using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Locks.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Locks.Rest;

/// <summary>A lock under the names of <c>/api/v1</c>, beside those that the sockets have.</summary>
/// <param name="Lock">Its members as on the sockets.</param>
/// <param name="LockMode"><c>exclusive</c> or <c>shared</c>.</param>
/// <param name="LockedByTaskId">The task that holds it or waits for it.</param>
/// <param name="LockedByAgentId">The task's agent.</param>
internal sealed record RestLock(
    [property: JsonIgnore] LockView Lock,
    string LockMode,
    long LockedByTaskId,
    string LockedByAgentId
) : LockView(Lock)
{
    public static RestLock Of(LockView view) => new(view, view.Mode, view.Task, view.Agent);
}

/// <summary>Lists the locks that are held and the requests that wait.</summary>
internal static class RestListLocks
{
    internal sealed record Query : IRequest<IReadOnlyList<RestLock>>;

    internal sealed class Handler(IStore store) : IRequestHandler<Query, IReadOnlyList<RestLock>>
    {
        public Task<IReadOnlyList<RestLock>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read<IReadOnlyList<RestLock>>(db => [.. ListLocks.Open(db).Select(RestLock.Of)], cancellationToken);
    }
}

/// <summary>Acquires a lock for a task that an agent has. It does not wait: a lock that is not free is a
/// conflict.</summary>
internal static class RestAcquireLock
{
    internal sealed record Command(
        [property: Description("The task that is to hold it.")] long TaskId,
        [property: Description("The kind of the resource, such as repo.")] string ResourceType,
        [property: Description("The name of the resource among its kind.")] string ResourceId,
        [property: Description("exclusive (the default) or shared.")] string? LockMode = null,
        [property: Description("When it is free by itself, in seconds: 1 to 86400, 3600 by default.")]
            long? TtlSeconds = null
    ) : IRequest<RestLock>, ICreated
    {
        public string Resource() => $"{ResourceType}:{ResourceId}";
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TaskId).GreaterThan(0).WithMessage("'task_id' must be a positive task id");
            RuleFor(c => c.ResourceType)
                .Custom(
                    (_, context) =>
                    {
                        if (ResourceName.Fault(context.InstanceToValidate.Resource()) is { } fault)
                            context.AddFailure($"'resource_type' and 'resource_id' as one {fault}");
                    }
                );
            RuleFor(c => c.LockMode).MustBeMode("lock_mode");
            RuleFor(c => c.TtlSeconds).MustBeTtl();
        }
    }

    internal sealed class Handler(IStore store, LockTable table, ILockTasks tasks) : IRequestHandler<Command, RestLock>
    {
        public Task<RestLock> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(write => Acquire(write, c), CancellationToken.None);

        private RestLock Acquire(IWrite write, Command c)
        {
            var answer = table.Acquire(
                write,
                new LockRequest(
                    c.TaskId,
                    tasks.RequireAgent(write, c.TaskId),
                    c.Resource(),
                    c.LockMode ?? LockModes.Exclusive,
                    c.TtlSeconds ?? LockRules.UsualTtl,
                    Notify: false
                )
            );
            return answer.Lock is { } granted
                ? RestLock.Of(granted)
                : throw Problem.Conflict($"task {c.TaskId} {answer.Reason}; release that lock, or wait until it ends");
        }
    }
}

/// <summary>Releases a lock, whoever holds it and however often it was acquired.</summary>
internal static class RestReleaseLock
{
    internal sealed record Command(Caller Caller, long Id) : IRequest<RestLock>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("lock");
    }

    internal sealed class Handler(IStore store, LockTable table) : IRequestHandler<Command, RestLock>
    {
        public Task<RestLock> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => RestLock.Of(table.Free(write, command.Id, $"released by {command.Caller.Name}")),
                CancellationToken.None
            );
    }
}
