using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists the agents that could take a task, the best first.</summary>
internal static class ListFits
{
    private const int DefaultLimit = 5;
    private const int MaxLimit = 20;

    internal sealed record Query(
        IReadOnlyList<string>? Capabilities = null,
        string? PhaseId = null,
        string? AgentType = null,
        int? Limit = null
    ) : IRequest<IReadOnlyList<AgentFit>>, IAgentFilter;

    internal sealed class Validator : AgentFilterRules<Query>;

    internal sealed class Handler(Registry registry) : IRequestHandler<Query, IReadOnlyList<AgentFit>>
    {
        public Task<IReadOnlyList<AgentFit>> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(registry.Find(query, Clamp(query.Limit)));
    }

    /// <summary>The most agents of an answer.</summary>
    internal static int Clamp(int? limit) => Math.Clamp(limit ?? DefaultLimit, 1, MaxLimit);
}
