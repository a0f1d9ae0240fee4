using Hive.Common.Activities;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Agents;

/// <summary>Tells from the activity of agents whether they are alive.</summary>
internal sealed class Liveness(IAgentStanding standing, IActivities activities, TimeProvider clock)
{
    /// <summary>After so many seconds without a connection an agent is stale.</summary>
    public const long UsualTimeout = 90;

    public AgentHealth Of(AgentEntry agent, long? timeoutSeconds)
    {
        var condition = standing.Of(agent.Name);
        var (seen, isGone) = LastSeen(agent.Name);
        return new AgentHealth(
            agent.Name,
            RegisteredAgent.TypeOf(agent.Duty.Word()),
            condition.Status,
            condition.Health,
            Healthy: condition.Health == "healthy",
            Stale: isGone && clock.GetUtcNow() - seen >= TimeSpan.FromSeconds(timeoutSeconds ?? UsualTimeout),
            seen
        );
    }

    /// <summary>Now while an agent is connected, else when that ended; null while it starts.</summary>
    public DateTimeOffset? SeenAt(string agent) => LastSeen(agent).At;

    /// <summary>True while the agent has a connection.</summary>
    public bool IsConnected(string agent) => LastSeen(agent) is { At: not null, IsGone: false };

    // An operation in progress is neither connected nor gone.
    private (DateTimeOffset? At, bool IsGone) LastSeen(string agent) =>
        activities.Of(agent) is not { } activity ? (null, false)
        : activity.State is ActivityState.Failed or ActivityState.Stopped or ActivityState.NotConnected
            ? (activity.SinceAt, true)
        : ActivityState.Rank(activity.State) == 1 ? (null, false)
        : (clock.GetUtcNow(), false);
}
