using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Waiting.Contracts;

namespace Hive.Features.Waiting;

/// <summary>Stores which rows are snoozed or seen.</summary>
internal sealed class WaitingMarks(TimeProvider clock)
{
    /// <summary>Reads all marks.</summary>
    public static IReadOnlyList<WaitingMarked> Read(DbConnection db) =>
        [
            .. db.Query<Row>("SELECT key, version, snoozed_until, seen FROM waiting_marks")
                .Select(row => new WaitingMarked(
                    row.Key,
                    row.Version,
                    row.SnoozedUntil is { } at ? LooseValue.Instant(at) : null,
                    row.Seen != 0
                )),
        ];

    /// <summary>Stores a mark in place of the row's earlier one, and publishes it.</summary>
    public void Set(IWrite write, WaitingMarked mark)
    {
        if (mark is { IsSeen: false, SnoozedUntilAt: null })
            write.Db.Execute("DELETE FROM waiting_marks WHERE key = @Key", new { mark.Key });
        else
            write.Db.Execute(
                """
                INSERT INTO waiting_marks (key, version, snoozed_until, seen, marked_at)
                VALUES (@Key, @Version, @until, @IsSeen, @now)
                    ON CONFLICT (key) DO UPDATE
                   SET version = excluded.version,
                       snoozed_until = excluded.snoozed_until,
                       seen = excluded.seen,
                       marked_at = excluded.marked_at
                """,
                new
                {
                    mark.Key,
                    mark.Version,
                    until = mark.SnoozedUntilAt?.ToUnixTimeMilliseconds(),
                    mark.IsSeen,
                    now = clock.GetUtcNow().ToUnixTimeMilliseconds(),
                }
            );
        write.Raise(mark);
    }

    /// <summary>Deletes the mark of a row that has left, unless a later version was marked in the meantime.</summary>
    public static void Delete(IWrite write, WaitingMarked mark) =>
        write.Db.Execute(
            "DELETE FROM waiting_marks WHERE key = @Key AND version <= @Version",
            new { mark.Key, mark.Version }
        );

    /// <summary>Deletes those marks that were set before a time.</summary>
    public static void DeleteBefore(IWrite write, IEnumerable<WaitingMarked> marks, DateTimeOffset time)
    {
        foreach (var mark in marks)
        {
            write.Db.Execute(
                "DELETE FROM waiting_marks WHERE key = @Key AND marked_at < @before",
                new { mark.Key, before = time.ToUnixTimeMilliseconds() }
            );
        }
    }

    private sealed record Row
    {
        public required string Key { get; init; }

        public required long Version { get; init; }

        public long? SnoozedUntil { get; init; }

        public required long Seen { get; init; }
    }
}
