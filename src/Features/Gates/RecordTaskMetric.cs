using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Records a measured figure of a task for <c>/api/v1</c>.</summary>
internal static class RecordTaskMetric
{
    /// <param name="TaskId">The task.</param>
    /// <param name="MetricName">The metric's name.</param>
    /// <param name="Value">The figure.</param>
    /// <param name="MetricType">Its type; null for the one that the name tells.</param>
    /// <param name="Threshold">The bound: the most for lint and complexity, the least for the others.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it records nothing again.</param>
    /// <param name="Caller">Who records it.</param>
    internal sealed record Command(
        long TaskId,
        string MetricName,
        double Value,
        Caller Caller,
        string? MetricType = null,
        double? Threshold = null,
        string? Key = null
    ) : IRequest<TaskMetric>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.TaskId).MustBeIdOf("task", "task_id");
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, TaskMetric>
    {
        public async Task<TaskMetric> Handle(Command command, CancellationToken cancellationToken) =>
            new TaskMetric(
                await mediator.Send(
                    new RecordMetric.Command(
                        command.TaskId,
                        command.MetricName,
                        command.Value,
                        command.Caller,
                        command.MetricType,
                        command.Threshold,
                        command.Key
                    ),
                    cancellationToken
                )
            );
    }
}
