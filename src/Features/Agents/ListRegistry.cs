using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists all agents of the registry, the manager first.</summary>
internal static class ListRegistry
{
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only those above this one in the list.</param>
    internal sealed record Query(int? Limit = null, string? Before = null) : IRequest<IReadOnlyList<RegisteredAgent>>;

    internal sealed class Handler(IRoster roster, Registry registry)
        : IRequestHandler<Query, IReadOnlyList<RegisteredAgent>>
    {
        public Task<IReadOnlyList<RegisteredAgent>> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<RegisteredAgent>>([
                .. roster
                    .All.Page(request.Limit, request.Before, agent => agent.Name)
                    .Select(registry.Of)
                    .Select(RegisteredAgent.Of),
            ]);
    }
}
