using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Tasks;

/// <summary>The scheduler's knowledge of an agent besides its tasks.</summary>
/// <param name="Duty">Its duty.</param>
/// <param name="Work">What it can do.</param>
/// <param name="Capacity">How many tasks it takes at once.</param>
/// <param name="CanTake">It can be given a task now.</param>
/// <param name="CanWork">It can take one now or before long: it starts, or its provider asks for a pause.</param>
/// <param name="InTurn">It is in a turn.</param>
/// <param name="IsOverBudget">A budget holds it.</param>
internal sealed record AgentProfile(
    Duty Duty,
    AgentWork Work,
    int Capacity,
    bool CanTake,
    bool CanWork,
    bool InTurn,
    bool IsOverBudget = false
)
{
    public static AgentProfile None { get; } = new(Duty.None, AgentWork.None, 0, false, false, false);

    /// <summary>True when it may have the tasks of a bucket.</summary>
    public bool Fits(Bucket bucket, string name) =>
        (bucket.Key.Needs == Duty.None ? Duty != Duty.None : (Duty & bucket.Key.Needs) != Duty.None)
        && (bucket.Key.WantsAgent is null || bucket.Key.WantsAgent == name)
        && !bucket.Excluded.Contains(name)
        && Work.Takes(bucket.Key.PhaseId)
        && Work.Covers(bucket.Capabilities);
}

/// <summary>An agent as the scheduler knows it.</summary>
internal sealed class PooledAgent(string name)
{
    public string Name => name;

    public AgentProfile Profile { get; set; } = AgentProfile.None;

    /// <summary>Its tasks.</summary>
    public SortedSet<long> Tasks { get; } = [];

    /// <summary>How many of them take capacity.</summary>
    public int Load { get; set; }

    /// <summary>Rises each time that an agent is given a task; of that time.</summary>
    public long LastGiven { get; set; }

    /// <summary>The buckets whose tasks it may have.</summary>
    public List<Bucket> Buckets { get; } = [];

    /// <summary>Whether <see cref="AgentPool"/> has counted it as free.</summary>
    public bool IsFree { get; set; }

    public bool HasRoom => Profile.CanTake && Load < Profile.Capacity;
}

/// <summary>The agents that take tasks: who is free, who may have which tasks, and who fits a task best.</summary>
internal sealed class AgentPool
{
    /// <summary>How long an agent is set back for a task that it failed. Source: OmoiOS's later queue rules.</summary>
    public const long SetBackMs = 1_800_000;

    /// <summary>Taken off an agent's score for each task that it has.</summary>
    public const double PerLoad = 0.1;

    /// <summary>Added to the score of an agent that worked on the ticket: its conversation knows it.</summary>
    public const double WorkedBonus = 0.15;

    // Of older tickets it is forgotten who worked on them, which is a preference only.
    private const int MostTickets = 10_000;

    private readonly Dictionary<string, PooledAgent> agents = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, HashSet<string>> worked = [];
    private long given;

    /// <summary>The tasks of an agent, the oldest first.</summary>
    public IReadOnlyCollection<long> TasksOf(string agent) => agents.GetValueOrDefault(agent)?.Tasks ?? [];

    /// <summary>Replaces what is known of an agent.</summary>
    /// <returns>False when nothing has changed.</returns>
    public bool Set(string name, AgentProfile profile, IEnumerable<Bucket> buckets, long now)
    {
        var agent = AgentOf(name);
        var before = agent.Profile;
        agent.Profile = profile;
        if ((before.Duty, before.Work) != (profile.Duty, profile.Work))
            Refit(agent, buckets, now);
        Count(agent);
        if (before.CanWork != profile.CanWork)
        {
            foreach (var bucket in agent.Buckets)
                NoteNobody(bucket, now);
        }

        Forget(agent);
        return before != profile;
    }

    /// <summary>Finds the agents of a new bucket.</summary>
    public void Fit(Bucket bucket, long now)
    {
        foreach (var agent in agents.Values.Where(agent => agent.Profile.Fits(bucket, agent.Name)))
            Join(agent, bucket, now);
        NoteNobody(bucket, now);
    }

    /// <summary>Forgets a bucket.</summary>
    public static void Drop(Bucket bucket)
    {
        foreach (var agent in bucket.Agents)
            agent.Buckets.Remove(bucket);
    }

    /// <summary>An agent has a task.</summary>
    public void Add(string name, long task, bool takesCapacity)
    {
        var agent = AgentOf(name);
        agent.Tasks.Add(task);
        agent.Load += takesCapacity ? 1 : 0;
        Count(agent);
    }

