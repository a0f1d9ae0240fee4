using System.Data.Common;
using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Locks;

/// <summary>Reads and writes rows of locks; it decides nothing. The statements of every lock are prepared.</summary>
internal static class LockRows
{
    /// <summary>All that are held or wait, in the order in which they were asked for.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="most">How many, the oldest first.</param>
    public static IReadOnlyList<LockRow> Open(DbConnection db, int most = int.MaxValue) =>
        db.Query<LockRow>(
                $"""
                SELECT {LockRow.Columns}
                  FROM locks INDEXED BY locks_open
                 WHERE released_at IS NULL
                 ORDER BY id
                 LIMIT @most
                """,
                new { most }
            )
            .AsList();

    /// <summary>Those of one resource, the holders first.</summary>
    public static IReadOnlyList<LockRow> OfResource(DbConnection db, string type, string id) =>
        db.Query<LockRow>(
                $"""
                SELECT {LockRow.Columns}
                  FROM locks INDEXED BY locks_open
                 WHERE resource_type = @type AND resource_id = @id AND released_at IS NULL
                 ORDER BY acquired_at IS NULL, id
                 LIMIT 200
                """,
                new { type, id }
            )
            .AsList();

    /// <summary>Those of one task.</summary>
    public static IReadOnlyList<LockRow> OfTask(DbConnection db, long task) =>
        db.Query<LockRow>(
                $"""
                SELECT {LockRow.Columns}
                  FROM locks INDEXED BY locks_task
                 WHERE task = @task AND released_at IS NULL
                 ORDER BY id
                """,
                new { task }
            )
            .AsList();

    public static LockRow? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<LockRow>($"SELECT {LockRow.Columns} FROM locks WHERE id = @id", new { id });

    public static LockRow Insert(IWrite write, LockRow row)
    {
        var insert = write
            .Prepare(InsertSql)
            .Bind(1, row.ResourceType)
            .Bind(2, row.ResourceId)
            .Bind(3, row.Mode)
            .Bind(4, row.Task)
            .Bind(5, row.Agent)
            .Bind(6, row.Count)
            .Bind(7, row.TtlSeconds)
            .Bind(8, row.Notify)
            .Bind(9, row.AskedAt)
            .Bind(10, row.AcquiredAt)
            .Bind(11, row.ExpiresAt);
        insert.Step();
        row = row with { Id = insert.Long(0) };
        insert.Reset();
        return row;
    }

    /// <summary>Stores what changes while a lock is held or waits.</summary>
    public static void Update(IWrite write, LockRow row) =>
        write
            .Prepare(UpdateSql)
            .Bind(1, row.Id)
            .Bind(2, row.Mode)
            .Bind(3, row.Agent)
            .Bind(4, row.Count)
            .Bind(5, row.TtlSeconds)
            .Bind(6, row.Notify)
            .Bind(7, row.AcquiredAt)
            .Bind(8, row.ExpiresAt)
            .Step();

    public static void End(IWrite write, LockRow row) =>
        write.Prepare(EndSql).Bind(1, row.Id).Bind(2, row.ReleasedAt).Bind(3, row.ReleaseReason).Step();

    /// <summary>True when locks ended before a time, in ms since 1970.</summary>
    public static bool HasEnded(DbConnection db, long before) =>
        db.ExecuteScalar<bool>(
            "SELECT EXISTS (SELECT 1 FROM locks INDEXED BY locks_ended WHERE released_at < @before)",
            new { before }
        );

    /// <summary>Deletes locks that ended before a time, in ms since 1970.</summary>
    /// <returns>How many; at most <paramref name="most"/>.</returns>
    public static int DeleteEnded(IWrite write, long before, int most) =>
        write.Db.Execute(
            """
            DELETE FROM locks
             WHERE id IN (SELECT id FROM locks INDEXED BY locks_ended WHERE released_at < @before LIMIT @most)
            """,
            new { before, most }
        );

    private const string InsertSql = """
        INSERT INTO locks (resource_type, resource_id, mode, task, agent, count, ttl_seconds, notify, asked_at,
                           acquired_at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        RETURNING id
        """;

    private const string UpdateSql = """
        UPDATE locks
           SET mode = ?2, agent = ?3, count = ?4, ttl_seconds = ?5, notify = ?6, acquired_at = ?7, expires_at = ?8
         WHERE id = ?1
        """;

    private const string EndSql = "UPDATE locks SET released_at = ?2, release_reason = ?3 WHERE id = ?1";
}
