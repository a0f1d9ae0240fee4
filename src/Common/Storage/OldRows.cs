using Dapper;

namespace Hive.Common.Storage;

/// <summary>Deletes old rows from a table whose ids rise with time. It needs no index, reads only the oldest rows, and
/// keeps each write small.</summary>
public static class OldRows
{
    /// <summary>Reads from the oldest row to the first recent one, and deletes the old rows among them.</summary>
    /// <param name="store">The database.</param>
    /// <param name="table">The table; its key is <c>id</c>.</param>
    /// <param name="begun">A column that rises with the id, in unix milliseconds.</param>
    /// <param name="ended">A column that decides: rows below <paramref name="before"/> are deleted, rows with null are
    /// kept whatever their age.</param>
    /// <param name="before">Unix milliseconds.</param>
    /// <param name="now">Unix milliseconds. A row from later than now was written when the clock was wrong, and does
    /// not end the search.</param>
    /// <param name="rowsPerWrite">The most rows of one write.</param>
    /// <param name="ct">Stops between two writes.</param>
    /// <returns>The number of deleted rows.</returns>
    public static async Task<int> Remove(
        IStore store,
        string table,
        string begun,
        string ended,
        long before,
        long now,
        int rowsPerWrite,
        CancellationToken ct
    )
    {
        var (last, removed) = (0L, 0);
        while (true)
        {
            var page = await store.Read(
                db =>
                    db.Query<Row>(
                            $"""
                            SELECT id, {begun} AS begun, {ended} AS ended FROM {table}
                            WHERE id > @last
                            ORDER BY id
                            LIMIT @rowsPerWrite
                            """,
                            new { last, rowsPerWrite }
                        )
                        .ToArray(),
                ct
            );
            if (page.Any(row => row.Ended < before))
            {
                var until = page[^1].Id;
                removed += await store.Write(
                    write =>
                        write.Db.Execute(
                            $"DELETE FROM {table} WHERE id > @last AND id <= @until AND {ended} < @before",
                            new
                            {
                                last,
                                until,
                                before,
                            }
                        ),
                    ct
                );
            }

            if (page.Length < rowsPerWrite || (page[^1].Begun >= before && page[^1].Begun <= now))
                return removed;
            last = page[^1].Id;
        }
    }

    private sealed record Row
    {
        public required long Id { get; init; }

        public required long Begun { get; init; }

        public long? Ended { get; init; }
    }
}
