using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Agents;

/// <summary>Describes agents by what they can do, and finds those that fit.</summary>
internal sealed class Registry(IRoster roster, IAgentStanding standing, Liveness liveness) : IAgentRegistry
{
    RegisteredAgent IAgentRegistry.Of(string name) => RegisteredAgent.Of(Of(roster.Require(name)));

    public KnownAgent Of(AgentEntry agent) => Of(agent, standing.Of(agent.Name));

    /// <summary>The agents that can be given a task, the best first, then by name.</summary>
    /// <param name="filter">An agent that has none of its capabilities is left out.</param>
    /// <param name="limit">The most agents.</param>
    public IReadOnlyList<AgentFit> Find(IAgentFilter filter, int limit)
    {
        var required = WorkWords.Normalise(filter.Capabilities ?? []);
        var duty = WorkWords.DutyOf(filter.AgentType ?? "none") ?? Duty.None;
        return
        [
            .. roster
                .All.Where(a => a.TakesTasks)
                .Where(a => duty == Duty.None || a.Duty == duty)
                .Where(a => filter.PhaseId is null || a.Work.Takes(filter.PhaseId))
                .Select(a => (Agent: a, Condition: standing.Of(a.Name), Matched: Matched(a, required)))
                .Where(a => a.Condition.CanWork && (required.Count == 0 || a.Matched.Length > 0))
                .Select(a => (a.Agent, a.Condition, a.Matched, Score: Score(a.Agent, a.Condition, required, a.Matched)))
                .OrderByDescending(a => a.Score)
                .ThenBy(a => a.Agent.Name, StringComparer.Ordinal)
                .Take(limit)
                .Select(a => new AgentFit(Of(a.Agent, a.Condition), a.Score, a.Matched)),
        ];
    }

    /// <summary>The agent that fits best.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: no agent can take it.</exception>
    public AgentFit Best(IAgentFilter filter) =>
        Find(filter, limit: 1) is [var best]
            ? best
            : throw Problem.NotFound(
                "no agent can take this now; it needs a duty, one of the capabilities and the phase, and must be "
                    + "connected, logged in and neither paused nor held"
            );

    private KnownAgent Of(AgentEntry agent, AgentCondition condition) =>
        new(
            Name: agent.Name,
            Status: condition.Status,
            Health: condition.Health,
            Capabilities: agent.Work.Capabilities,
            Capacity: agent.Capacity,
            ActiveTasks: condition.ActiveTasks,
            Tags: agent.Work.Tags,
            Paused: agent.Paused,
            Duty: agent.Duty.Word(),
            Phases: agent.Work.Phases,
            Held: agent.Held,
            Overridden: agent.Override is null ? null : [.. Overridden(agent.Override)],
            CreatedAt: agent.CreatedAt,
            SeenAt: liveness.SeenAt(agent.Name)
        );

    private static IEnumerable<string> Overridden(WorkOverride change)
    {
        if (change.Capabilities is not null)
            yield return WorkChanges.Fields.Capabilities;
        if (change.Capacity is not null)
            yield return WorkChanges.Fields.Capacity;
        if (change.Tags is not null)
            yield return WorkChanges.Fields.Tags;
        if (change.Phases is not null)
            yield return WorkChanges.Fields.Phases;
        if (change.Duty is not null)
            yield return WorkChanges.Fields.Duty;
    }

    private static string[] Matched(AgentEntry agent, IReadOnlyList<string> required) =>
        [.. required.Where(agent.Work.Capabilities.Contains).Order(StringComparer.Ordinal)];

    private static double Score(
        AgentEntry agent,
        AgentCondition condition,
        IReadOnlyList<string> required,
        string[] matched
    ) =>
        MatchScore.Of(
            required.Count == 0 ? 0 : (double)matched.Length / required.Count,
            condition.Status == AgentStatusWord.Idle,
            condition.IsHealthy,
            agent.Capacity
        );
}
