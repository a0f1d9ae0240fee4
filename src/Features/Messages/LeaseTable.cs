using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>The leased messages of one recipient, in groups of those that are leased the same way: what a connection or
/// a turn holds is found without looking through all of them.</summary>
internal sealed class LeaseTable
{
    private readonly Dictionary<long, (LeaseGroup Group, Message? Row)> leased = [];
    private readonly Dictionary<Lease, LeaseGroup> groups = [];

    // Groups that were set aside, until they are empty.
    private readonly HashSet<LeaseGroup> leaving = [];

    public int Count => leased.Count;

    public bool Has(long id, out Lease lease)
    {
        var has = leased.TryGetValue(id, out var found);
        lease = has ? found.Group.Lease : default;
        return has;
    }

    public void Add(long id, Lease lease, Message? row) =>
        Add(id, groups.TryGetValue(lease, out var group) ? group : new LeaseGroup(lease), row);

    /// <summary>Adds a message to a group, also to one that has become empty since.</summary>
    public void Add(long id, LeaseGroup group, Message? row)
    {
        if (group.Ids.Count == 0)
            Attach(group);
        group.Ids.Add(id);
        leased.Add(id, (group, row));
    }

    public (LeaseGroup Group, Message? Row) Take(long id)
    {
        if (!leased.Remove(id, out var found))
            throw new InvalidOperationException("the message is not leased");
        found.Group.Ids.Remove(id);
        if (found.Group.Ids.Count == 0)
            Detach(found.Group);
        return found;
    }

    public int CountOf(Func<Lease, bool> which) => All(which).Sum(group => group.Ids.Count);

    public long[] Find(Func<Lease, bool> which)
    {
        var found = All(which).Select(group => group.Ids.ToArray()).ToArray();
        return found.Length == 1 ? found[0] : [.. found.SelectMany(ids => ids)];
    }

    public LeaseGroup[] Leave(Func<Lease, bool> which)
    {
        var found = groups.Values.Where(group => which(group.Lease)).ToArray();
        foreach (var group in found)
        {
            Detach(group);
            group.IsLeaving = true;
            Attach(group);
        }

        return found;
    }

    /// <summary>Undoes <see cref="Leave"/>, with the groups as they were then.</summary>
    public void Return(LeaseGroup[] left)
    {
        foreach (var group in left)
        {
            Detach(group);
            group.IsLeaving = false;
            Attach(group);
        }
    }

    private IEnumerable<LeaseGroup> All(Func<Lease, bool> which) =>
        groups.Values.Concat(leaving).Where(group => which(group.Lease));

    private void Attach(LeaseGroup group)
    {
        if (group.IsLeaving)
            leaving.Add(group);
        else
            groups.Add(group.Lease, group);
    }

    private void Detach(LeaseGroup group)
    {
        if (group.IsLeaving)
            leaving.Remove(group);
        else
            groups.Remove(group.Lease);
    }
}

/// <summary>Messages that are leased the same way.</summary>
internal sealed class LeaseGroup(Lease lease)
{
    public Lease Lease => lease;

    public IdQueue Ids { get; } = new();

    /// <summary>They are being requeued; messages that are leased the same way from now on are another group.</summary>
    public bool IsLeaving { get; set; }
}

/// <summary>
/// The lease of a message: held by a holder (a turn), or else by a connection, or by neither when its connection
/// belonged to an earlier run of the host.
/// </summary>
/// <param name="Holder">The holder.</param>
/// <param name="Connection">The connection that received the message.</param>
/// <param name="IsDoubtful">The message was received for the holder in an earlier run of the host, so its receiver may
/// never have read the answer (docs/adr/0063).</param>
internal readonly record struct Lease(long? Holder, long? Connection, bool IsDoubtful = false)
{
    /// <summary>True when the holder holds the message and its receiver is known to have it.</summary>
    public bool IsSurelyHeldBy(long holder) => Holder == holder && !IsDoubtful;
}

/// <summary>Leases that were set aside to be requeued, lowest message first.</summary>
internal sealed class LeavingLeases
{
    private readonly PriorityQueue<LeaseGroup, long> next = new();
    private readonly LeaseGroup[] groups;
    private bool changed = true;

    public LeavingLeases(LeaseGroup[] groups)
    {
        this.groups = groups;
        Count = groups.Sum(group => group.Ids.Count);
    }

    /// <summary>How many there were when they were set aside.</summary>
    public int Count { get; }

    /// <summary>True when <see cref="Take"/> has listed all.</summary>
    public bool IsEmpty => changed ? groups.Length == 0 : next.Count == 0;

    /// <summary>Lists the next messages; each must be released by the same write.</summary>
    public IEnumerable<long> Take(Common.Storage.IWrite write, int most)
    {
        write.OnRollback(() => changed = true);
        if (changed)
            Restart();
        while (most > 0 && next.TryDequeue(out var group, out var lowest))
        {
            if (group.Ids.Count == 0)
                continue;
            if (group.Ids.Min == lowest)
            {
                most--;
                yield return lowest;
            }

            if (group.Ids.Count > 0)
                next.Enqueue(group, group.Ids.Min);
        }
    }

    // Also after a write was undone, which may have put messages back.
    private void Restart()
    {
        changed = false;
        next.Clear();
        next.EnqueueRange(groups.Where(group => group.Ids.Count > 0).Select(group => (group, group.Ids.Min)));
    }
}
