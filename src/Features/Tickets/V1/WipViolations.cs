using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Lists the columns that hold more tickets than their limit allows, by force or since the limit was
/// lowered.</summary>
internal static class WipViolations
{
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string? Workflow = null) : IRequest<IReadOnlyList<Violation>>;

    /// <param name="ColumnId">The column.</param>
    /// <param name="ColumnName">Its name.</param>
    /// <param name="WipLimit">The most tickets.</param>
    /// <param name="CurrentCount">The tickets in it.</param>
    /// <param name="Excess">How many are too many.</param>
    internal sealed record Violation(string ColumnId, string ColumnName, int WipLimit, int CurrentCount, int Excess);

    internal sealed class Handler(IWorkflows workflows, ColumnCounts counts)
        : IRequestHandler<Query, IReadOnlyList<Violation>>
    {
        public Task<IReadOnlyList<Violation>> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<Violation>>([
                .. counts
                    .View(workflows.Require(query.Workflow))
                    .Where(c => c.Count > c.WipLimit)
                    .Select(c => new Violation(c.Id, c.Name, c.WipLimit!.Value, c.Count, c.Count - c.WipLimit.Value)),
            ]);
    }
}
