using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using Hive.Protocol;

namespace Hive.Features.Audit;

/// <summary>Writes and reads the audit's rows.</summary>
internal sealed class AuditTable(TimeProvider clock) : IAudit
{
    public void Add(
        IWrite write,
        string kind,
        AuditOrigin origin,
        string? subject = null,
        string? detail = null,
        DateTimeOffset? at = null
    ) =>
        write.Db.Execute(
            """
            INSERT INTO audit (kind, actor, subject, address, detail, count, first_at, last_at)
            VALUES (@kind, @Actor, @subject, @Address, @detail, 1, @at, @at)
            """,
            new
            {
                kind,
                origin.Actor,
                subject,
                origin.Address,
                detail,
                at = (at ?? clock.GetUtcNow()).ToUnixTimeMilliseconds(),
            }
        );

    /// <summary>Adds refusals to the row of their place and minute.</summary>
    public static void Add(IWrite write, Refusals.Counted refused)
    {
        var row = new
        {
            refused.Place.Kind,
            refused.Place.Actor,
            refused.Place.Address,
            refused.Place.Detail,
            refused.Count,
            minute = refused.Minute * 60_000,
            next = (refused.Minute + 1) * 60_000,
            first = refused.FirstAt.ToUnixTimeMilliseconds(),
            last = refused.LastAt.ToUnixTimeMilliseconds(),
        };
        const string Count = """
            UPDATE audit
               SET count = count + @Count, last_at = max(last_at, @last)
             WHERE kind = @Kind
               AND address IS @Address
               AND first_at >= @minute
               AND first_at < @next
               AND actor IS @Actor
               AND detail IS @Detail
            """;
        const string Insert = """
            INSERT INTO audit (kind, actor, address, detail, count, first_at, last_at)
            VALUES (@Kind, @Actor, @Address, @Detail, @Count, @first, @last)
            """;
        if (write.Db.Execute(Count, row) == 0)
            write.Db.Execute(Insert, row);
    }

    /// <summary>The newest entries, the newest first.</summary>
    public static IReadOnlyList<AuditEntry> List(DbConnection db, string? kind, int limit, long? before) =>
        [
            .. db.Query<Row>(
                    """
                    SELECT id, kind, count, first_at, last_at, actor, subject, address, detail
                      FROM audit
                     WHERE (@kind IS NULL OR kind = @kind) AND (@before IS NULL OR id < @before)
                     ORDER BY id DESC
                     LIMIT @limit
                    """,
                    new
                    {
                        kind,
                        before,
                        limit,
                    }
                )
                .Select(r => new AuditEntry(
                    r.Id,
                    r.Kind,
                    r.Count,
                    DateTimeOffset.FromUnixTimeMilliseconds(r.FirstAt),
                    DateTimeOffset.FromUnixTimeMilliseconds(r.LastAt),
                    r.Actor,
                    r.Subject,
                    r.Address,
                    r.Detail
                )),
        ];

    private sealed record Row
    {
        public required long Id { get; init; }

        public required string Kind { get; init; }

        public required long Count { get; init; }

        public required long FirstAt { get; init; }

        public required long LastAt { get; init; }

        public string? Actor { get; init; }

        public string? Subject { get; init; }

        public string? Address { get; init; }

        public string? Detail { get; init; }
    }
}
