namespace Hive.Features.Messages;

/// <summary>
/// A queue of ids, lowest first. Ids rise, so nearly all are added at the end and taken from the front, without
/// searching. A requeued id is inserted at its place, which moves the ids behind it; many requeued ids are inserted in
/// one pass.
/// </summary>
internal sealed class IdQueue : IEnumerable<long>
{
    private long[] ids = [];
    private int first;

    public int Count { get; private set; }

    /// <summary>The lowest id; the queue must not be empty.</summary>
    public long Min => Count > 0 ? ids[first] : throw new InvalidOperationException("the queue is empty");

    /// <summary>The highest id; the queue must not be empty.</summary>
    public long Max => Count > 0 ? ids[first + Count - 1] : throw new InvalidOperationException("the queue is empty");

    public bool Contains(long id) => Find(id) >= 0;

    /// <summary>Adds an id, unless it is there already.</summary>
    public void Add(long id)
    {
        var place = Count == 0 || id > ids[first + Count - 1] ? Count : ~Find(id);
        if (place < 0)
            return;
        Count++;
        if (place == 0 && first > 0)
        {
            ids[--first] = id;
            return;
        }

        MakeRoom();
        var queued = ids.AsSpan(first, Count);
        queued[place..^1].CopyTo(queued[(place + 1)..]);
        queued[place] = id;
    }

    /// <summary>Adds many distinct ids, given in rising order, in one pass; none of them may be there
    /// already.</summary>
    public void AddRange(ReadOnlySpan<long> rising)
    {
        if (rising.IsEmpty)
            return;
        var merged = new long[Count + rising.Length];
        var queued = ids.AsSpan(first, Count);
        for (var (i, q, r) = (0, 0, 0); i < merged.Length; i++)
            merged[i] = r == rising.Length || (q < queued.Length && queued[q] < rising[r]) ? queued[q++] : rising[r++];
        (ids, first, Count) = (merged, 0, merged.Length);
    }

    /// <summary>Removes many ids, given in rising order, in one pass; missing ids are ignored.</summary>
    public void RemoveRange(ReadOnlySpan<long> rising)
    {
        var queued = ids.AsSpan(first, Count);
        var (kept, r) = (0, 0);
        foreach (var id in queued)
        {
            while (r < rising.Length && rising[r] < id)
                r++;
            if (r == rising.Length || rising[r] != id)
                queued[kept++] = id;
        }

        Count = kept;
        Shrink();
    }

    /// <summary>Removes an id, if it is there.</summary>
    public void Remove(long id)
    {
        var place = Find(id);
        if (place < 0)
            return;
        Count--;
        if (place == 0)
            first++;
        else
            ids.AsSpan(first + place + 1, Count - place).CopyTo(ids.AsSpan(first + place));
        Shrink();
    }

    public IEnumerator<long> GetEnumerator() => ids.Skip(first).Take(Count).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    // The index of an id, or the complement of the index at which it would be inserted.
    private int Find(long id)
    {
        if (Count > 0 && ids[first] == id)
            return 0;
        return ids.AsSpan(first, Count).BinarySearch(id);
    }

    private void Shrink()
    {
        if (Count == 0)
            (first, ids) = (0, ids.Length > 1024 ? [] : ids);
    }

    private void MakeRoom()
    {
        if (first + Count <= ids.Length)
            return;
        var roomy = first > Count ? ids : new long[Math.Max(8, Count * 2)];
        ids.AsSpan(first, Count - 1).CopyTo(roomy);
        (ids, first) = (roomy, 0);
    }
}
