namespace Hive.Agent.Drivers;

/// <summary>The settings and connections of one driver.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Role"><c>agent</c> or <c>manager</c>.</param>
/// <param name="Pronouns">The operator's pronouns for the prompt; null when unknown.</param>
/// <param name="StateDir">The agent's state folder as this process sees it.</param>
/// <param name="Socket">The agent's socket, for child programs.</param>
/// <param name="Host">Calls to the host, which survive its restarts.</param>
/// <param name="Live">Live events for the agent's page.</param>
/// <param name="Harness">The state of the harness that is reported to the host.</param>
internal sealed record DriverContext(
    string Name,
    string Role,
    string? Pronouns,
    string StateDir,
    string Socket,
    AgentSettings Settings,
    HostCalls Host,
    LiveEvents Live,
    HarnessReport Harness,
    Log Log,
    TimeProvider Time
);
