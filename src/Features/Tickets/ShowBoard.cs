using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Shows the columns of a workflow's board with their counts.</summary>
internal static class ShowBoard
{
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string? Workflow = null) : IRequest<Result>;

    internal sealed record Result(Board Board);

    /// <param name="Workflow">The workflow.</param>
    /// <param name="Columns">Its columns in their order.</param>
    internal sealed record Board(string Workflow, IReadOnlyList<BoardColumnView> Columns);

    internal sealed class Handler(IWorkflows workflows, ColumnCounts counts) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(Of(workflows.Require(query.Workflow), counts));
    }

    /// <summary>The board of a workflow as it is now.</summary>
    public static Result Of(Workflow workflow, ColumnCounts counts) =>
        new(new Board(workflow.Name, counts.View(workflow)));
}
