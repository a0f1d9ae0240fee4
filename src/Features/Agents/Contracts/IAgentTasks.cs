namespace Hive.Features.Agents.Contracts;

/// <summary>Counts the tasks of agents. Filled by the slice that gives tasks to agents, which raises
/// <see cref="Hive.Common.Notifications.AgentRowChanged"/> when a number changes.</summary>
internal interface IAgentTasks
{
    /// <summary>The tasks that an agent has now. From memory, and from any thread.</summary>
    int Of(string agent);
}
