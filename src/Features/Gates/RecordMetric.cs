using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Records a measured figure of a task.</summary>
internal static class RecordMetric
{
    /// <param name="Task">The task.</param>
    /// <param name="Name">The metric's name, such as <c>test_coverage_percentage</c>.</param>
    /// <param name="Value">The figure.</param>
    /// <param name="Type">Its type; null for the one that the name tells.</param>
    /// <param name="Threshold">The bound: the most for lint and complexity, the least for the others.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it gets the first one's answer.</param>
    /// <param name="Caller">Who records it.</param>
    internal sealed record Command(
        long Task,
        string Name,
        double Value,
        Caller Caller,
        string? Type = null,
        double? Threshold = null,
        string? Key = null
    ) : IRequest<Metric>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Task).MustBeIdOf("task", "task");
            RuleFor(c => c.Name).MustBeText(4 * MetricRules.NameLength);
            RuleFor(c => c.Type)
                .Must(type => type is null || MetricTable.Types.Contains(type))
                .WithMessage($"'type' must be one of {string.Join(", ", MetricTable.Types)}");
            RuleFor(c => c.Threshold)
                .Must(bound => bound is not { } number || double.IsFinite(number))
                .WithMessage("'threshold' must be a finite number");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, ITasks tasks, GateMarks marks, IdempotencyKeys keys, TimeProvider clock)
        : IRequestHandler<Command, Metric>
    {
        public Task<Metric> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                    keys.Once(write, command.Caller.Name, "metric_record", command.Key, () => Store(write, command)),
                CancellationToken.None
            );

        private Metric Store(IWrite write, Command command)
        {
            var task = tasks.Require(write.Db, command.Task);
            var metric = MetricTable.Add(
                write,
                task.Id,
                command.Type ?? MetricTable.TypeOf(command.Name),
                command.Name,
                command.Value,
                command.Threshold,
                clock.GetUtcNow()
            );
            marks.Mark(write, task.Ticket);
            return metric;
        }
    }
}
