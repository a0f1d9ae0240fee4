using System.ComponentModel;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Locks.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Locks;

/// <summary>Acquires, releases or lists locks for the caller's task; waits for a lock that is not free.</summary>
internal static class UseLock
{
    // The rest of an answer's line is the reason's and the door's.
    private const int AnswerBytes = 48 * 1024;

    /// <summary>The values of <c>action</c>.</summary>
    internal static class Actions
    {
        public const string Acquire = "acquire";
        public const string Release = "release";
        public const string List = "list";
    }

    internal sealed record Command(
        Caller Caller,
        [property: Description("acquire, release, or list: your task's locks, or those on a resource.")] string Action,
        [property: Description("The resource as type:id, such as repo:shop.")] string? Resource = null,
        [property: Description("exclusive (the default) or shared.")] string? Mode = null,
        [property: Description("When it is free by itself, in seconds: 1 to 86400, 3600 by default.")]
            long? TtlSeconds = null,
        [property: Description("How long to wait for it, in seconds: 0 (the default) to 180.")]
            long? WaitSeconds = null,
        [property: Description("Keep your place after the call; a message 'lock_granted' tells when it is yours.")]
            bool? Notify = null,
        [property: Description("The task; left out, the only one that you have.")] long? Task = null,
        [property: Description("The run that task_assigned named; a call about an ended run is refused.")]
            long? Run = null
    ) : IRequest<Result>, IWaitingRequest;

