namespace Hive.Features.Agents.Contracts;

/// <summary>A <see cref="KnownAgent"/> under the names of <c>/api/v1</c>.</summary>
/// <param name="AgentId">Its name.</param>
/// <param name="AgentType"><c>worker</c>, <c>validator</c>, <c>manager</c>, or <c>agent</c> without a duty.</param>
/// <param name="Status">Derived now: <c>spawning</c>, <c>idle</c>, <c>running</c>, <c>degraded</c>, <c>failed</c>,
/// <c>quarantined</c>, <c>terminated</c> or <c>maintenance</c>.</param>
/// <param name="HealthStatus">Derived now: <c>healthy</c>, <c>degraded</c>, <c>unresponsive</c>, <c>terminated</c> or
/// <c>unknown</c>.</param>
/// <param name="Capabilities">The abilities that tasks can require.</param>
/// <param name="Capacity">How many tasks it takes at once.</param>
/// <param name="ActiveTasks">The tasks it has now.</param>
/// <param name="Tags">Words to find it by.</param>
/// <param name="Paused">The operator paused it.</param>
/// <param name="Duty"><c>worker</c> or <c>validator</c>; absent for none.</param>
/// <param name="PhaseId">The phase whose tasks it takes, when there is exactly one.</param>
/// <param name="Phases">The phases whose tasks it takes; absent for all.</param>
/// <param name="Held">Why the host gives it no new messages.</param>
/// <param name="Overridden">The fields that the operator changed, against its configuration.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="LastHeartbeat">As in <see cref="AgentHealth"/>.</param>
/// <param name="Socket">The path of its socket on the host, in the answer to its registration.</param>
internal sealed record RegisteredAgent(
    string AgentId,
    string AgentType,
    string Status,
    string HealthStatus,
    IReadOnlyList<string> Capabilities,
    int Capacity,
    int ActiveTasks,
    IReadOnlyList<string> Tags,
    bool Paused,
    string? Duty = null,
    string? PhaseId = null,
    IReadOnlyList<string>? Phases = null,
    string? Held = null,
    IReadOnlyList<string>? Overridden = null,
    DateTimeOffset? CreatedAt = null,
    DateTimeOffset? LastHeartbeat = null,
    string? Socket = null
)
{
    private const string NoDuty = "agent";

    /// <summary>The type of an agent with that duty.</summary>
    public static string TypeOf(string? duty) => duty ?? NoDuty;

    public static RegisteredAgent Of(KnownAgent agent) =>
        new(
            AgentId: agent.Name,
            AgentType: TypeOf(agent.Duty),
            Status: agent.Status,
            HealthStatus: agent.Health,
            Capabilities: agent.Capabilities,
            Capacity: agent.Capacity,
            ActiveTasks: agent.ActiveTasks,
            Tags: agent.Tags,
            Paused: agent.Paused,
            Duty: agent.Duty is "worker" or "validator" ? agent.Duty : null,
            PhaseId: agent.Phases is [var only] ? only : null,
            Phases: agent.Phases,
            Held: agent.Held,
            Overridden: agent.Overridden,
            CreatedAt: agent.CreatedAt,
            LastHeartbeat: agent.SeenAt
        );
}

/// <summary>An <see cref="AgentFit"/> under the names of <c>/api/v1</c>.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="MatchScore">As in <see cref="AgentFit"/>.</param>
/// <param name="MatchedCapabilities">As in <see cref="AgentFit"/>.</param>
internal sealed record AgentMatch(RegisteredAgent Agent, double MatchScore, IReadOnlyList<string> MatchedCapabilities)
{
    public static AgentMatch Of(AgentFit fit) =>
        new(RegisteredAgent.Of(fit.Agent), fit.MatchScore, fit.MatchedCapabilities);
}
