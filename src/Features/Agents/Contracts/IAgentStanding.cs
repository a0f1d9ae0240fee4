namespace Hive.Features.Agents.Contracts;

/// <summary>Tells how agents are and what they have to do, for the registry's answers and the agents' rows. It is
/// derived at each look from what is known elsewhere, so it is never out of date.</summary>
internal interface IAgentStanding
{
    /// <summary>The condition of an agent; terminated when it does not exist. From memory.</summary>
    AgentCondition Of(string agent);
}

/// <summary>How an agent is.</summary>
/// <param name="Status">One word of <see cref="AgentStatusWord"/>.</param>
/// <param name="CanWork">It can be given a task: it is connected or about to be, can do a turn, and nobody holds it
/// back.</param>
/// <param name="ActiveTasks">The tasks it has now.</param>
internal sealed record AgentCondition(string Status, bool CanWork, int ActiveTasks = 0)
{
    /// <summary>True when nothing is wrong with it.</summary>
    public bool IsHealthy => Status is AgentStatusWord.Idle or AgentStatusWord.Running;

    /// <summary>Its health in the words of <c>/api/v1</c>.</summary>
    public string Health =>
        Status switch
        {
            AgentStatusWord.Spawning => "unknown",
            AgentStatusWord.Failed => "unresponsive",
            AgentStatusWord.Degraded or AgentStatusWord.Terminated => Status,
            AgentStatusWord.Quarantined => AgentStatusWord.Degraded,
            _ => "healthy",
        };
}

/// <summary>The words for the condition of an agent in the registry.</summary>
internal static class AgentStatusWord
{
    /// <summary>It starts, or an operation on its container is in progress.</summary>
    public const string Spawning = "spawning";

    /// <summary>It has nothing to do.</summary>
    public const string Idle = "idle";

    /// <summary>It has a task, or is in a turn.</summary>
    public const string Running = "running";

    /// <summary>It is rate-limited, over budget, or lacks a login or a driver.</summary>
    public const string Degraded = "degraded";

    /// <summary>It crashed too often, or cannot start.</summary>
    public const string Failed = "failed";

    /// <summary>The host holds it in quarantine.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>It does not run, or is not connected.</summary>
    public const string Terminated = "terminated";

    /// <summary>The operator paused it.</summary>
    public const string Maintenance = "maintenance";
}
