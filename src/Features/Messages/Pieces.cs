using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <summary>Does something with many messages in several writes, so that nobody waits for all of them.</summary>
internal static class Pieces
{
    /// <param name="store">The store.</param>
    /// <param name="find">Finds the messages, in the first write, which takes the first piece too.</param>
    /// <param name="step">Deals with those of a piece that are still as they were found.</param>
    /// <returns>What came of each piece.</returns>
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
                return step(write, ids.Take(ITurnEnds.Piece));
            },
            CancellationToken.None
        );
        List<T> results = [first];
        foreach (var piece in ids.Skip(ITurnEnds.Piece).Chunk(ITurnEnds.Piece))
            results.Add(await store.Write(write => step(write, piece), CancellationToken.None));
        return results;
    }
}
