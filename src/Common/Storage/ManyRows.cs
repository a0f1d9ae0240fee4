using System.Data.Common;

namespace Hive.Common.Storage;

/// <summary>Deletes many rows in small writes. A reader finds them, so that the writer looks through no
/// others.</summary>
public static class ManyRows
{
    /// <summary>The most rows that <c>find</c> returns: a row takes 5 to 20 us.</summary>
    public const int PerWrite = 100;

    /// <param name="store">The database.</param>
    /// <param name="find">Finds the next rows. If <paramref name="delete"/> may leave a row, they must come in rising
    /// order, after the given key, which is null or 0 at first.</param>
    /// <param name="delete">Deletes a row, if it is still to be deleted.</param>
    /// <param name="ct">Stops between two writes.</param>
    public static async Task Delete<TKey>(
        IStore store,
        Func<DbConnection, TKey?, IEnumerable<TKey>> find,
        Action<IWrite, TKey> delete,
        CancellationToken ct
    )
    {
        for (var last = default(TKey); ; )
        {
            var piece = await store.Read(db => find(db, last).ToArray(), ct);
            if (piece.Length == 0)
                return;
            last = await store.Write(
                write =>
                {
                    foreach (var key in piece)
                        delete(write, key);
                    return piece[^1];
                },
                ct
            );
        }
    }
}
