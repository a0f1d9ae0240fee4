using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol.Options;

namespace Hive.Features.Tasks;

/// <summary>
/// The scheduler's memory: the ready tasks in their order, and the agents with their tasks. Only writes change the
/// tasks, each with its undo; what is known of agents besides follows their containers and harnesses. Others may read
/// it from any thread, so it has a lock, under which it calls nothing that takes another.
/// </summary>
internal sealed class ReadyTasks : IReadyTasks, IAgentTasks
{
    /// <summary>How long the agents that fit a task may be unable to work before the operator is told. A task that
    /// no agent fits is told at once.</summary>
    public const long UnservableMs = 1_800_000;

    private const int NamedTasks = 10;

    private readonly IWorkflows workflows;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly AgentPool pool = new();
    private readonly TaskScore score;
    private readonly ReadyQueue queue;

    // The tasks that budgets hold, in the same order, and those of them that may fit another agent by now.
    private readonly ReadyQueue held;
    private readonly SortedSet<long> unsure = [];

    // The tasks that are ready, that an agent has, that take a place in their phase, or that budgets hold.
    private readonly Dictionary<long, QueuedTask> known = [];
    private readonly Dictionary<(string Workflow, string Phase), PhaseSlots> phases = [];
    private readonly HashSet<long> aside = [];

    // The agents whose own budget has too little left for a task. While all free agents are among them, it is aside.
    private readonly Dictionary<long, HashSet<string>> passed = [];

    public ReadyTasks(IWorkflows workflows, HiveOptions options, TimeProvider clock)
    {
        (this.workflows, this.clock) = (workflows, clock);
        score = new TaskScore(options.Tasks);
        queue = new ReadyQueue(score, MakeBucket, AgentPool.Drop);
        held = new ReadyQueue(score, MakeBucket, AgentPool.Drop);
    }

    /// <summary>Called when a task may be given to an agent that could not be given before; from any thread.</summary>
    public event Action? Rang;

    /// <inheritdoc />
    public void Put(IWrite write, QueuedTask task) => Change(write, task.Id, task);

    /// <inheritdoc />
    public void Remove(IWrite write, long task) => Change(write, task, null);

    /// <summary>Lets the scheduler look again.</summary>
    public void Ring() => Rang?.Invoke();

    /// <inheritdoc />
    public double? ScoreOf(long task)
    {
        lock (gate)
            return known.GetValueOrDefault(task) is { ReadyAt: not null } ready
                ? (double)score.Of(ready, Now()) / (double)TaskScore.One
                : null;
    }

    /// <inheritdoc />
    public string? UnservableReason(long task)
    {
        lock (gate)
        {
            return queue.Find(task)?.Bucket is { NobodySince: { } since } bucket
                ? Describe(bucket, since, Now()).Reason
                : null;
        }
    }

    /// <inheritdoc />
    int IAgentTasks.Of(string agent) => TasksOf(agent).Count;

    /// <summary>The ids of an agent's tasks, the oldest first.</summary>
    public IReadOnlyList<long> TasksOf(string agent)
    {
        lock (gate)
            return [.. pool.TasksOf(agent)];
    }

    /// <inheritdoc cref="IScheduler.Count" />
    public int Count
    {
        get
        {
            lock (gate)
                return queue.Count;
        }
    }

    /// <inheritdoc cref="IScheduler.First" />
    public IReadOnlyList<long> First(int most, string? phase = null, IReadOnlyCollection<string>? capabilities = null)
    {
        lock (gate)
        {
            var now = Now();
            queue.Advance(now);
            return queue.First(
                most,
                now,
                bucket =>
                    (phase is null || bucket.Key.PhaseId == phase)
                    && (capabilities is null || bucket.Capabilities.All(capabilities.Contains))
            );
        }
    }