    /// <summary>An agent has a task no longer.</summary>
    public void Remove(string name, long task, bool takesCapacity)
    {
        var agent = AgentOf(name);
        agent.Tasks.Remove(task);
        agent.Load -= takesCapacity ? 1 : 0;
        Count(agent);
        Forget(agent);
    }

    /// <summary>Notes that an agent was given a task of a ticket.</summary>
    /// <returns>Undoes that.</returns>
    public Action Given(string name, long ticket)
    {
        var agent = AgentOf(name);
        var before = agent.LastGiven;
        agent.LastGiven = ++given;
        var isNew = Worked(ticket, name);
        return () =>
        {
            var undone = AgentOf(name);
            undone.LastGiven = before;
            Forget(undone);
            if (!isNew || !worked.TryGetValue(ticket, out var known))
                return;
            known.Remove(name);
            if (known.Count == 0)
                worked.Remove(ticket);
        };
    }

    /// <summary>Notes that an agent worked on a ticket.</summary>
    /// <returns>False when that is known.</returns>
    public bool Worked(long ticket, string agent)
    {
        if (!worked.TryGetValue(ticket, out var known))
        {
            worked.Add(ticket, known = new HashSet<string>(StringComparer.Ordinal));
            if (worked.Count > MostTickets)
                worked.Remove(worked.Keys.First());
        }

        return known.Add(agent);
    }

    /// <summary>The free agent that fits a task of the bucket best; null when none is free.</summary>
    /// <remarks>An agent that failed the task is passed over while another is free. Of the others, the preferred one
    /// comes first, then the highest score, then the one that was given a task longest ago.</remarks>
    /// <param name="bucket">The bucket.</param>
    /// <param name="task">The task.</param>
    /// <param name="now">In ms since 1970.</param>
    /// <param name="not">Agents that cannot have it.</param>
    public PooledAgent? Best(Bucket bucket, QueuedTask task, long now, IReadOnlySet<string>? not = null)
    {
        PooledAgent? best = null;
        (bool Failed, bool IsOther, double Score, long LastGiven) bestRank = default;
        foreach (var agent in bucket.Agents)
        {
            if (!agent.IsFree || not?.Contains(agent.Name) == true)
                continue;
            var rank = (
                task.Failed.Any(f => f.Agent == agent.Name && now - f.At < SetBackMs),
                agent.Name != task.Prefers,
                -Score(agent, task.Ticket),
                agent.LastGiven
            );
            var compared = best is null ? -1 : rank.CompareTo(bestRank);
            if (compared < 0 || (compared == 0 && string.CompareOrdinal(agent.Name, best!.Name) < 0))
                (best, bestRank) = (agent, rank);
        }

        return best;
    }

    // Rounded, so that sums of the same numbers in another order are equal.
    private double Score(PooledAgent agent, long ticket) =>
        Math.Round(
            MatchScore.Of(
                1,
                agent is { Tasks.Count: 0, Profile.InTurn: false },
                isHealthy: true,
                agent.Profile.Capacity
            )
                - (PerLoad * agent.Load)
                + (worked.TryGetValue(ticket, out var known) && known.Contains(agent.Name) ? WorkedBonus : 0),
            6
        );

    private PooledAgent AgentOf(string name)
    {
        if (!agents.TryGetValue(name, out var agent))
            agents.Add(name, agent = new PooledAgent(name));
        return agent;
    }

    private static void Refit(PooledAgent agent, IEnumerable<Bucket> buckets, long now)
    {
        foreach (var bucket in agent.Buckets)
        {
            bucket.Agents.Remove(agent);
            bucket.Free -= agent.IsFree ? 1 : 0;
            NoteNobody(bucket, now);
        }

        agent.Buckets.Clear();
        foreach (var bucket in buckets.Where(bucket => agent.Profile.Fits(bucket, agent.Name)))
            Join(agent, bucket, now);
    }

    private static void Join(PooledAgent agent, Bucket bucket, long now)
    {
        agent.Buckets.Add(bucket);
        bucket.Agents.Add(agent);
        bucket.Free += agent.IsFree ? 1 : 0;
        NoteNobody(bucket, now);
    }

    private static void NoteNobody(Bucket bucket, long now)
    {
        bucket.NobodySince = bucket.Agents.Exists(agent => agent.Profile.CanWork) ? null : bucket.NobodySince ?? now;
        bucket.HasNewAgents = true;
    }

    private static void Count(PooledAgent agent)
    {
        if (agent.IsFree == agent.HasRoom)
            return;
        agent.IsFree = agent.HasRoom;
        foreach (var bucket in agent.Buckets)
            bucket.Free += agent.IsFree ? 1 : -1;
    }

    private void Forget(PooledAgent agent)
    {
        if (agent.Profile == AgentProfile.None && agent.Tasks.Count == 0)
            agents.Remove(agent.Name);
    }
}
