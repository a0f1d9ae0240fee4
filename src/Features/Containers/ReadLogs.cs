using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>What an agent has printed lately, oldest line first.</summary>
internal static class ReadLogs
{
    internal sealed record Query(string Name, long? Lines = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<string> Lines);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).Must(names.IsWellFormed).WithMessage("'name' is no agent name");
    }

    internal sealed class Handler(ContainerLog logs, IRoster roster) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            roster.Require(request.Name);
            var lines = (int)Math.Clamp(request.Lines ?? 200, 1, 5000);
            return Task.Run(() => new Result(logs.Tail(request.Name, lines)), cancellationToken);
        }
    }
}
