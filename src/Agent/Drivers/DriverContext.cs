namespace Hive.Agent.Drivers;

/// <summary>Everything a driver may use.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Role"><c>agent</c> or <c>manager</c>.</param>
/// <param name="Pronouns">The operator's, as the prompt names them; null when nobody said.</param>
/// <param name="StateDir">The agent's state folder as this process can open it.</param>
/// <param name="Socket">The agent's socket, for child programs.</param>
/// <param name="Host">Calls to the host that outlive its restarts.</param>
/// <param name="Live">What the page of the agent shows as it happens.</param>
/// <param name="Harness">What the host is told that the harness is doing.</param>
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
