using Hive.Common.Doors;
using Hive.Features.Tasks;
using Hive.Protocol.Options;

namespace Hive.Tests.Tasks;

/// <summary>The scheduler's rules in the plainest form: every task is scored and every agent tried each time.</summary>
internal sealed class NaiveScheduler(TasksOptions weights)
{
    public Dictionary<long, QueuedTask> Tasks { get; private set; } = [];

    public Dictionary<string, AgentProfile> Agents { get; } = [];

    public Dictionary<(string Workflow, string Phase), int> MaxActive { get; } = [];

    private Dictionary<string, int> lastGiven = [];
    private HashSet<(long Ticket, string Agent)> worked = [];
    private int given;

    /// <summary>The formula as its source has it, in seconds and fractions.</summary>
    public double Score(QueuedTask task, long now)
    {
        var waited = Math.Max(0, now - task.ReadyAt!.Value) / 1000.0;
        var slack = (task.DeadlineAt - now) / 1000.0;
        var priority = task.Priority switch
        {
            4 => 1.0,
            3 => 0.75,
            2 => 0.5,
            _ => 0.25,
        };
        var age = Math.Min(waited / weights.AgeSeconds, 1);
        var deadline = slack switch
        {
            null => 0,
            < 0 => 1,
            var left => Math.Max(0, 1 - left.Value / weights.UrgentSeconds),
        };
        var blocks = Math.Min(task.Dependents / 10.0, 1);
        var retries = Math.Max(0, 1 - task.RetryCount / (double)Math.Max(task.MaxRetries, 1));
        var score =
            (double)weights.PriorityWeight * priority
            + (double)weights.AgeWeight * age
            + (double)weights.DeadlineWeight * deadline
            + (double)weights.DependentsWeight * blocks
            + (double)weights.RetriesWeight * retries;
        if (slack >= 0 && slack <= weights.UrgentSeconds)
            score *= (double)weights.UrgentBoost;
        return waited >= weights.StarvedSeconds ? Math.Max(score, (double)weights.StarvedFloor) : score;
    }

    public void Put(QueuedTask task)
    {
        if (task.Agent is { } agent && agent != Tasks.GetValueOrDefault(task.Id)?.Agent)
        {
            lastGiven[agent] = ++given;
            worked.Add((task.Ticket, agent));
        }

        Tasks[task.Id] = task;
    }

    public void Remove(long task) => Tasks.Remove(task);

    /// <summary>Remembers the tasks as they are.</summary>
    /// <returns>Brings them back.</returns>
    public Action Save()
    {
        var (tasks, last, tickets) = (
            new Dictionary<long, QueuedTask>(Tasks),
            new Dictionary<string, int>(lastGiven),
            new HashSet<(long, string)>(worked)
        );
        return () => (Tasks, lastGiven, worked) = (tasks, last, tickets);
    }

    /// <summary>The ready tasks in their order.</summary>
    public List<QueuedTask> Order(long now) =>
        [
            .. Tasks
                .Values.Where(task => task.ReadyAt is not null)
                // Sums of fractions differ in their last digits; the scores themselves differ by 1e-8 at least.
                .OrderByDescending(task => Math.Round(Score(task, now), 9))
                .ThenBy(task => task.Rank)
                .ThenBy(task => task.Id),
        ];

    /// <summary>The next task that can be given, and its agent.</summary>
    public (long Task, string Agent)? Next(long now)
    {
        foreach (var task in Order(now))
        {
            var active = Tasks.Values.Count(t => t.Active && (t.Workflow, t.PhaseId) == (task.Workflow, task.PhaseId));
            // A review takes no place of its phase.
            if (
                task.Needs != Duty.Validator
                && active >= MaxActive.GetValueOrDefault((task.Workflow, task.PhaseId), int.MaxValue)
            )
                continue;
            var free = Agents.Keys.Where(name => IsFree(name) && May(name, task)).ToList();
            if (free.Count == 0)
                continue;
            var unfailed = free.Where(name => !task.Failed.Any(f => f.Agent == name && now - f.At < 1_800_000))
                .ToList();
            return (task.Id, Best(unfailed.Count > 0 ? unfailed : free, task));
        }

        return null;
    }

    private string Best(List<string> agents, QueuedTask task) =>
        task.Prefers is { } preferred && agents.Contains(preferred)
            ? preferred
            : agents
                .OrderByDescending(name => Math.Round(Match(name, task), 6))
                .ThenBy(name => lastGiven.GetValueOrDefault(name))
                .ThenBy(name => name, StringComparer.Ordinal)
                .First();

    private double Match(string name, QueuedTask task)
    {
        var (profile, has) = (Agents[name], Tasks.Values.Where(t => t.Agent == name).ToList());
        var score = 1.0 + 0.2 + 0.05 * Math.Min(profile.Capacity, 5) - 0.1 * has.Count(t => !t.Waits);
        if (has.Count == 0 && !profile.InTurn)
            score += 0.2;
        return worked.Contains((task.Ticket, name)) ? score + 0.15 : score;
    }

    private bool IsFree(string name) =>
        Agents[name].CanTake && Tasks.Values.Count(t => t.Agent == name && !t.Waits) < Agents[name].Capacity;

    private bool May(string name, QueuedTask task)
    {
        var profile = Agents[name];
        return (task.Needs == Duty.None ? profile.Duty != Duty.None : profile.Duty == task.Needs)
            && (task.WantsAgent is null || task.WantsAgent == name)
            && (profile.Work.Phases is null || profile.Work.Phases.Contains(task.PhaseId))
            && task.Capabilities.All(needed => profile.Work.Capabilities.Contains(needed));
    }
}
