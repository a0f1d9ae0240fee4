using Hive.Common.Activities;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>
/// Keeps the scheduler's knowledge of agents up to date: what they can do, whether they can work, and their condition
/// in the words of the registry. Notifications and signals only mark an agent; <see cref="Refresh"/> looks at it.
/// </summary>
internal sealed class ConditionWatch : ICommitObserver
{
    private readonly IRoster roster;
    private readonly IActivities activities;
    private readonly ReadyTasks ready;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly Dictionary<string, string> conditions = new(StringComparer.Ordinal);
    private HashSet<string> marked = new(StringComparer.Ordinal);

    public ConditionWatch(
        IRoster roster,
        IActivities activities,
        ReadyTasks ready,
        AgentRowSignal signal,
        TimeProvider clock
    )
    {
        (this.roster, this.activities, this.ready, this.clock) = (roster, activities, ready, clock);
        signal.Changed += Mark;
    }

    /// <summary>Called when an agent is to be looked at, or a phase may have room; from any thread.</summary>
    public event Action? Marked;

    /// <summary>Marks all agents, at start.</summary>
    /// <param name="last">The condition of each agent that was noted last.</param>
    public void Start(IEnumerable<(string Agent, string Status)> last)
    {
        lock (gate)
        {
            foreach (var (agent, status) in last.Where(noted => roster.Find(noted.Agent) is not null))
                conditions[agent] = status;
        }

        foreach (var agent in roster.Names)
            Mark(agent);
    }

    void ICommitObserver.OnCommitted(INotification notification) => Follow(notification);

    // An agent that was looked at before the change was undone is not as it was seen.
    void ICommitObserver.OnUndone(INotification notification) => Follow(notification);

    /// <summary>Looks at the marked agents.</summary>
    /// <returns>The conditions that have changed.</returns>
    public IReadOnlyList<ConditionChange> Refresh()
    {
        HashSet<string> names;
        lock (gate)
            (names, marked) = (marked, new HashSet<string>(StringComparer.Ordinal));
        List<ConditionChange> changes = [];
        foreach (var name in names)
        {
            var (entry, activity) = Observe(name, out _);
            if (entry is not { TakesTasks: true })
            {
                lock (gate)
                    conditions.Remove(name);
                continue;
            }

            var tasks = ready.TasksOf(name);
            var status = ConditionRules.Of(entry, activity, tasks.Count).Status;
            lock (gate)
            {
                var before = conditions.GetValueOrDefault(name);
                if (before == status)
                    continue;
                conditions[name] = status;
                changes.Add(
                    new ConditionChange(
                        name,
                        before,
                        status,
                        entry.Held
                            ?? (activity == ActivityState.Idle && tasks.Count > 0 ? "has a task" : activity)
                            ?? "not known",
                        tasks.Count > 0 ? tasks[0] : null,
                        clock.GetUtcNow()
                    )
                );
            }
        }

        return changes;
    }

    /// <summary>Looks at one agent, before it is given a task.</summary>
    /// <returns>False when it is as the scheduler knows it.</returns>
    public bool HasChanged(string agent)
    {
        Observe(agent, out var changed);
        return changed;
    }

    private (AgentEntry? Entry, string? Activity) Observe(string name, out bool changed)
    {
        var (entry, activity) = (roster.Find(name), activities.Of(name)?.State);
        changed = ready.Set(name, ProfileOf(entry, activity));
        return (entry, activity);
    }

    private static AgentProfile ProfileOf(AgentEntry? entry, string? activity)
    {
        if (entry is not { TakesTasks: true })
            return AgentProfile.None;
        var condition = ConditionRules.Of(entry, activity, 0);
        return new AgentProfile(
            entry.Duty,
            entry.Work,
            entry.Capacity,
            // Not while it starts, and not while its provider asks for a pause.
            condition.CanWork && condition.IsHealthy,
            condition.CanWork,
            activity is ActivityState.Working or ActivityState.Compacting,
            entry.Held?.StartsWith(BudgetHolds.Start, StringComparison.Ordinal) == true
        );
    }

    private void Follow(INotification notification)
    {
        // A message changes an agent's row and nothing that counts here, and there are many of them.
        if (notification is IAgentRowNotification row and not MessageChanged)
            Mark(row.Agent);
        // Its phases may have room now.
        else if (notification is WorkflowChanged)
            Marked?.Invoke();
    }

    private void Mark(string agent)
    {
        lock (gate)
        {
            if (roster.Find(agent) is not { TakesTasks: true } && !conditions.ContainsKey(agent))
                return;
            if (!marked.Add(agent) || marked.Count > 1)
                return;
        }

        Marked?.Invoke();
    }
}

/// <summary>A condition of an agent that has changed.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="From">The condition before; null for a new agent.</param>
/// <param name="To">The condition, one word of <see cref="AgentStatusWord"/>.</param>
/// <param name="Reason">Why: its hold, or what it does.</param>
/// <param name="Task">The oldest of its tasks.</param>
/// <param name="At">When it was seen.</param>
internal sealed record ConditionChange(
    string Agent,
    string? From,
    string To,
    string Reason,
    long? Task,
    DateTimeOffset At
);
