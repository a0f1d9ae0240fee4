using System.Text.Json.Serialization;

namespace Hive.Features.Agents.Contracts;

/// <summary>The health of an agent, under the names of <c>/api/v1</c>. An open connection is its
/// heartbeat.</summary>
/// <param name="AgentId">Its name.</param>
/// <param name="AgentType">As in <see cref="RegisteredAgent"/>.</param>
/// <param name="Status">As in <see cref="RegisteredAgent"/>.</param>
/// <param name="HealthStatus">As in <see cref="RegisteredAgent"/>.</param>
/// <param name="Healthy">Its health is <c>healthy</c>.</param>
/// <param name="Stale">It has had no connection for the timeout.</param>
/// <param name="LastHeartbeat">Now while it is connected, else when its connection or its process ended; absent while
/// it starts.</param>
internal sealed record AgentHealth(
    string AgentId,
    string AgentType,
    string Status,
    string HealthStatus,
    bool Healthy,
    bool Stale,
    DateTimeOffset? LastHeartbeat = null
);

/// <summary>How many agents there are, under the names of <c>/api/v1</c>.</summary>
/// <param name="TotalAgents">All of them, the manager included.</param>
/// <param name="ByStatus">By the words of <see cref="AgentStatusWord"/>.</param>
/// <param name="ByType">By the type.</param>
/// <param name="ByPhase">By the one phase whose tasks they take; <c>no_phase</c> for several and for all.</param>
/// <param name="HealthSummary">By their health.</param>
/// <param name="RecentHeartbeats">Those that were connected not long ago.</param>
internal sealed record AgentStatistics(
    int TotalAgents,
    IReadOnlyDictionary<string, int> ByStatus,
    IReadOnlyDictionary<string, int> ByType,
    IReadOnlyDictionary<string, int> ByPhase,
    HealthSummary HealthSummary,
    RecentHeartbeats RecentHeartbeats
);

/// <summary>Agents by their health.</summary>
/// <param name="Healthy">Nothing is wrong with them.</param>
/// <param name="Unhealthy">Something is.</param>
/// <param name="Unknown">They start.</param>
internal sealed record HealthSummary(int Healthy, int Unhealthy, int Unknown);

/// <summary>Agents by the time of their last heartbeat.</summary>
/// <param name="FiveMinutes">Within five minutes.</param>
/// <param name="Hour">Within an hour.</param>
/// <param name="Day">Within a day.</param>
internal sealed record RecentHeartbeats(
    [property: JsonPropertyName("last_5_minutes")] int FiveMinutes,
    [property: JsonPropertyName("last_hour")] int Hour,
    [property: JsonPropertyName("last_24_hours")] int Day
);
