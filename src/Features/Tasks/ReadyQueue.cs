namespace Hive.Features.Tasks;

/// <summary>
/// The ready tasks in the order of <see cref="TaskScore"/>, exactly and at any time. A score changes with time, so an
/// order by scores would rot; but what is left of a score without what its pace adds does not change before a moment
/// that is known. So each bucket keeps a sorted set for each pace, and one list of moments moves tasks from set to set:
/// O(log n) for each change, and no task is scored twice in between.
/// </summary>
internal sealed class ReadyQueue(
    TaskScore score,
    Func<BucketKey, IReadOnlyList<string>, Bucket> makeBucket,
    Action<Bucket> dropBucket
)
{
    // Empty buckets are kept, since most are soon filled again; above this number they are dropped.
    private const int MostBuckets = 512;

    private readonly Dictionary<long, ReadyTask> tasks = [];
    private readonly Dictionary<BucketKey, Bucket> buckets = [];
    private readonly SortedSet<ReadyTask> moments = new(ReadyTask.ByMoment);
    private int mostBuckets = MostBuckets;
    private long advanced = long.MinValue;

    public int Count => tasks.Count;

    public IReadOnlyCollection<Bucket> Buckets => buckets.Values;

    /// <summary>The next moment at which a pace changes, in ms since 1970.</summary>
    public long NextMoment => moments.Min?.Piece.Until ?? long.MaxValue;

    /// <summary>Adds a ready task, or replaces it.</summary>
    public void Put(QueuedTask task, long now)
    {
        Remove(task.Id);
        var entry = new ReadyTask(task, BucketOf(task));
        tasks.Add(task.Id, entry);
        Place(entry, now);
    }

    /// <summary>Removes a task, if it is there.</summary>
    public void Remove(long task)
    {
        if (!tasks.Remove(task, out var entry))
            return;
        entry.Bucket.Remove(entry);
        moments.Remove(entry);
    }

    /// <summary>Moves the tasks whose pace has changed by now.</summary>
    /// <param name="now">In ms since 1970.</param>
    /// <param name="most">How many to move.</param>
    /// <returns>False when there are more.</returns>
    public bool Advance(long now, int most = int.MaxValue)
    {
        // The clock was set back: pieces of the future do not hold.
        if (now < advanced)
        {
            foreach (var entry in tasks.Values)
                Replace(entry, now);
        }

        advanced = now;
        for (var moved = 0; moved < most; moved++)
        {
            if (moments.Min is not { } entry || entry.Piece.Until > now)
                return true;
            Replace(entry, now);
        }

        return NextMoment > now;
    }

    /// <summary>The first tasks, of all buckets or of some; needs <see cref="Advance"/> for the same time.</summary>
    public List<long> First(int most, long now, Func<Bucket, bool>? among = null) =>
        [.. InOrder(now, among).Take(most).Select(task => task.Id)];

    /// <summary>A task that is here, or null.</summary>
    public ReadyTask? Find(long task) => tasks.GetValueOrDefault(task);

    /// <summary>The tasks of all buckets or of some, the next one first; needs <see cref="Advance"/> for the same time.
    /// Nothing may change while they are read.</summary>
    public IEnumerable<QueuedTask> InOrder(long now, Func<Bucket, bool>? among = null)
    {
        var heads = new PriorityQueue<SortedSet<ReadyTask>.Enumerator, ReadyTask>(
            Comparer<ReadyTask>.Create((first, second) => ReadyTask.Compare(first, second, now))
        );
        foreach (
            var pace in buckets
                .Values.Where(bucket => among is null || among(bucket))
                .SelectMany(bucket => bucket.Paces)
        )
        {
            var next = pace.GetEnumerator();
            if (next.MoveNext())
                heads.Enqueue(next, next.Current);
        }

        while (heads.TryDequeue(out var next, out var task))
        {
            yield return task.Task;
            if (next.MoveNext())
                heads.Enqueue(next, next.Current);
        }
    }

    private void Replace(ReadyTask entry, long now)
    {
        entry.Bucket.Remove(entry);
        moments.Remove(entry);
        Place(entry, now);
    }

    private void Place(ReadyTask entry, long now)
    {
        entry.Piece = score.At(entry.Task, now);
        entry.Bucket.Add(entry);
        if (entry.Piece.Until < long.MaxValue)
            moments.Add(entry);
    }

    private Bucket BucketOf(QueuedTask task)
    {
        var key = BucketKey.Of(task);
        if (buckets.TryGetValue(key, out var bucket))
            return bucket;
        if (buckets.Count >= mostBuckets)
            DropEmpty();
        bucket = makeBucket(key, task.Capabilities);
        buckets.Add(key, bucket);
        return bucket;
    }

    private void DropEmpty()
    {
        foreach (var empty in buckets.Values.Where(bucket => bucket.Count == 0).ToArray())
        {
            buckets.Remove(empty.Key);
            dropBucket(empty);
        }

        mostBuckets = Math.Max(MostBuckets, 2 * buckets.Count);
    }
}
