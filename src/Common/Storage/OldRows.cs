using Dapper;

namespace Hive.Common.Storage;

/// <summary>Removes what is old from a table whose ids rise with time: no index is needed, only the oldest rows are
/// looked at, and each write is small.</summary>
public static class OldRows
{
    /// <summary>Goes from the oldest row to the first that is young, and removes what is old among them.</summary>
    /// <param name="store">The database.</param>
    /// <param name="table">The table; its key is <c>id</c>.</param>
    /// <param name="begun">Its column that rises with the id, in unix milliseconds.</param>
    /// <param name="ended">Its column that is below <paramref name="before"/> in what is removed; null in what stays
    /// however old it is.</param>
    /// <param name="before">Unix milliseconds.</param>
    /// <param name="now">Unix milliseconds. A later row was written when the clock was wrong, and does not hide older
    /// ones behind it.</param>
    /// <param name="rowsPerWrite">Rows of one write at most.</param>
    /// <param name="ct">Ends it between two writes.</param>
    /// <returns>How many were removed.</returns>
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
                            $"SELECT id, {begun} AS Begun, {ended} AS Ended FROM {table} WHERE id > @last ORDER BY id LIMIT @rowsPerWrite",
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
