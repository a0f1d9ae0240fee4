using Hive.Common.Activities;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Agents;

/// <summary>Names the agents that the operator paused.</summary>
internal sealed class PausedActivity(IRoster roster) : IActivitySource
{
    public IEnumerable<Activity> Read(string agent) =>
        roster.Find(agent) is { Paused: true, PausedAt: { } since } ? [new Activity(ActivityState.Paused, since)] : [];
}
