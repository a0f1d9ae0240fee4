using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Locks;

/// <summary>The locks that are held and the requests that wait, in the snapshot.</summary>
internal sealed class LocksSection : IDashboardSection
{
    public string Name => "locks";

    public Type Type => typeof(IReadOnlyList<LockView>);

    public object Read(DbConnection db) => ListLocks.Open(db);
}

/// <summary>The locks that an agent waits for.</summary>
internal sealed class LockLooseEnds(TimeProvider clock) : ILooseEnds
{
    public IEnumerable<LooseEnd> Read(DbConnection db, string? agent)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return db.Query<LockRow>(
                $"""
                SELECT {LockRow.Columns}
                  FROM locks INDEXED BY locks_waiting
                 WHERE released_at IS NULL AND acquired_at IS NULL{(agent is null ? "" : " AND agent = @agent")}
                 ORDER BY id
                """,
                new { agent }
            )
            .Select(row => new LooseEnd(
                "lock",
                row.Id,
                row.Agent,
                row.Resource,
                Math.Max(0, now - row.AskedAt) / 1000,
                LooseEnd.Waits
            ))
            .ToArray();
    }
}
