using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Lists the workflows for <c>/api/v1</c>.</summary>
internal static class RestListWorkflows
{
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only those above this one in the list.</param>
    internal sealed record Query(int? Limit = null, string? Before = null) : IRequest<IReadOnlyList<WorkflowView>>;

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, IReadOnlyList<WorkflowView>>
    {
        public Task<IReadOnlyList<WorkflowView>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(workflows.All.Page(request.Limit, request.Before, workflow => workflow.Name));
    }
}

/// <summary>Lists the patterns for <c>/api/v1</c>.</summary>
internal static class RestListPatterns
{
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only those above this one in the list.</param>
    internal sealed record Query(int? Limit = null, string? Before = null) : IRequest<IReadOnlyList<PatternView>>;

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, IReadOnlyList<PatternView>>
    {
        public Task<IReadOnlyList<PatternView>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(workflows.Patterns.Page(request.Limit, request.Before, pattern => pattern.Name));
    }
}
