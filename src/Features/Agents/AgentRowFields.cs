using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Agents;

/// <summary>Fills an agent's row with what the roster knows.</summary>
internal sealed class AgentRowFields(IRoster roster, IAgentStanding standing) : IAgentRowFields
{
    public ContainerView Fill(ContainerView row) =>
        roster.Find(row.Name) is not { } agent
            ? row
            : row with
            {
                Role = agent.Role,
                Runtime = agent.Runtime,
                Paused = agent.Paused,
                ActiveModel = agent.ActiveModel,
                StatusText = agent.StatusText,
                StatusSetAt = agent.StatusSetAt,
                Held = agent.Held,
                Duty = agent.TakesTasks ? agent.Duty.Word() : null,
                Capabilities = agent.TakesTasks ? agent.Work.Capabilities : null,
                Capacity = agent.TakesTasks ? agent.Capacity : null,
                ActiveTasks = agent.TakesTasks ? standing.Of(agent.Name).ActiveTasks : null,
            };
}
