using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Finds the agent that fits a task best, under the names of <c>/api/v1</c>.</summary>
internal static class FindBestAgent
{
    internal sealed record Query(
        IReadOnlyList<string>? Capabilities = null,
        string? PhaseId = null,
        string? AgentType = null
    ) : IRequest<AgentMatch>, IAgentFilter;

    internal sealed class Validator : AgentFilterRules<Query>;

    internal sealed class Handler(Registry registry) : IRequestHandler<Query, AgentMatch>
    {
        public Task<AgentMatch> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(AgentMatch.Of(registry.Best(query)));
    }
}
