using Hive.Protocol;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Lists the patterns.</summary>
internal static class ListPatterns
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<PatternView> Patterns);

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(workflows.Patterns));
    }
}
