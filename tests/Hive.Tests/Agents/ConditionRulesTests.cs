using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Tests.Agents;

public sealed class ConditionRulesTests
{
    [Theory]
    [InlineData(ActivityState.Idle, 0, null, false, "idle", true)]
    [InlineData(ActivityState.Idle, 1, null, false, "running", true)]
    [InlineData(ActivityState.Working, 0, null, false, "running", true)]
    [InlineData(ActivityState.WaitsForYou, 1, null, false, "running", true)]
    [InlineData("waits for bob", 0, null, false, "idle", true)]
    [InlineData(ActivityState.Starting, 0, null, false, "spawning", true)]
    [InlineData("rebuilding", 0, null, true, "spawning", false)]
    [InlineData("stopping", 1, null, false, "terminated", false)]
    [InlineData("destroying", 0, null, false, "terminated", false)]
    [InlineData(ActivityState.RateLimited, 0, null, false, "degraded", true)]
    [InlineData(ActivityState.RateLimited, 0, "budget day 1.00 USD", false, "degraded", false)]
    [InlineData(ActivityState.NeedsLogin, 0, null, false, "degraded", false)]
    [InlineData(ActivityState.NoDriver, 0, null, false, "degraded", false)]
    [InlineData(ActivityState.Idle, 0, "budget day 1.00 USD", false, "degraded", false)]
    [InlineData(ActivityState.Idle, 0, "quarantined: it loops", false, "quarantined", false)]
    [InlineData(ActivityState.Idle, 2, "quarantined: it loops", true, "quarantined", false)]
    [InlineData(ActivityState.Paused, 0, null, true, "maintenance", false)]
    [InlineData(ActivityState.Working, 1, null, true, "maintenance", false)]
    [InlineData(ActivityState.Failed, 1, null, true, "failed", false)]
    [InlineData(ActivityState.Stopped, 0, null, false, "terminated", false)]
    [InlineData(ActivityState.NotConnected, 0, null, false, "terminated", false)]
    public void The_condition_follows_from_activity_pause_hold_and_tasks(
        string activity,
        int tasks,
        string? held,
        bool paused,
        string status,
        bool canWork
    )
    {
        var agent = new AgentEntry("alice", "process", Paused: paused, Held: held);

        var condition = ConditionRules.Of(agent, activity, tasks);

        Assert.Equal((status, tasks), (condition.Status, condition.ActiveTasks));
        Assert.Equal(canWork, condition.CanWork);
    }
}