    /// <summary>Replaces what is known of an agent besides its tasks.</summary>
    /// <returns>False when nothing has changed.</returns>
    public bool Set(string agent, AgentProfile profile)
    {
        lock (gate)
        {
            OfferPassed();
            return pool.Set(agent, profile, queue.Buckets.Concat(held.Buckets), Now());
        }
    }

    /// <summary>Reads the tasks that budgets hold, the next one first.</summary>
    /// <param name="read">Called with each, while nothing can change; false ends that.</param>
    public void EachHeld(Func<QueuedTask, Shortage, bool> read)
    {
        lock (gate)
        {
            var now = Now();
            held.Advance(now);
            foreach (var task in held.InOrder(now))
            {
                if (!read(task, task.Short!))
                    return;
            }
        }
    }

    /// <summary>The next task that can be given to an agent, or that budgets hold or hold no longer; null when there
    /// is none.</summary>
    public NextStep? Next()
    {
        lock (gate)
        {
            if (NextToLetGo() is { } free)
                return new NextStep(free);
            var now = Now();
            queue.Advance(now);
            while (true)
            {
                ReadyTask? next = null;
                foreach (var bucket in queue.Buckets)
                {
                    if (bucket is { Count: > 0, Free: > 0, HasRoom: true } && bucket.Head(now) is { } head)
                        next = next is null || ReadyTask.Compare(head, next, now) < 0 ? head : next;
                }

                if (next is null)
                    return NextShort(now);
                var not = passed.GetValueOrDefault(next.Task.Id);
                if (pool.Best(next.Bucket, next.Task, now, not) is { } agent)
                    return new NextStep(next.Task, agent.Name);
                if (not is null)
                    return null;
                if (ShortAgents(next.Bucket, not) is { } agents)
                    return new NextStep(next.Task, ShortAgents: agents);
                aside.Add(next.Task.Id);
                queue.Remove(next.Task.Id);
            }
        }
    }

    /// <summary>Gives a task to another agent than this one, until budgets have more left.</summary>
    public void PassOver(IWrite write, long task, string agent)
    {
        lock (gate)
        {
            if (!passed.TryGetValue(task, out var agents))
                passed.Add(task, agents = new HashSet<string>(StringComparer.Ordinal));
            agents.Add(agent);
        }

        write.OnRollback(ForgetPassed);
    }

    /// <summary>Budgets have more left: every agent may be given every task again.</summary>
    public void ForgetPassed()
    {
        lock (gate)
        {
            if (passed.Count == 0)
                return;
            OfferPassed();
            passed.Clear();
        }

        Ring();
    }

    /// <summary>Every agent may be given the task again.</summary>
    /// <returns>False when it was kept from none.</returns>
    public bool ForgetPassed(long task)
    {
        lock (gate)
            return passed.Remove(task);
    }

    /// <summary>Reads the phases' <c>max_active</c> again.</summary>
    public void ReadLimits()
    {
        lock (gate)
        {
            foreach (var (phase, slots) in phases)
                slots.Most = MostOf(phase.Workflow, phase.Phase);
        }
    }

    /// <summary>Moves the tasks whose pace has changed, so that a dispatch finds little to move.</summary>
    /// <param name="most">How many to move.</param>
    /// <returns>False when there are more.</returns>
    public bool Advance(int most)
    {
        lock (gate)
            return queue.Advance(Now(), most);
    }

    /// <summary>The next time at which the order or <see cref="Unservable"/> changes by itself, in ms since
    /// 1970.</summary>
    public long NextMoment()
    {
        lock (gate)
        {
            var now = Now();
            return Unserved()
                .Select(bucket => bucket.Since + PatienceWith(bucket.Bucket))
                .Where(at => at > now)
                .Append(queue.NextMoment)
                .Min();
        }
    }

