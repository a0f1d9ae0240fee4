using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Shows the column in which the tickets of a phase stand.</summary>
internal static class ShowColumn
{
    internal sealed record Query(string PhaseId, string? Workflow = null) : IRequest<ColumnView>;

    internal sealed class Handler(IStore store, IWorkflows workflows, BoardReader board)
        : IRequestHandler<Query, ColumnView>
    {
        public Task<ColumnView> Handle(Query query, CancellationToken cancellationToken)
        {
            var workflow = workflows.Require(query.Workflow);
            return store.Read(
                db =>
                    board.Read(db, workflow).FirstOrDefault(c => c.PhaseMapping.Contains(query.PhaseId))
                    ?? throw Problem.NotFound(
                        $"no column of the workflow '{workflow.Name}' shows the phase '{query.PhaseId}'; its phases: "
                            + string.Join(", ", workflow.Phases.Select(p => p.Id))
                    ),
                cancellationToken
            );
        }
    }
}