    /// <param name="Granted">The task has the lock; absent for a release and a list.</param>
    /// <param name="Lock">The lock that was granted or released.</param>
    /// <param name="Holders">The locks that keep the task from it.</param>
    /// <param name="Position">The place in the queue; absent when the request does not wait.</param>
    /// <param name="Reason">Why it is not granted.</param>
    /// <param name="Locks">The list.</param>
    /// <param name="More">There are more holders, or more locks, than the answer has room for.</param>
    internal sealed record Result(
        bool? Granted = null,
        LockView? Lock = null,
        IReadOnlyList<LockView>? Holders = null,
        int? Position = null,
        string? Reason = null,
        IReadOnlyList<LockView>? Locks = null,
        bool? More = null
    ) : IUndeliverable
    {
        private Action? undo;

        internal Result OrElse(Action undo)
        {
            this.undo = undo;
            return this;
        }

        void IUndeliverable.NotDelivered() => undo?.Invoke();
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Action)
                .Must(a => a is Actions.Acquire or Actions.Release or Actions.List)
                .WithMessage("'action' can be acquire, release or list");
            RuleFor(c => c.Resource)
                .NotNull()
                .When(c => c.Action != Actions.List)
                .WithMessage("'resource' is missing; name it as type:id, such as repo:shop");
            RuleFor(c => c.Resource).MustBeResource();
            RuleFor(c => c.Mode).MustBeMode();
            RuleFor(c => c.TtlSeconds).MustBeTtl();
            RuleFor(c => c.WaitSeconds)
                .Must(s => s is null or (>= 0 and <= Limits.MaxWaitSeconds))
                .WithMessage($"'wait_seconds' must be from 0 to {Limits.MaxWaitSeconds}");
            RuleFor(c => c.Task).Must(id => id is null or > 0).WithMessage("'task' must be a positive id");
            RuleFor(c => c.Run).Must(id => id is null or > 0).WithMessage("'run' must be a positive id");
        }
    }

    internal sealed class Handler(
        IStore store,
        LockTable table,
        ILockTasks tasks,
        TimeProvider clock,
        IHostApplicationLifetime lifetime
    ) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            command.Action switch
            {
                Actions.Acquire => Acquire(command, cancellationToken),
                Actions.Release => store.Write(
                    write => new Result(Lock: table.Release(write, TaskOf(write, command), command.Resource!)),
                    CancellationToken.None
                ),
                _ => List(command),
            };

        private async Task<Result> Acquire(Command command, CancellationToken gone)
        {
            var wait = TimeSpan.FromSeconds(command.WaitSeconds ?? 0);
            var waiter = wait > TimeSpan.Zero ? new LockWaiter() : null;
            var answer = await store.Write(
                write => table.Acquire(write, Request(TaskOf(write, command), command), waiter),
                CancellationToken.None
            );
            if (answer.Waiting > 0)
                answer = await Wait(answer.Waiting, waiter!, wait, gone);
            if (answer.Grant is { } grant)
                return new Result(true, answer.Lock).OrElse(() => Undo(grant));
            var (holders, more) = Cut(answer.Holders!);
            return new Result(false, null, holders, answer.Position, answer.Reason, More: more);
        }

        private async Task<LockAnswer> Wait(long id, LockWaiter waiter, TimeSpan wait, CancellationToken gone)
        {
            await using var timer = clock.CreateTimer(_ => EndWait(id, waiter), null, wait, Timeout.InfiniteTimeSpan);
            await using var registration = gone.Register(() => EndWait(id, waiter));
            return await waiter.Task;
        }

        private async Task<Result> List(Command command)
        {
            var rows = command.Resource is { } resource
                ? await store.Read(
                    db => LockRows.OfResource(db, ResourceName.Parts(resource).Type, ResourceName.Parts(resource).Id),
                    CancellationToken.None
                )
                : await store.Write(write => LockRows.OfTask(write.Db, TaskOf(write, command)), CancellationToken.None);
            var (locks, more) = Cut([.. rows.Select(row => row.ToView())]);
            return new Result(Locks: locks, More: more);
        }

        // The first ones, as many as fit.
        private static (IReadOnlyList<LockView> Shown, bool? More) Cut(IReadOnlyList<LockView> all)
        {
            var left = AnswerBytes;
            LockView[] shown =
            [
                .. all.TakeWhile(row =>
                    (left -= JsonSerializer.SerializeToUtf8Bytes(row, WireJson.Options).Length + 1) >= 0
                ),
            ];
            return (shown, shown.Length < all.Count ? true : null);
        }

        private long TaskOf(IWrite write, Command c) => tasks.Begin(write, c.Caller, c.Task, c.Run);

        private static LockRequest Request(long task, Command c) =>
            new(
                task,
                c.Caller.Name,
                c.Resource!,
                c.Mode ?? LockModes.Exclusive,
                c.TtlSeconds ?? LockRules.UsualTtl,
                c.Notify ?? false
            );

        // Retried until they are stored: a request that stayed in line would be granted to nobody.
        private void EndWait(long id, LockWaiter waiter) =>
            _ = store.WriteUntilStored(write => table.EndWait(write, id, waiter), clock, lifetime.ApplicationStopping);

        private void Undo(LockGrant grant) =>
            _ = store.WriteUntilStored(write => table.Undo(write, grant), clock, lifetime.ApplicationStopping);
    }
}

/// <summary>The rules for what a caller says of locks.</summary>
internal static class LockRules
{
    /// <summary>How long a lock lasts when nobody says otherwise, in seconds.</summary>
    public const long UsualTtl = 3600;

    /// <summary>The longest time of a lock, in seconds: a day.</summary>
    public const long MostTtl = 24 * 3600;

    public static void MustBeResource<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Custom(
            (name, context) =>
            {
                if (name is not null && ResourceName.Fault(name) is { } fault)
                    context.AddFailure($"'resource' {fault}");
            }
        );

    public static void MustBeMode<T>(this IRuleBuilder<T, string?> rule, string field = "mode") =>
        rule.Must(mode => mode is null or LockModes.Exclusive or LockModes.Shared)
            .WithMessage($"'{field}' can be exclusive or shared");

    public static void MustBeTtl<T>(this IRuleBuilder<T, long?> rule) =>
        rule.Must(seconds => seconds is null or (>= 1 and <= MostTtl))
            .WithMessage($"'ttl_seconds' must be from 1 to {MostTtl} (a day)");
}
