using FluentValidation;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Writes a workflow as YAML that loads again.</summary>
internal static class ExportWorkflow
{
    /// <param name="Name">The workflow.</param>
    /// <param name="Dialect"><c>hive</c>, or <c>upstream</c> for the keys of the system that Hive recreates.</param>
    internal sealed record Query(string Name, string? Dialect = null) : IRequest<Result>;

    internal sealed record Result(string Name, string Text);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            RuleFor(q => q.Dialect)
                .Must(d => d is null or "hive" or "upstream")
                .WithMessage("'dialect' must be hive or upstream");
    }

    internal sealed class Handler(WorkflowSet workflows) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var spec = workflows.RequireView(request.Name).Spec;
            return Task.FromResult(
                new Result(
                    spec.Name,
                    request.Dialect == "upstream" ? WorkflowWriter.Upstreams(spec) : WorkflowWriter.Own(spec)
                )
            );
        }
    }
}
