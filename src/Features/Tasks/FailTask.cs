using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Ends the caller's run of a task without a result.</summary>
internal static class FailTask
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("Why, at most 2000 bytes.")] string Reason,
        [property: Description("The task; left out, the only one that you have.")] long? Task = null,
        [property: Description(
            "retryable: try again later; permanent: it cannot be done; needs_input: a person has to supply something. "
                + "Left out: by the words of the reason."
        )]
            string? Kind = null,
        [property: Description("The run that task_assigned named; a call about an ended run is refused.")]
            long? Run = null,
        [property: Description("Any text of your own: a repeated call with the same key gets the first one's answer.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(TaskMark Task);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Reason).NotEmpty().WithMessage("'reason' is empty; say why it failed");
            RuleFor(c => c.Reason).MustBeText(TaskRules.ReasonBytes);
            RuleFor(c => c.Task).MustBeTaskId();
            RuleFor(c => c.Run).MustBeTaskId("run");
            RuleFor(c => c.Kind)
                .Must(kind => kind is null || FailureKind.All.Contains(kind))
                .WithMessage($"'kind' can be {string.Join(", ", FailureKind.All)}");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, OwnTask own, RunEnds ends, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                    keys.Once(
                        write,
                        command.Caller.Name,
                        "fail_task",
                        command.Key,
                        () => new Result(TaskMark.Of(Store(write, command)))
                    ),
                CancellationToken.None
            );

        private TaskRow Store(IWrite write, Command command)
        {
            var row = own.Begin(write, command.Caller, command.Task, command.Run);
            var kind = command.Kind ?? FailureKind.Of(command.Reason);
            return kind == FailureKind.NeedsInput
                ? ends.NeedsInput(write, row, command.Reason)
                : ends.Fail(write, row, RunEnd.Failed, command.Reason, kind);
        }
    }
}
