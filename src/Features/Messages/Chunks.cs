using Hive.Common.Storage;

namespace Hive.Features.Messages;

/// <summary>Changes many messages in several writes, so that no other write waits for all of them.</summary>
internal sealed class Chunks(IStore store)
{
    /// <summary>
    /// The number of messages that one write changes at most: a message takes 5 to 20 us, and up to 100 us when its
    /// text is long, so that a write takes 10 ms at most (600,000 at once held up every other caller for 2.9 s).
    /// </summary>
    public const int UsualSize = 100;

    /// <summary>As <see cref="UsualSize"/>; tests set it, so that few messages take several writes.</summary>
    public int Size { get; set; } = UsualSize;

    /// <param name="find">Finds the messages, in the first write, which also changes the first chunk. Those that come
    /// later are not among them.</param>
    /// <param name="step">Changes those of a chunk that are still as they were found.</param>
    /// <returns>The result of each chunk, when all are on disk.</returns>
    public async Task<IReadOnlyList<T>> Write<T>(
        Func<IWrite, IReadOnlyList<long>> find,
        Func<IWrite, IReadOnlyList<long>, T> step
    )
    {
        IReadOnlyList<long> ids = [];
        var first = await store.Write(
            write =>
            {
                ids = find(write);
                return step(write, [.. ids.Take(Size)]);
            },
            CancellationToken.None
        );
        List<T> results = [first];
        foreach (var chunk in ids.Skip(Size).Chunk(Size))
            results.Add(await store.Write(write => step(write, chunk), CancellationToken.None));
        return results;
    }
}
