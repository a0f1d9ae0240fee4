using Hive.Protocol;

namespace Hive.Features.Agents.Contracts;

/// <summary>The rules for <see cref="AgentCondition"/>.</summary>
internal static class ConditionRules
{
    /// <summary>How the hold of an agent in quarantine begins.</summary>
    public const string Quarantine = "quarantined";

    /// <summary>The condition of an agent.</summary>
    /// <param name="agent">Its entry; null when it does not exist.</param>
    /// <param name="activity">Its activity's state; null when nothing is known of it yet.</param>
    /// <param name="activeTasks">The tasks it has.</param>
    public static AgentCondition Of(AgentEntry? agent, string? activity, int activeTasks)
    {
        if (agent is null)
            return new AgentCondition(AgentStatusWord.Terminated, CanWork: false);
        var status = StatusOf(agent, activity, activeTasks);
        return new AgentCondition(
            status,
            agent is { Paused: false, Held: null } && CanWork(status, activity),
            activeTasks
        );
    }

    private static string StatusOf(AgentEntry agent, string? activity, int activeTasks) =>
        activity switch
        {
            ActivityState.Failed => AgentStatusWord.Failed,
            null or ActivityState.Stopped or ActivityState.NotConnected => AgentStatusWord.Terminated,
            // An operation in progress; its word is the operation's kind. These two end the agent's run.
            "stopping" or "destroying" => AgentStatusWord.Terminated,
            _ when ActivityState.Rank(activity) == 1 => AgentStatusWord.Spawning,
            _ when agent.Held?.StartsWith(Quarantine, StringComparison.Ordinal) == true => AgentStatusWord.Quarantined,
            _ when agent.Paused => AgentStatusWord.Maintenance,
            _ when agent.Held is not null => AgentStatusWord.Degraded,
            ActivityState.NeedsLogin or ActivityState.NoDriver or ActivityState.RateLimited => AgentStatusWord.Degraded,
            ActivityState.Working or ActivityState.Compacting => AgentStatusWord.Running,
            _ => activeTasks > 0 ? AgentStatusWord.Running : AgentStatusWord.Idle,
        };

    // A rate limit ends by itself; a hold, a missing login and a missing driver do not.
    private static bool CanWork(string status, string? activity) =>
        status is AgentStatusWord.Idle or AgentStatusWord.Running or AgentStatusWord.Spawning
        || (status == AgentStatusWord.Degraded && activity == ActivityState.RateLimited);
}