    /// <inheritdoc cref="IScheduler.Unservable" />
    public IReadOnlyList<Unservable> Unservable(DateTimeOffset now)
    {
        lock (gate)
            return
            [
                .. Unserved()
                    .Where(b => b.Since + PatienceWith(b.Bucket) <= now.ToUnixTimeMilliseconds())
                    .OrderBy(b => b.Since)
                    .Select(b => Describe(b.Bucket, b.Since, now.ToUnixTimeMilliseconds())),
            ];
    }

    /// <summary>Passes over a task that could not be given, until it changes or <see cref="TakeBack"/>.</summary>
    public void SetAside(long task)
    {
        lock (gate)
        {
            aside.Add(task);
            queue.Remove(task);
            unsure.Remove(task);
        }
    }

    /// <summary>Puts the tasks that were set aside back into the queue, and looks again at those that budgets
    /// hold.</summary>
    public void TakeBack()
    {
        lock (gate)
        {
            foreach (var task in aside)
            {
                var back = known.GetValueOrDefault(task);
                if (back is { ReadyAt: not null })
                    queue.Put(back, Now());
                else if (back is { Short: not null })
                    unsure.Add(task);
            }

            aside.Clear();
        }
    }

    /// <summary>Replaces all tasks by those that are stored.</summary>
    public void Load(IWrite write, IReadyTasksLoader loader)
    {
        var (stored, worked) = (loader.Load(write.Db), loader.Worked(write.Db).ToList());
        long[] before;
        lock (gate)
        {
            foreach (var (ticket, agent) in worked)
                pool.Worked(ticket, agent);
            before = [.. known.Keys];
        }

        foreach (var gone in before.Except(stored.Select(task => task.Id)))
            Change(write, gone, null);
        foreach (var task in stored)
            Change(write, task.Id, task);
    }

    private void Change(IWrite write, long id, QueuedTask? task)
    {
        if (task is { ReadyAt: null, Agent: null, Active: false, Short: null })
            task = null;
        QueuedTask? before;
        Action? undoGiven = null;
        lock (gate)
        {
            before = Set(id, task);
            if (task?.Agent is { } agent && agent != before?.Agent)
                undoGiven = pool.Given(agent, task.Ticket);
        }

        if (before is null && task is null)
            return;
        write.OnRollback(() =>
        {
            lock (gate)
            {
                Set(id, before);
                undoGiven?.Invoke();
            }

            Ring();
        });
        if (before?.Agent != task?.Agent)
        {
            foreach (var agent in new[] { before?.Agent, task?.Agent }.OfType<string>())
                write.Raise(new AgentRowChanged(agent));
        }

        // Before the commit: the scheduler's own write comes after this one in any case, and sooner so.
        Ring();
    }

    // Called under the lock.
    private QueuedTask? Set(long id, QueuedTask? task)
    {
        known.Remove(id, out var before);
        aside.Remove(id);
        passed.Remove(id);
        if (before?.Agent != task?.Agent)
            OfferPassed();
        if (before is { Active: true })
            SlotsOf(before.Workflow, before.PhaseId).Active--;
        if (before?.Agent is { } earlier)
            pool.Remove(earlier, id, !before.Waits);
        if (task is not null)
            known.Add(id, task);
        if (task is { Active: true })
            SlotsOf(task.Workflow, task.PhaseId).Active++;
        if (task?.Agent is { } agent)
            pool.Add(agent, id, !task.Waits);
        if (task is { ReadyAt: not null })
            queue.Put(task, Now());
        else
            queue.Remove(id);
        unsure.Remove(id);
        if (task?.Short is { } shortage)
        {
            held.Put(task with { ReadyAt = shortage.ReadyAt }, Now());
            unsure.Add(id);
        }
        else
        {
            held.Remove(id);
        }

        return before;
    }

