using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists the agents that have had no connection for some time.</summary>
internal static class ListStaleAgents
{
    /// <param name="TimeoutSeconds">An agent without a connection for that time is stale.</param>
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only those above this one in the list.</param>
    internal sealed record Query(long? TimeoutSeconds = null, int? Limit = null, string? Before = null)
        : IRequest<IReadOnlyList<RegisteredAgent>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.TimeoutSeconds).MustBeTimeout();
    }

    internal sealed class Handler(IRoster roster, Liveness liveness, Registry registry)
        : IRequestHandler<Query, IReadOnlyList<RegisteredAgent>>
    {
        public Task<IReadOnlyList<RegisteredAgent>> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<RegisteredAgent>>([
                // The one that is named may have connected since the page before.
                .. roster
                    .All.Page(limit: null, query.Before, agent => agent.Name)
                    .Where(agent => liveness.Of(agent, query.TimeoutSeconds).Stale)
                    .Page(query.Limit, before: null, agent => agent.Name)
                    .Select(registry.Of)
                    .Select(RegisteredAgent.Of),
            ]);
    }
}
