using Hive.Common.Activities;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Agents;

/// <summary>Derives the condition of an agent from its activity, its pause, its hold and its tasks.</summary>
internal sealed class AgentStanding(IRoster roster, IActivities activities, IEnumerable<IAgentTasks> tasks)
    : IAgentStanding
{
    public AgentCondition Of(string agent) =>
        ConditionRules.Of(roster.Find(agent), activities.Of(agent)?.State, tasks.Sum(counted => counted.Of(agent)));
}
