using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Counts the agents by what they are and how they are.</summary>
internal static class CountAgents
{
    private const string NoPhase = "no_phase";

    internal sealed record Query : IRequest<AgentStatistics>;

    internal sealed class Handler(IRoster roster, Registry registry, Liveness liveness, TimeProvider clock)
        : IRequestHandler<Query, AgentStatistics>
    {
        public Task<AgentStatistics> Handle(Query request, CancellationToken cancellationToken)
        {
            var all = roster.All;
            RegisteredAgent[] agents = [.. all.Select(registry.Of).Select(RegisteredAgent.Of)];
            AgentHealth[] health = [.. all.Select(agent => liveness.Of(agent, timeoutSeconds: null))];
            var now = clock.GetUtcNow();
            int Within(TimeSpan time) => health.Count(h => now - h.LastHeartbeat <= time);
            var (healthy, unknown) = (health.Count(h => h.Healthy), health.Count(h => h.HealthStatus == "unknown"));
            return Task.FromResult(
                new AgentStatistics(
                    agents.Length,
                    Counts(agents, a => a.Status),
                    Counts(agents, a => a.AgentType),
                    Counts(agents, a => a.PhaseId ?? NoPhase),
                    new HealthSummary(healthy, health.Length - healthy - unknown, unknown),
                    new RecentHeartbeats(
                        Within(TimeSpan.FromMinutes(5)),
                        Within(TimeSpan.FromHours(1)),
                        Within(TimeSpan.FromDays(1))
                    )
                )
            );
        }

        private static Dictionary<string, int> Counts(
            IEnumerable<RegisteredAgent> agents,
            Func<RegisteredAgent, string> by
        ) => agents.GroupBy(by).OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count());
    }
}
