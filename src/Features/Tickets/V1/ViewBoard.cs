using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Shows the board of a workflow with its tickets.</summary>
internal static class ViewBoard
{
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string? Workflow = null) : IRequest<Result>;

    internal sealed record Result(string Workflow, IReadOnlyList<ColumnView> Columns);

    internal sealed class Handler(IStore store, IWorkflows workflows, BoardReader board)
        : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken)
        {
            var workflow = workflows.Require(query.Workflow);
            return store.Read(db => new Result(workflow.Name, board.Read(db, workflow)), cancellationToken);
        }
    }
}
