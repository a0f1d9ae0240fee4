using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Lists a task's metrics, the newest first.</summary>
internal static class ListTaskMetrics
{
    /// <param name="TaskId">The task.</param>
    /// <param name="Limit">The most; 1 to 200.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(long TaskId, int Limit = 200, long? Before = null)
        : IRequest<IReadOnlyList<TaskMetric>>;

    internal sealed class Handler(IStore store, ITasks tasks) : IRequestHandler<Query, IReadOnlyList<TaskMetric>>
    {
        public Task<IReadOnlyList<TaskMetric>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read<IReadOnlyList<TaskMetric>>(
                db =>
                    [
                        .. MetricTable
                            .Of(
                                db,
                                tasks.Require(db, request.TaskId).Id,
                                Math.Clamp(request.Limit, 1, 200),
                                request.Before
                            )
                            .Select(m => new TaskMetric(m)),
                    ],
                cancellationToken
            );
    }
}
