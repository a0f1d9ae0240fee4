using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <summary>Changes many messages in several writes, so that no other write waits for all of them.</summary>
internal static class Chunks
{
    /// <param name="store">The store.</param>
    /// <param name="find">Finds the messages, in the first write, which also changes the first chunk.</param>
    /// <param name="step">Changes those of a chunk that are still as they were found.</param>
    /// <returns>The result of each chunk.</returns>
    public static async Task<IReadOnlyList<T>> Write<T>(
        IStore store,
        Func<IWrite, IReadOnlyList<long>> find,
        Func<IWrite, IEnumerable<long>, T> step
    )
    {
        IReadOnlyList<long> ids = [];
        var first = await store.Write(
            write =>
            {
                ids = find(write);
                return step(write, ids.Take(ILeases.ChunkSize));
            },
            CancellationToken.None
        );
        List<T> results = [first];
        foreach (var chunk in ids.Skip(ILeases.ChunkSize).Chunk(ILeases.ChunkSize))
            results.Add(await store.Write(write => step(write, chunk), CancellationToken.None));
        return results;
    }
}
