using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Shows the health of one agent.</summary>
internal static class ShowHealth
{
    internal sealed record Query(string Name, long? TimeoutSeconds = null) : IRequest<AgentHealth>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q.Name).MustBeAgentName();
            RuleFor(q => q.TimeoutSeconds).MustBeTimeout();
        }
    }

    internal sealed class Handler(IRoster roster, Liveness liveness) : IRequestHandler<Query, AgentHealth>
    {
        public Task<AgentHealth> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(liveness.Of(roster.Require(query.Name), query.TimeoutSeconds));
    }
}
