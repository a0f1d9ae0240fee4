using Hive.Protocol;

namespace Hive.Features.Agents.Contracts;

/// <summary>Names an agent's folders, on the host and as the agent itself sees them.</summary>
internal sealed class AgentFolders(HivePaths paths)
{
    /// <summary>The folder with all of the agent's files, on the host. No container sees all of it.</summary>
    public string Of(string agent) => Path.Combine(paths.DataDir, "agents", agent);

    /// <summary>The agent's durable notes, on the host.</summary>
    public string State(string agent) => Path.Combine(Of(agent), "state");

    /// <summary>The credentials and sessions of the agent's tool, on the host.</summary>
    public string Home(string agent) => Path.Combine(Of(agent), "home");

    /// <summary>The agent's proposed configuration, on the host.</summary>
    public string Config(string agent) => Path.Combine(Of(agent), "config");

    /// <summary>The configuration it runs on, written by the host alone.</summary>
    public string Applied(string agent) => Path.Combine(paths.DataDir, "applied", agent);

    /// <summary>The folder that all agents share, on the host.</summary>
    public string Shared => Path.Combine(paths.DataDir, "shared");

    /// <summary>The folder of its socket, on the host.</summary>
    public string Run(string agent) => Path.GetDirectoryName(paths.AgentSocket(agent))!;

    /// <summary>The folder that all agents share, as the agent sees it.</summary>
    public string SharedAsSeenBy(AgentEntry agent) => agent.SeesHostPaths ? Shared : "/shared";

    /// <summary>A path in container form, as the agent sees it.</summary>
    public string AsSeenBy(AgentEntry agent, string path) =>
        agent.SeesHostPaths ? paths.DataDir.TrimEnd('/') + path : path;

    /// <summary>The state folder, as the agent sees it.</summary>
    public string StateAsSeenBy(AgentEntry agent) =>
        agent.SeesHostPaths ? State(agent.Name) : $"/agents/{agent.Name}/state";
}