    // A task that agents' budgets hold, and that another agent may have, or none of these any more. Called under the
    // lock.
    private QueuedTask? NextToLetGo()
    {
        foreach (var bucket in held.Buckets)
        {
            if (!bucket.HasNewAgents)
                continue;
            bucket.HasNewAgents = false;
            unsure.UnionWith(bucket.Paces.SelectMany(pace => pace).Select(task => task.Task.Id));
        }

        while (unsure.Count > 0)
        {
            var id = unsure.Min;
            if (
                held.Find(id) is { Task.Short: { Agents: { } agents, IsHeldOtherwise: false } } task
                && (
                    task.Bucket.Agents.Exists(a => a.Profile.CanWork && !agents.Contains(a.Name))
                    || !task.Bucket.Agents.Exists(a => agents.Contains(a.Name))
                )
            )
                return task.Task;
            unsure.Remove(id);
        }

        return null;
    }

    // A task that nobody can do because budgets hold all who could. Called under the lock.
    private NextStep? NextShort(long now)
    {
        foreach (var bucket in queue.Buckets)
        {
            if (
                bucket is { Count: > 0, NobodySince: not null }
                && ShortAgents(bucket, null) is { } agents
                && bucket.Head(now) is { } head
            )
                return new NextStep(head.Task, ShortAgents: agents);
        }

        return null;
    }

    // Null while one can work, and for a bucket without agents that budgets hold.
    private static string[]? ShortAgents(Bucket bucket, HashSet<string>? not)
    {
        if (bucket.Agents.Exists(agent => agent.Profile.CanWork && not?.Contains(agent.Name) != true))
            return null;
        string[] agents =
        [
            .. bucket
                .Agents.Where(agent => agent.Profile.IsOverBudget || not?.Contains(agent.Name) == true)
                .Select(agent => agent.Name)
                .Order(StringComparer.Ordinal),
        ];
        return agents.Length == 0 ? null : agents;
    }

    private Bucket MakeBucket(BucketKey key, IReadOnlyList<string> capabilities)
    {
        var bucket = new Bucket(key, capabilities, SlotsOf(key.Workflow, key.PhaseId));
        pool.Fit(bucket, Now());
        return bucket;
    }

    // Another agent may be free now. Called under the lock.
    private void OfferPassed()
    {
        foreach (var task in passed.Keys.Where(aside.Remove))
        {
            if (known.GetValueOrDefault(task) is { ReadyAt: not null } ready)
                queue.Put(ready, Now());
        }
    }

    private PhaseSlots SlotsOf(string workflow, string phase)
    {
        if (!phases.TryGetValue((workflow, phase), out var slots))
            phases.Add((workflow, phase), slots = new PhaseSlots { Most = MostOf(workflow, phase) });
        return slots;
    }

    private int? MostOf(string workflow, string phase) =>
        workflows.Find(workflow)?.Phases.FirstOrDefault(p => p.Id == phase)?.MaxActive;

    private IEnumerable<(Bucket Bucket, long Since)> Unserved() =>
        queue
            .Buckets.Where(bucket => bucket is { Count: > 0, NobodySince: not null })
            .Select(bucket => (bucket, Math.Max(bucket.NobodySince!.Value, bucket.OldestReadyAt())));

    // An agent that fits may come back.
    private static long PatienceWith(Bucket bucket) => bucket.Agents.Count == 0 ? 0 : UnservableMs;

    private static Unservable Describe(Bucket bucket, long since, long now)
    {
        List<ReadyTask> first = [.. bucket.Paces.SelectMany(pace => pace.Take(NamedTasks))];
        first.Sort((one, other) => ReadyTask.Compare(one, other, now));
        return new Unservable(
            bucket.Key.Workflow,
            bucket.Key.PhaseId,
            bucket.Key.Needs,
            bucket.Capabilities,
            bucket.Key.WantsAgent,
            bucket.Excluded,
            [.. bucket.Agents.Select(agent => agent.Name).Order(StringComparer.Ordinal)],
            DateTimeOffset.FromUnixTimeMilliseconds(since),
            bucket.Count,
            [.. first.Take(NamedTasks).Select(task => task.Task.Id)]
        );
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
