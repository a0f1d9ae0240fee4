using System.ComponentModel;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists the agents that could take a task, the best first, under the names of <c>/api/v1</c>.</summary>
internal static class SearchAgents
{
    internal sealed record Query(
        [property: Description("What the task requires; an agent with none of these is left out.")]
            IReadOnlyList<string>? Capabilities = null,
        string? PhaseId = null,
        [property: Description("worker or validator; either when left out.")] string? AgentType = null,
        int? Limit = null
    ) : IRequest<IReadOnlyList<AgentMatch>>, IAgentFilter;

    internal sealed class Validator : AgentFilterRules<Query>;

    internal sealed class Handler(Registry registry) : IRequestHandler<Query, IReadOnlyList<AgentMatch>>
    {
        public Task<IReadOnlyList<AgentMatch>> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<AgentMatch>>([
                .. registry.Find(query, ListFits.Clamp(query.Limit)).Select(AgentMatch.Of),
            ]);
    }
}
