using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Writes a pattern as YAML that loads again.</summary>
internal static class ExportPattern
{
    internal sealed record Query(string Name) : IRequest<Result>;

    internal sealed record Result(string Name, string Text);

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var spec = workflows.RequirePatternView(request.Name).Spec;
            return Task.FromResult(new Result(spec.Name, PatternReader.Write(spec)));
        }
    }
}
