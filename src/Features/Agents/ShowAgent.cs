using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Shows one agent of the registry.</summary>
internal static class ShowAgent
{
    internal sealed record Query(string Name) : IRequest<RegisteredAgent>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Name).MustBeAgentName();
    }

    internal sealed class Handler(IRoster roster, Registry registry) : IRequestHandler<Query, RegisteredAgent>
    {
        public Task<RegisteredAgent> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(RegisteredAgent.Of(registry.Of(roster.Require(query.Name))));
    }
}
