using System.Data.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows averages of the newest metrics by their type.</summary>
internal static class ShowTrends
{
    // Of each asked-for entry so many metrics are looked at.
    private const int PerEntry = 10;

    /// <param name="PhaseId">Only metrics of tasks of this phase.</param>
    /// <param name="Limit">A tenth of the newest metrics that are looked at; 1 to 100.</param>
    internal sealed record Query(string? PhaseId = null, int Limit = 10) : IRequest<Result>;

    /// <param name="Trend"><c>no_data</c> when there are no metrics; else absent.</param>
    /// <param name="OverallPassRate">The share of metrics that passed.</param>
    /// <param name="Metrics">The averages by type.</param>
    internal sealed record Result(
        IReadOnlyDictionary<string, MetricTrend> Metrics,
        string? Trend = null,
        double? OverallPassRate = null
    );

    internal sealed class Handler(IStore store, ITasks tasks) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var newest = await store.Read(
                db =>
                    MetricTable
                        .Newest(db, PerEntry * Math.Clamp(request.Limit, 1, 100))
                        .Where(m => request.PhaseId is null || PhaseOf(db, m.Task) == request.PhaseId)
                        .ToArray(),
                cancellationToken
            );
            return newest.Length == 0
                ? new Result(new Dictionary<string, MetricTrend>(), "no_data")
                : new Result(
                    newest
                        .GroupBy(m => m.Type)
                        .ToDictionary(
                            g => g.Key,
                            g => new MetricTrend(
                                g.Average(m => m.Value),
                                g.Average(m => m.Passed ? 1.0 : 0.0),
                                g.Count()
                            )
                        ),
                    OverallPassRate: newest.Average(m => m.Passed ? 1.0 : 0.0)
                );
        }

        // Null for a task that was removed with its ticket at this moment.
        private string? PhaseOf(DbConnection db, long task)
        {
            try
            {
                return tasks.Require(db, task).PhaseId;
            }
            catch (Problem e) when (e.Code == ErrorCode.NotFound)
            {
                return null;
            }
        }
    }
}

/// <summary>The metrics of one type.</summary>
/// <param name="AverageValue">Their average.</param>
/// <param name="PassRate">The share that passed.</param>
/// <param name="SampleCount">Their number.</param>
internal sealed record MetricTrend(double AverageValue, double PassRate, int SampleCount);
