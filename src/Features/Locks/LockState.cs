using System.Collections.Immutable;

namespace Hive.Features.Locks;

/// <summary>The holders of one resource, and those that want it.</summary>
/// <param name="Holders">The locks on it: one exclusive, or any number of shared ones.</param>
/// <param name="Queue">The requests and reservations that wait for it, the next one first.</param>
/// <param name="Wanted">The held tasks that declare it.</param>
internal sealed record ResourceLocks(
    ImmutableArray<LockRow> Holders,
    ImmutableArray<LockRow> Queue,
    ImmutableSortedSet<long> Wanted
)
{
    public static ResourceLocks None { get; } = new([], [], []);

    public bool IsEmpty => Holders.IsEmpty && Queue.IsEmpty && Wanted.IsEmpty;

    public LockRow? HeldBy(long task) => Find(Holders, task);

    public LockRow? WaitOf(long task) => Find(Queue, task);

    /// <summary>Those that keep a task from having the resource, the holders first.</summary>
    /// <param name="task">The task, which does not keep itself.</param>
    /// <param name="isExclusive">How it wants the resource.</param>
    /// <param name="place">Its place in the queue: those behind it do not count.</param>
    public IEnumerable<LockRow> Before(long task, bool isExclusive, int place) =>
        Holders.Concat(Queue.Take(place)).Where(other => other.Task != task && (isExclusive || other.IsExclusive));

    /// <summary>The same for a request in the queue.</summary>
    public IEnumerable<LockRow> Before(LockRow waiting) =>
        Before(waiting.Task, waiting.IsExclusive, Queue.IndexOf(waiting));

    private static LockRow? Find(ImmutableArray<LockRow> rows, long task)
    {
        foreach (var row in rows)
        {
            if (row.Task == task)
                return row;
        }

        return null;
    }
}

/// <summary>A task that is held until all resources that it declares are free.</summary>
/// <param name="Wanted">The resources.</param>
/// <param name="Since">When it was first held, by the monotonic clock.</param>
/// <param name="FreeSince">Since when all are free and the scheduler may give it to an agent, by the same clock; null
/// while they are not.</param>
/// <param name="IsReserved">It has a place in the queue of each.</param>
/// <param name="IsOvertaken">Nobody took it at once, and others that want its resources were freed too.</param>
internal sealed record HeldTask(
    ImmutableArray<string> Wanted,
    long Since,
    long? FreeSince,
    bool IsReserved = false,
    bool IsOvertaken = false
);

/// <summary>
/// All locks, requests and held tasks. It is immutable: a change makes another one, so that a write which fails goes
/// back to the one before.
/// </summary>
/// <param name="Resources">By resource.</param>
/// <param name="OfTask">The resources that a task holds, waits for or reserves.</param>
/// <param name="ById">The resource of each lock and request.</param>
/// <param name="Held">The held tasks.</param>
internal sealed record LockState(
    ImmutableDictionary<string, ResourceLocks> Resources,
    ImmutableDictionary<long, ImmutableHashSet<string>> OfTask,
    ImmutableDictionary<long, string> ById,
    ImmutableDictionary<long, HeldTask> Held
)
{
    public static LockState Empty { get; } =
        new(
            ImmutableDictionary.Create<string, ResourceLocks>(StringComparer.Ordinal),
            ImmutableDictionary<long, ImmutableHashSet<string>>.Empty,
            ImmutableDictionary<long, string>.Empty,
            ImmutableDictionary<long, HeldTask>.Empty
        );

    public ResourceLocks At(string resource) => Resources.GetValueOrDefault(resource, ResourceLocks.None);

    public ImmutableHashSet<string> Of(long task) => OfTask.GetValueOrDefault(task, ImmutableHashSet<string>.Empty);

    /// <summary>A lock or a request by its id.</summary>
    public LockRow? Find(long id) =>
        ById.TryGetValue(id, out var resource)
            ? At(resource).Holders.Concat(At(resource).Queue).FirstOrDefault(row => row.Id == id)
            : null;

    /// <summary>Adds a lock that is held.</summary>
    public LockState WithHolder(LockRow row) =>
        With(row, At(row.Resource) with { Holders = At(row.Resource).Holders.Add(row) });

    /// <summary>Adds a request at a place in its queue.</summary>
    public LockState WithWaiting(LockRow row, int place) =>
        With(row, At(row.Resource) with { Queue = At(row.Resource).Queue.Insert(place, row) });

    /// <summary>Replaces a lock or a request in its place.</summary>
    public LockState With(LockRow before, LockRow after)
    {
        var at = At(before.Resource);
        return With(
            after,
            at with
            {
                Holders = at.Holders.Contains(before) ? at.Holders.Replace(before, after) : at.Holders,
                Queue = at.Queue.Contains(before) ? at.Queue.Replace(before, after) : at.Queue,
            }
        );
    }

    /// <summary>Removes a lock, a request or a reservation.</summary>
    public LockState Without(LockRow row)
    {
        var at = At(row.Resource);
        at = at with { Holders = at.Holders.Remove(row), Queue = at.Queue.Remove(row) };
        var left = this with { Resources = Set(Resources, row.Resource, at), ById = ById.Remove(row.Id) };
        if (at.HeldBy(row.Task) is not null || at.WaitOf(row.Task) is not null)
            return left;
        var rest = Of(row.Task).Remove(row.Resource);
        return left with { OfTask = rest.IsEmpty ? OfTask.Remove(row.Task) : OfTask.SetItem(row.Task, rest) };
    }

    /// <summary>Remembers a held task, or forgets it.</summary>
    public LockState WithHeld(long task, HeldTask? held)
    {
        var resources = Resources;
        foreach (var resource in Held.TryGetValue(task, out var before) ? before.Wanted : [])
        {
            var at = resources.GetValueOrDefault(resource, ResourceLocks.None);
            resources = Set(resources, resource, at with { Wanted = at.Wanted.Remove(task) });
        }

        foreach (var resource in held?.Wanted ?? [])
        {
            var at = resources.GetValueOrDefault(resource, ResourceLocks.None);
            resources = Set(resources, resource, at with { Wanted = at.Wanted.Add(task) });
        }

        return this with
        {
            Resources = resources,
            Held = held is null ? Held.Remove(task) : Held.SetItem(task, held),
        };
    }

    private LockState With(LockRow row, ResourceLocks at) =>
        this with
        {
            Resources = Resources.SetItem(row.Resource, at),
            OfTask = OfTask.SetItem(row.Task, Of(row.Task).Add(row.Resource)),
            ById = row.IsReservation ? ById : ById.SetItem(row.Id, row.Resource),
        };

    private static ImmutableDictionary<string, ResourceLocks> Set(
        ImmutableDictionary<string, ResourceLocks> resources,
        string resource,
        ResourceLocks at
    ) => at.IsEmpty ? resources.Remove(resource) : resources.SetItem(resource, at);
}
