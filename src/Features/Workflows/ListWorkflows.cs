using Hive.Protocol;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Lists the workflows.</summary>
internal static class ListWorkflows
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<WorkflowView> Workflows);

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(workflows.All));
    }
}
