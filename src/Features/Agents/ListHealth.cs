using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists the health of all agents, the manager first.</summary>
internal static class ListHealth
{
    /// <param name="TimeoutSeconds">An agent without a connection for that time is stale.</param>
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only those above this one in the list.</param>
    internal sealed record Query(long? TimeoutSeconds = null, int? Limit = null, string? Before = null)
        : IRequest<IReadOnlyList<AgentHealth>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.TimeoutSeconds).MustBeTimeout();
    }

    internal sealed class Handler(IRoster roster, Liveness liveness)
        : IRequestHandler<Query, IReadOnlyList<AgentHealth>>
    {
        public Task<IReadOnlyList<AgentHealth>> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<AgentHealth>>([
                .. roster
                    .All.Page(query.Limit, query.Before, agent => agent.Name)
                    .Select(agent => liveness.Of(agent, query.TimeoutSeconds)),
            ]);
    }
}
