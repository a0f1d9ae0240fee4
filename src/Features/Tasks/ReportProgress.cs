using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Says how far a task is, and hands in what is ready already. One report a second is kept.</summary>
internal static class ReportProgress
{
    private const long PauseMs = 1000;

    internal sealed record Command(
        Caller Caller,
        [property: Description("A sentence on how it goes, at most 500 bytes.")] string Text,
        [property: Description("The task; left out, the only one that you have.")] long? Task = null,
        [property: Description("How far it is, from 0 to 100.")] int? Percent = null,
        [property: Description("What is ready already, as with complete_task.")]
            IReadOnlyList<HandedIn>? Artifacts = null,
        [property: Description("The run that task_assigned named; a call about an ended run is refused.")]
            long? Run = null,
        [property: Description("Any text of your own: repeating a call with the same key hands nothing in twice.")]
            string? Key = null
    ) : IRequest<Result>;

    /// <param name="Task">The task.</param>
    /// <param name="StillYours">False: stop, it was cancelled or given to another agent.</param>
    /// <param name="DeadlineAt">When its run times out.</param>
    internal sealed record Result(TaskMark Task, bool StillYours, DateTimeOffset? DeadlineAt = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Text).MustBeText(TaskRules.ProgressBytes);
            RuleFor(c => c.Text).NotEmpty().WithMessage("'text' is empty; say how it goes");
            RuleFor(c => c.Task).MustBeTaskId();
            RuleFor(c => c.Run).MustBeTaskId("run");
            RuleFor(c => c.Percent)
                .Must(p => p is null or (>= 0 and <= 100))
                .WithMessage("'percent' must be from 0 to 100");
            RuleFor(c => c.Artifacts).MustBeArtifacts();
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        OwnTask own,
        RunClocks clocks,
        OpenRuns runs,
        TaskChanges changes,
        HandIns handIns,
        TimeProvider clock
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            // Not an error for an agent that is still at it: the answer tells it to stop.
            if (command.Task is { } id && await Lost(command, id, cancellationToken) is { } lost)
                return lost;
            return await handIns.Once(
                (command.Caller, "report_progress", command.Key),
                (command.Task, command.Run),
                command.Artifacts,
                (write, handedIn) => Store(write, command, handedIn),
                cancellationToken
            );
        }

        private Task<Result?> Lost(Command command, long id, CancellationToken ct) =>
            store.Read(
                db =>
                {
                    var row = TaskTable.Require(db, id);
                    var isOwn =
                        row.Agent == command.Caller.Name
                        && row.IsWithAgent
                        && (command.Run is null || command.Run == row.Run);
                    return !isOwn && OwnTask.HadRun(db, command.Caller.Name, id)
                        ? new Result(TaskMark.Of(row), false)
                        : null;
                },
                ct
            );

        private Result Store(IWrite write, Command command, HandIns.HandedInParts handedIn)
        {
            var row = own.Begin(write, command.Caller, handedIn.Task, handedIn.Run);
            HandIns.Handed(write, row, handedIn.Parts, command.Caller.Name);
            row = TaskTable.Require(write.Db, row.Id);
            var now = changes.Now;
            if (row.ProgressAt is not { } last || now - last >= PauseMs || now < last)
                row = changes.Set(
                    write,
                    row,
                    row with
                    {
                        Progress = command.Text,
                        ProgressPercent = command.Percent ?? row.ProgressPercent,
                        ProgressAt = now,
                    }
                );
            var run = runs.Find(row.Run!.Value);
            // An exit that the reminders name: the agent is still at it.
            if (run is { WasInTurn: true })
            {
                runs.Put(write, run with { WasInTurn = false });
                write.AfterCommit(() => clocks.RestartIdle(run));
            }

            var left = run is null ? null : clocks.SecondsLeft(run);
            return new Result(
                TaskMark.Of(row),
                true,
                clock.GetUtcNow() + RunClocks.LimitOf(left ?? row.TimeoutSeconds)
            );
        }
    }
}
