using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Lists the phases of a workflow.</summary>
internal static class ListPhases
{
    /// <param name="Workflow">The workflow; null for the default one.</param>
    internal sealed record Query(string? Workflow = null) : IRequest<IReadOnlyList<PhaseConfig>>;

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, IReadOnlyList<PhaseConfig>>
    {
        public Task<IReadOnlyList<PhaseConfig>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(PhaseConfig.Of(workflows.Require(request.Workflow)));
    }
}
