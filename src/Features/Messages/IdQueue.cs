namespace Hive.Features.Messages;

/// <summary>
/// A queue of ids, lowest first. Ids rise, so nearly all are added at the end and taken from the front, without
/// searching. They lie in blocks, so that an id that is inserted or removed at its place moves those of one block.
/// </summary>
internal sealed class IdQueue : IEnumerable<long>
{
    // 4 KB: moving half of it takes less than searching it.
    private const int BlockSize = 512;

    private readonly List<Block> blocks = [];

    public int Count { get; private set; }

    /// <summary>The lowest id; the queue must not be empty.</summary>
    public long Min => Count > 0 ? blocks[0].Min : throw new InvalidOperationException("the queue is empty");

    /// <summary>The highest id; the queue must not be empty.</summary>
    public long Max => Count > 0 ? blocks[^1].Max : throw new InvalidOperationException("the queue is empty");

    public bool Contains(long id) => Count > 0 && blocks[BlockOf(id)].Find(id) >= 0;

    /// <summary>Adds an id, unless it is there already.</summary>
    public void Add(long id)
    {
        if (Count == 0)
            blocks.Add(new Block());
        var at = BlockOf(id);
        var place = blocks[at].Find(id);
        if (place >= 0)
            return;
        place = ~place;
        if (blocks[at].Count == BlockSize)
        {
            // Appended to, blocks stay full; otherwise both halves get room.
            var isEnd = at == blocks.Count - 1 && place == BlockSize;
            blocks.Insert(at + 1, isEnd ? new Block() : blocks[at].Split());
            if (place >= blocks[at].Count)
                (at, place) = (at + 1, place - blocks[at].Count);
        }

        blocks[at].Insert(place, id);
        Count++;
    }

    /// <summary>Adds ids; those that are there already are ignored.</summary>
    public void AddRange(ReadOnlySpan<long> ids)
    {
        foreach (var id in ids)
            Add(id);
    }

    /// <summary>Removes ids; missing ones are ignored.</summary>
    public void RemoveRange(ReadOnlySpan<long> ids)
    {
        foreach (var id in ids)
            Remove(id);
    }

    /// <summary>Removes an id, if it is there.</summary>
    public void Remove(long id)
    {
        if (Count == 0)
            return;
        var at = BlockOf(id);
        var place = blocks[at].Find(id);
        if (place < 0)
            return;
        blocks[at].RemoveAt(place);
        Count--;
        if (blocks[at].Count == 0)
            blocks.RemoveAt(at);
    }

    /// <summary>Copies the ids, a block at a time.</summary>
    public long[] ToArray()
    {
        var copy = new long[Count];
        var at = 0;
        foreach (var block in blocks)
        {
            block.Ids.CopyTo(copy.AsSpan(at));
            at += block.Count;
        }

        return copy;
    }

    public IEnumerator<long> GetEnumerator()
    {
        foreach (var block in blocks)
        {
            for (var i = 0; i < block.Count; i++)
                yield return block.Ids[i];
        }
    }

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    // The last block that begins at or before the id, or else the first one.
    private int BlockOf(long id)
    {
        if (blocks[0].Count == 0 || id < blocks[0].Max || blocks.Count == 1)
            return 0;
        if (id >= blocks[^1].Min)
            return blocks.Count - 1;
        var (low, high) = (0, blocks.Count - 1);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = id >= blocks[middle].Min ? (middle, high) : (low, middle);
        }

        return low;
    }

    /// <summary>Some of the ids in rising order; never empty but within a call.</summary>
    private sealed class Block
    {
        private long[] ids = new long[4];
        private int first;

        public int Count { get; private set; }

        public long Min => ids[first];

        public long Max => ids[first + Count - 1];

        public ReadOnlySpan<long> Ids => ids.AsSpan(first, Count);

        // The index of an id, or the complement of the index at which it would be inserted.
        public int Find(long id) =>
            Count == 0 || id > Max ? ~Count
            : id == Min ? 0
            : Ids.BinarySearch(id);

        public void Insert(int place, long id)
        {
            if (place == 0 && first > 0)
            {
                ids[--first] = id;
                Count++;
                return;
            }

            if (first + Count == ids.Length)
            {
                var roomy = first > 0 ? ids : new long[Math.Min(BlockSize, ids.Length * 2)];
                Ids.CopyTo(roomy);
                (ids, first) = (roomy, 0);
            }

            var used = ids.AsSpan(first, ++Count);
            used[place..^1].CopyTo(used[(place + 1)..]);
            used[place] = id;
        }

        public void RemoveAt(int place)
        {
            Count--;
            if (place == 0)
                first++;
            else
                ids.AsSpan(first + place + 1, Count - place).CopyTo(ids.AsSpan(first + place));
        }

        // Moves the upper half into a block of its own.
        public Block Split()
        {
            var half = Count / 2;
            var upper = new Block { ids = new long[BlockSize], Count = Count - half };
            Ids[half..].CopyTo(upper.ids);
            Count = half;
            return upper;
        }
    }
}
