using System.ComponentModel;
using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Completes the caller's task. What it hands in is read and kept first; when that fails, the task is still
/// running.</summary>
internal static class CompleteTask
{
    private const int OutputBytes = 16 * 1024;
    private const int ShownFields = 10;

    internal sealed record Command(
        Caller Caller,
        [property: Description("What was done, at most 4096 bytes.")] string Summary,
        [property: Description("The task; left out, the only one that you have.")] long? Task = null,
        [property: Description("Further results as JSON, at most 16 KiB.")] JsonElement? Outputs = null,
        [property: Description("What was decided, for those who continue.")] IReadOnlyList<string>? Decisions = null,
        [property: Description("What may go wrong.")] IReadOnlyList<string>? Risks = null,
        [property: Description("What else the next one should know.")] IReadOnlyList<string>? Notes = null,
        [property: Description(
            "What the work leaves behind, at most 20: {type, path} of a file in your state folder or /shared, "
                + "{type, content}, or {type, commit, repository}."
        )]
            IReadOnlyList<HandedIn>? Artifacts = null,
        [property: Description("Figures by name, such as test_coverage_percentage.")]
            IReadOnlyDictionary<string, double>? Metrics = null,
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
            RuleFor(c => c.Summary).NotEmpty().WithMessage("'summary' is empty; say what was done");
            RuleFor(c => c.Summary).MustBeText(TaskRules.SummaryBytes);
            RuleFor(c => c.Task).MustBeTaskId();
            RuleFor(c => c.Run).MustBeTaskId("run");
            RuleFor(c => c.Outputs)
                .Must(o => o is null || Encoding.UTF8.GetByteCount(o.Value.GetRawText()) <= OutputBytes)
                .WithMessage($"'outputs' is longer than {OutputBytes} bytes; hand it in as an artifact");
            RuleFor(c => c.Outputs)
                .Must(o => o is null || TaskRules.IsReadable(o.Value))
                .WithMessage("'outputs' has an unpaired surrogate; send valid UTF-8");
            RuleFor(c => c.Decisions).MustBeEntries("decisions");
            RuleFor(c => c.Risks).MustBeEntries("risks");
            RuleFor(c => c.Notes).MustBeEntries("notes");
            RuleFor(c => c.Artifacts).MustBeArtifacts();
            RuleFor(c => c.Metrics)
                .Custom(
                    (metrics, context) =>
                    {
                        if (metrics is not null && MetricRules.Fault(metrics) is { } fault)
                            context.AddFailure(fault);
                    }
                );
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(OwnTask own, RunEnds ends, HandIns handIns) : IRequestHandler<Command, Result>
    {
        private static readonly Dictionary<string, double> NoMetrics = [];

        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            handIns.Once(
                (command.Caller, "complete_task", command.Key),
                (command.Task, command.Run),
                command.Artifacts,
                (write, handedIn) => Store(write, command, handedIn),
                cancellationToken
            );

        private Result Store(IWrite write, Command command, HandIns.HandedInParts handedIn)
        {
            var row = own.Begin(write, command.Caller, handedIn.Task, handedIn.Run);
            if (row.IsReview)
                throw Problem.Conflict($"task {row.Id} is a review; end it with 'review' and a verdict");
            MustHaveFields(row, command.Outputs);
            var result = new TaskResult(
                command.Summary,
                command.Decisions ?? [],
                command.Risks ?? [],
                command.Notes ?? [],
                command.Outputs
            );
            foreach (var part in handedIn.Parts)
                part.Check.Completed(
                    write,
                    row.ToEntry(),
                    result,
                    part.Collected,
                    command.Metrics ?? NoMetrics,
                    command.Caller.Name
                );
            row = ends.Complete(write, TaskTable.Require(write.Db, row.Id), TaskRow.Json(result));
            if (row.Status == TaskState.Reviewing)
            {
                foreach (var part in handedIn.Parts)
                    part.Check.AskReview(write, row.ToEntry());
            }

            return new Result(TaskMark.Of(TaskTable.Require(write.Db, row.Id)));
        }

        // In the merge that waits for it, another name would be lost, or replace what others have handed in.
        private static void MustHaveFields(TaskRow row, JsonElement? outputs)
        {
            var wanted = TaskRow.List<string>(row.Fields);
            string[] given = outputs is { ValueKind: JsonValueKind.Object } fields
                ? [.. fields.EnumerateObject().Select(field => field.Name)]
                : [];
            if (wanted.Count == 0 || given.ToHashSet(StringComparer.Ordinal).SetEquals(wanted))
                return;
            throw Problem.Invalid(
                $"'outputs' of task {row.Id} must be an object with the {Named(wanted)} and no other, so that they "
                    + "stand beside those of the other tasks; "
                    + (given.Length == 0 ? "none was given" : $"it has the {Named(given)}")
                    + "; complete the task again with that"
            );
        }

        private static string Named(IReadOnlyList<string> fields) =>
            (fields.Count == 1 ? "field " : "fields ")
            + string.Join(", ", fields.Take(ShownFields).Select(field => $"'{TextRules.CutCharacters(field, 100)}'"))
            + (fields.Count > ShownFields ? $" and {fields.Count - ShownFields} more" : "");
    }
}
