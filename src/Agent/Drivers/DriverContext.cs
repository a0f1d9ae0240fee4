namespace Hive.Agent.Drivers;

/// <summary>Everything a driver may use.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Role"><c>agent</c> or <c>manager</c>.</param>
/// <param name="StateDir">The agent's state folder as this process can open it.</param>
/// <param name="Socket">The agent's socket, for child programs.</param>
/// <param name="Host">Calls to the host that outlive its restarts.</param>
internal sealed record DriverContext(
    string Name,
    string Role,
    string StateDir,
    string Socket,
    AgentSettings Settings,
    HostCalls Host,
    Log Log,
    TimeProvider Time);
