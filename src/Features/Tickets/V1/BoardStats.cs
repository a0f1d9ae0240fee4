using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Tells how full the columns of a board are.</summary>
internal static class BoardStats
{
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string? Workflow = null) : IRequest<IReadOnlyList<Column>>;

    /// <param name="ColumnId">The column.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="TicketCount">The tickets in it.</param>
    /// <param name="WipExceeded">There are more than its limit allows.</param>
    /// <param name="WipLimit">The most tickets.</param>
    /// <param name="Utilization">The tickets as a share of the limit.</param>
    internal sealed record Column(
        string ColumnId,
        string Name,
        int TicketCount,
        bool WipExceeded,
        int? WipLimit = null,
        double? Utilization = null
    );

    internal sealed class Handler(IWorkflows workflows, ColumnCounts counts)
        : IRequestHandler<Query, IReadOnlyList<Column>>
    {
        public Task<IReadOnlyList<Column>> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<Column>>([
                .. counts
                    .View(workflows.Require(query.Workflow))
                    .Select(c => new Column(
                        c.Id,
                        c.Name,
                        c.Count,
                        c.Count > c.WipLimit,
                        c.WipLimit,
                        (double?)c.Count / c.WipLimit
                    )),
            ]);
    }
}
