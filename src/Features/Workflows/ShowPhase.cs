using Hive.Common.Errors;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Shows one phase of a workflow.</summary>
internal static class ShowPhase
{
    /// <param name="PhaseId">The phase.</param>
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string PhaseId, string? Workflow = null) : IRequest<PhaseConfig>;

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, PhaseConfig>
    {
        public Task<PhaseConfig> Handle(Query request, CancellationToken cancellationToken)
        {
            var workflow = workflows.Require(request.Workflow);
            var all = PhaseConfig.Of(workflow);
            return Task.FromResult(
                all.FirstOrDefault(p => p.PhaseId == request.PhaseId)
                    ?? throw Problem.NotFound(
                        $"workflow '{workflow.Name}' does not have that phase; available: "
                            + string.Join(", ", all.Select(p => p.PhaseId))
                    )
            );
        }
    }
}
