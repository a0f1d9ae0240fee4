namespace Hive.Features.Messages;

/// <summary>
/// A queue of ids, lowest first. Ids rise, so that nearly all are added at the end and taken from the front, both
/// without searching;
/// one that comes again is put where it belongs, which moves those behind it: many that come again are better put there
/// at once.
/// </summary>
internal sealed class IdQueue : IEnumerable<long>
{
    private long[] ids = [];
    private int first;

    public int Count { get; private set; }

    /// <summary>The lowest id; there must be one.</summary>
    public long Min => Count > 0 ? ids[first] : throw new InvalidOperationException("the queue is empty");

    /// <summary>The highest id; there must be one.</summary>
    public long Max => Count > 0 ? ids[first + Count - 1] : throw new InvalidOperationException("the queue is empty");

    public bool Contains(long id) => Find(id) >= 0;

    /// <summary>Adds an id; one that is there stays there once.</summary>
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

    /// <summary>Adds many ids, in rising order and each once, in one pass; none of them may be there.</summary>
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

    /// <summary>Takes many ids out, given in rising order, in one pass; one that is not there is passed over.</summary>
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

    /// <summary>Takes an id out, if it is there.</summary>
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

    // The place among the queued, or the complement of where it would stand.
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
