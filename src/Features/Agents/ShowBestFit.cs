using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Shows the agent that fits a task best.</summary>
internal static class ShowBestFit
{
    internal sealed record Query(
        IReadOnlyList<string>? Capabilities = null,
        string? PhaseId = null,
        string? AgentType = null
    ) : IRequest<AgentFit>, IAgentFilter;

    internal sealed class Validator : AgentFilterRules<Query>;

    internal sealed class Handler(Registry registry) : IRequestHandler<Query, AgentFit>
    {
        public Task<AgentFit> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(registry.Best(query));
    }
}
