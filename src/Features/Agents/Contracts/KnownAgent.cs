namespace Hive.Features.Agents.Contracts;

/// <summary>An agent in the registry of who can do what.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Status">Derived now: <c>spawning</c>, <c>idle</c>, <c>running</c>, <c>degraded</c>, <c>failed</c>,
/// <c>quarantined</c>, <c>terminated</c> or <c>maintenance</c>.</param>
/// <param name="Health">Derived now: <c>healthy</c>, <c>degraded</c>, <c>unresponsive</c>, <c>terminated</c> or
/// <c>unknown</c>.</param>
/// <param name="Capabilities">The abilities that tasks can require.</param>
/// <param name="Capacity">How many tasks it takes at once.</param>
/// <param name="ActiveTasks">The tasks it has now.</param>
/// <param name="Tags">Words to find it by.</param>
/// <param name="Paused">The operator paused it.</param>
/// <param name="Duty"><c>worker</c>, <c>validator</c> or <c>manager</c>; absent for none.</param>
/// <param name="Phases">The phases whose tasks it takes; absent for all.</param>
/// <param name="Held">Why the host gives it no new messages.</param>
/// <param name="Overridden">The fields that the operator changed, against its configuration.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="SeenAt">Now while it is connected, else when its connection or its process ended; absent while it
/// starts.</param>
internal sealed record KnownAgent(
    string Name,
    string Status,
    string Health,
    IReadOnlyList<string> Capabilities,
    int Capacity,
    int ActiveTasks,
    IReadOnlyList<string> Tags,
    bool Paused,
    string? Duty = null,
    IReadOnlyList<string>? Phases = null,
    string? Held = null,
    IReadOnlyList<string>? Overridden = null,
    DateTimeOffset? CreatedAt = null,
    DateTimeOffset? SeenAt = null
);

/// <summary>An agent that can take a task, and how well it fits.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="MatchScore">The share of the required capabilities that it has (0 when nothing is required), and up to
/// 0.65 for being idle, healthy and large.</param>
/// <param name="MatchedCapabilities">The required capabilities that it has, in the order of the alphabet.</param>
internal sealed record AgentFit(KnownAgent Agent, double MatchScore, IReadOnlyList<string> MatchedCapabilities);
