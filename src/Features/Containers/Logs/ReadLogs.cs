using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Logs;

/// <summary>Reads an agent's newest output.</summary>
internal static class ReadLogs
{
    internal sealed record Query(string Name, long? Lines = null) : IRequest<Result>;

    /// <param name="Lines">Oldest first.</param>
    /// <param name="Truncated">True when the oldest lines are left out because of their length.</param>
    internal sealed record Result(IReadOnlyList<string> Lines, bool? Truncated = null);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(AgentLogs logs) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new(await logs.Tail(request.Name, request.Lines, cancellationToken));
    }
}
