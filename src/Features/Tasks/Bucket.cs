using Hive.Common.Doors;

namespace Hive.Features.Tasks;

/// <summary>The needs that tasks of one bucket have in common.</summary>
/// <param name="Workflow">Their workflow.</param>
/// <param name="PhaseId">Their phase.</param>
/// <param name="Needs">The duty that they need.</param>
/// <param name="Capabilities">The capabilities that they need, one per line.</param>
/// <param name="WantsAgent">The only agent that may have them.</param>
/// <param name="Excluded">The agents that may not have them, one per line.</param>
internal readonly record struct BucketKey(
    string Workflow,
    string PhaseId,
    Duty Needs,
    string Capabilities,
    string? WantsAgent,
    string Excluded = ""
)
{
    public static BucketKey Of(QueuedTask task) =>
        new(
            task.Workflow,
            task.PhaseId,
            task.Needs,
            string.Join('\n', task.Capabilities),
            task.WantsAgent,
            task.Excluded is null ? "" : string.Join('\n', task.Excluded)
        );

    /// <summary>The agents that may not have these tasks.</summary>
    public IReadOnlyList<string> ExcludedAgents => Excluded.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A ready task and its place among those of its bucket.</summary>
internal sealed class ReadyTask(QueuedTask task, Bucket bucket)
{
    public QueuedTask Task => task;

    public Bucket Bucket => bucket;

    public ScorePiece Piece { get; set; }

    /// <summary>Compares two tasks at a time: the higher score first, then the ticket of the lower rank, then the older
    /// task.</summary>
    public static int Compare(ReadyTask first, ReadyTask second, long now)
    {
        var byScore = second.Piece.ScoreAt(now).CompareTo(first.Piece.ScoreAt(now));
        return byScore != 0 ? byScore : ByRank(first, second);
    }

    private static int ByRank(ReadyTask first, ReadyTask second)
    {
        var byRank = first.Task.Rank.CompareTo(second.Task.Rank);
        return byRank != 0 ? byRank : first.Task.Id.CompareTo(second.Task.Id);
    }

    /// <summary>Orders tasks of one pace, whose order is the same at any time.</summary>
    public static IComparer<ReadyTask> ByKey { get; } =
        Comparer<ReadyTask>.Create(
            (first, second) =>
            {
                var byKey = second.Piece.Key.CompareTo(first.Piece.Key);
                return byKey != 0 ? byKey : ByRank(first, second);
            }
        );

    /// <summary>Orders tasks by the moment at which their pace changes.</summary>
    public static IComparer<ReadyTask> ByMoment { get; } =
        Comparer<ReadyTask>.Create(
            (first, second) =>
            {
                var byMoment = first.Piece.Until.CompareTo(second.Piece.Until);
                return byMoment != 0 ? byMoment : first.Task.Id.CompareTo(second.Task.Id);
            }
        );
}

/// <summary>The ready tasks that the same agents can do, and these agents.</summary>
internal sealed class Bucket(BucketKey key, IReadOnlyList<string> capabilities, PhaseSlots phase)
{
    private readonly SortedSet<ReadyTask>[] paces =
    [
        .. Enumerable.Range(0, ScorePiece.Paces).Select(_ => new SortedSet<ReadyTask>(ReadyTask.ByKey)),
    ];
    private long? oldest;
    private ReadyTask? head;
    private long headAt;

    public BucketKey Key => key;

    public PhaseSlots Phase => phase;

    public IReadOnlyList<string> Capabilities => capabilities;

    /// <summary>The agents that may not have these tasks.</summary>
    public IReadOnlyList<string> Excluded { get; } = key.ExcludedAgents;

    public int Count { get; private set; }

    /// <summary>The agents that may have these tasks, whether they can work now or not.</summary>
    public List<PooledAgent> Agents { get; } = [];

    /// <summary>One more of these tasks may be done. A review takes no place of its phase: the work that it is about
    /// may have the last one.</summary>
    public bool HasRoom => Key.Needs == Duty.Validator || phase.HasRoom;

    /// <summary>How many of them are free.</summary>
    public int Free { get; set; }

    /// <summary>Since when none of them can work, in ms since 1970; null while one can.</summary>
    public long? NobodySince { get; set; }

    /// <summary>Other agents may have these tasks than when this was last taken back.</summary>
    public bool HasNewAgents { get; set; }

    /// <summary>Each pace's tasks, the next one first.</summary>
    public IReadOnlyList<SortedSet<ReadyTask>> Paces => paces;

    public void Add(ReadyTask task)
    {
        paces[task.Piece.Pace].Add(task);
        Count++;
        head = null;
        if (Count == 1 || task.Task.ReadyAt < oldest)
            oldest = task.Task.ReadyAt;
    }

    public void Remove(ReadyTask task)
    {
        paces[task.Piece.Pace].Remove(task);
        Count--;
        head = null;
        if (task.Task.ReadyAt == oldest)
            oldest = null;
    }

    /// <summary>The next task; null when there are none.</summary>
    public ReadyTask? Head(long now)
    {
        if (head is not null && headAt == now)
            return head;
        head = null;
        foreach (var pace in paces)
        {
            if (pace.Min is { } next && (head is null || ReadyTask.Compare(next, head, now) < 0))
                head = next;
        }

        headAt = now;
        return head;
    }

    /// <summary>When the first of its tasks became ready; of an empty bucket, never.</summary>
    public long OldestReadyAt() =>
        Count == 0 ? long.MaxValue : oldest ??= paces.SelectMany(pace => pace).Min(task => task.Task.ReadyAt!.Value);
}

/// <summary>How many tasks of a phase are being done, and how many may be.</summary>
internal sealed class PhaseSlots
{
    public int Active { get; set; }

    /// <summary>The phase's <c>max_active</c>; null for any number.</summary>
    public int? Most { get; set; }

    public bool HasRoom => Active < (Most ?? int.MaxValue);
}
