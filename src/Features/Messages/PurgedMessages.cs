using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Messages;

/// <summary>
/// Deletes the messages of purged agents. Those may be hundreds of thousands, and each has entries in the index; so the
/// write that purges an agent only notes up to which id, and they are deleted in small writes before the purge is
/// answered. A purge that a kill of the host interrupted continues at the start.
/// </summary>
internal sealed partial class PurgedMessages(IStore store, TimeProvider clock, ILogger<PurgedMessages> log)
    : BackgroundService
{
    /// <summary>Selects messages whose purge has not ended.</summary>
    public const string IsPurged =
        "EXISTS (SELECT 1 FROM message_purges WHERE agent = messages.recipient AND newest >= messages.id)";

    private static readonly TimeSpan RetryPause = TimeSpan.FromMinutes(1);

    /// <summary>Notes that all messages which the agent has received so far are purged.</summary>
    /// <returns>The id of the newest message of all.</returns>
    public static long Note(IWrite write, string agent) =>
        write.Db.QuerySingle<long>(
            """
            INSERT OR REPLACE INTO message_purges (agent, newest)
            VALUES (@agent, coalesce((SELECT max(id) FROM messages), 0))
            RETURNING newest
            """,
            new { agent }
        );

    /// <summary>Deletes the messages of all noted agents.</summary>
    public async Task Delete(CancellationToken ct)
    {
        var purges = await store.Read(db => db.Query<Purge>("SELECT agent, newest FROM message_purges").ToArray(), ct);
        foreach (var purge in purges)
            await Delete(purge, ct);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!await TryDelete(stoppingToken))
            await Task.Delay(RetryPause, clock, stoppingToken);
    }

    private async Task<bool> TryDelete(CancellationToken ct)
    {
        try
        {
            await Delete(ct);
            return true;
        }
        catch (Problem e)
        {
            LogFailed(log, e);
            return false;
        }
    }

    private async Task Delete(Purge purge, CancellationToken ct)
    {
        for (var after = 0L; ; )
        {
            var piece = await store.Read(db => Find(db, purge, after), ct);
            if (piece.Length == 0)
                break;
            after = piece[^1];
            await store.Write(
                write =>
                {
                    foreach (var id in piece)
                        write.Prepare("DELETE FROM messages WHERE id = ?1").Bind(1, id).Step();
                },
                ct
            );
        }

        // Unless another agent of the same name was purged in the meantime.
        await store.Write(
            write => write.Db.Execute("DELETE FROM message_purges WHERE agent = @Agent AND newest = @Newest", purge),
            ct
        );
    }

    // The indexed messages first: they all have lower ids than the others, which are looked through.
    private static long[] Find(DbConnection db, Purge purge, long after)
    {
        var given = new
        {
            purge.Agent,
            purge.Newest,
            after,
            most = VacuumMessages.RowsPerWrite,
        };
        var indexed = db.Query<long>(IndexedSql, given).ToArray();
        return indexed.Length > 0 ? indexed : [.. db.Query<long>(TailSql, given)];
    }

    private const string IndexedSql = """
        SELECT id
          FROM message_index INDEXED BY message_index_recipient
         WHERE recipient = @Agent AND id > @after AND id <= @Newest
         ORDER BY id
         LIMIT @most
        """;

    private const string TailSql = """
        SELECT id
          FROM messages
         WHERE id > max(@after, coalesce((SELECT max(id) FROM message_index), 0))
           AND id <= @Newest
           AND recipient = @Agent
         ORDER BY id
         LIMIT @most
        """;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "deleting the messages of purged agents failed; will retry in a minute"
    )]
    private static partial void LogFailed(ILogger logger, Exception error);

    private sealed record Purge
    {
        public required string Agent { get; init; }

        public required long Newest { get; init; }
    }
}
