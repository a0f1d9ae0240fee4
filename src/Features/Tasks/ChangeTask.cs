using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Cancels, retries, skips, holds or otherwise changes one task.</summary>
internal static class ChangeTask
{
    internal static class Actions
    {
        public const string Cancel = "cancel",
            Retry = "retry",
            Skip = "skip",
            Hold = "hold",
            Release = "release",
            Priority = "priority",
            Assign = "assign",
            Depend = "depend",
            Undepend = "undepend",
            Timeout = "timeout",
            Resolve = "resolve",
            Invalidate = "invalidate";

        public static readonly string[] All =
        [
            Cancel,
            Retry,
            Skip,
            Hold,
            Release,
            Priority,
            Assign,
            Depend,
            Undepend,
            Timeout,
            Resolve,
            Invalidate,
        ];
    }

    internal sealed record Command(
        Caller Caller,
        [property: Description("The task.")] long Id,
        [property: Description(
            "cancel, retry (a failed or cancelled one), skip (counts as completed), hold, release, priority, assign, "
                + "depend, undepend, timeout; resolve or invalidate a discovery that was found in it."
        )]
            string Action,
        [property: Description("Why, for cancel, skip and hold.")] string? Reason = null,
        [property: Description("With priority: CRITICAL, HIGH, MEDIUM or LOW.")] string? Priority = null,
        [property: Description("With assign: the only agent that may have it; left out, any agent.")]
            string? Agent = null,
        [property: Description("With depend and undepend: the task that it waits for.")] long? DependsOn = null,
        [property: Description("With timeout: how many seconds one run may take.")] long? TimeoutSeconds = null,
        [property: Description("With resolve and invalidate: the discovery.")] long? Discovery = null,
        [property: Description("Any text of your own: a repeated call with the same key changes nothing again.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(TaskView Task);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Agent).MustBeAgentsName(names, "agent");
            RuleFor(c => c.Id).MustBeIdOf("task");
            RuleFor(c => c.Action)
                .Must(Actions.All.Contains)
                .WithMessage($"'action' can be {string.Join(", ", Actions.All)}");
            RuleFor(c => c.Reason).MustBeText(TaskRules.ReasonBytes);
            RuleFor(c => c.Key).MustBeKey();
            RuleFor(c => c)
                .Custom(
                    (c, context) =>
                    {
                        if (Fault(c) is { } fault)
                            context.AddFailure(fault);
                    }
                );
        }

        private static string? Fault(Command c) =>
            c.Action switch
            {
                Actions.Priority => TaskRules.PriorityFault(c.Priority ?? ""),
                Actions.Depend or Actions.Undepend when c.DependsOn is not > 0 =>
                    "'depends_on' must be the id of the task that it waits for",
                Actions.Resolve or Actions.Invalidate when c.Discovery is not > 0 =>
                    "'discovery' must be the id of a discovery",
                Actions.Timeout => TaskRules.TimeoutFault(c.TimeoutSeconds ?? 0),
                _ => null,
            };
    }

    internal sealed class Handler(IStore store, TaskActs acts, TaskChanges changes, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                    keys.Once(
                        write,
                        command.Caller.Name,
                        "change_task",
                        command.Key,
                        () => new Result(TaskViews.Of(write.Db, [Change(write, acts, command)], changes)[0])
                    ),
                CancellationToken.None
            );
    }

    /// <summary>Makes the change inside a write.</summary>
    internal static TaskRow Change(IWrite write, TaskActs acts, Command c)
    {
        var row = TaskTable.Require(write.Db, c.Id);
        var actor = c.Caller.Name;
        return c.Action switch
        {
            Actions.Cancel => acts.Cancel(write, row, c.Reason ?? "cancelled_by_request"),
            Actions.Retry => acts.Retry(write, row, actor),
            Actions.Skip => acts.Skip(write, row, c.Reason, actor),
            Actions.Hold => acts.Hold(write, row, c.Reason, actor),
            Actions.Release => acts.Release(write, row),
            Actions.Priority => acts.SetPriority(write, row, Priorities.Number(c.Priority!)),
            Actions.Assign => acts.Assign(write, row, c.Agent),
            Actions.Depend => acts.Depend(write, row, c.DependsOn!.Value),
            Actions.Undepend => acts.Undepend(write, row, c.DependsOn!.Value, actor),
            Actions.Timeout => acts.SetTimeout(write, row, c.TimeoutSeconds!.Value),
            Actions.Resolve => acts.EndDiscovery(write, row, c.Discovery!.Value, DiscoveryState.Resolved, actor),
            Actions.Invalidate => acts.EndDiscovery(write, row, c.Discovery!.Value, DiscoveryState.Invalid, actor),
            _ => throw Problem.Invalid($"unknown action '{c.Action}'"),
        };
    }
}
