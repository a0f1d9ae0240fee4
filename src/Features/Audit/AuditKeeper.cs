using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Audit;

/// <summary>Writes refusals into the audit, a few seconds after they were seen, and keeps the table small.</summary>
internal sealed partial class AuditKeeper(IStore store, Refusals refusals, TimeProvider clock, ILogger<AuditKeeper> log)
    : BackgroundService
{
    /// <summary>Refusals are collected for this long, so that a flood costs one write each time.</summary>
    public static readonly TimeSpan Collects = TimeSpan.FromSeconds(5);

    /// <summary>Long enough to notice and follow a break-in.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(90);

    /// <summary>Of each kind, so that wrong keys push out no logins; together about 4 MB.</summary>
    public const int MostOfKind = 5_000;

    /// <summary>Forbidden commands of each agent, so that no agent pushes out those of another.</summary>
    public const int MostOfAgent = 1_000;

    private const int PerWrite = 500;

    // Each is a search and a change of a row, about 20 µs: together about a millisecond of the writer.
    private const int CountsPerWrite = 64;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Record(stoppingToken), Sweep(stoppingToken));

    private async Task Record(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await refusals.Noted.Wait(ct);
                await Task.Delay(Collects, clock, ct);
                await Flush(ct);
            }
        }
        catch (OperationCanceledException)
        {
            // The last counts are stored too, unless the disk is full.
            await Flush(ct);
        }
    }

    private async Task Flush(CancellationToken ct)
    {
        var counted = refusals.Take();
        if (counted.Count == 0)
            return;
        foreach (var some in counted.Chunk(CountsPerWrite))
        {
            try
            {
                await store.Write(
                    write =>
                    {
                        foreach (var refused in some)
                            AuditTable.Add(write, refused);
                    },
                    CancellationToken.None
                );
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogNotStored(log, some.Sum(refused => refused.Count), e.Message);
            }
        }

        ct.ThrowIfCancellationRequested();
    }

    private async Task Sweep(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                var now = clock.GetUtcNow();
                await OldRows.Remove(
                    store,
                    "audit",
                    "first_at",
                    "last_at",
                    now.Subtract(Kept).ToUnixTimeMilliseconds(),
                    now.ToUnixTimeMilliseconds(),
                    PerWrite,
                    ct
                );
                foreach (var kind in AuditKind.All.Except([Refusals.Command]))
                    await Shorten(kind, null, MostOfKind, ct);
                const string Actors = "SELECT DISTINCT actor FROM audit WHERE kind = @Command AND address IS NULL";
                foreach (
                    var agent in await store.Read(db => db.Query<string>(Actors, new { Refusals.Command }).AsList(), ct)
                )
                    await Shorten(Refusals.Command, agent, MostOfAgent, ct);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogNotSwept(log, e.Message);
            }
        } while (await timer.WaitForNextTickAsync(ct));
    }

    // Keeps the newest entries of a kind, or of an agent's entries of a kind, which have no address.
    private Task Shorten(string kind, string? agent, int most, CancellationToken ct)
    {
        var ofAgent = agent is null ? "" : "AND address IS NULL AND actor = @agent";
        var find = $"""
            SELECT id
              FROM audit INDEXED BY audit_places
             WHERE kind = @kind {ofAgent}
             ORDER BY id DESC
             LIMIT {ManyRows.PerWrite} OFFSET @most
            """;
        return ManyRows.Delete<long>(
            store,
            (db, _) =>
                db.Query<long>(
                    find,
                    new
                    {
                        kind,
                        agent,
                        most,
                    }
                ),
            (write, key) => write.Db.Execute("DELETE FROM audit WHERE id = @key", new { key }),
            ct
        );
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the audit lacks {Count} refusals: {Error}")]
    private static partial void LogNotStored(ILogger logger, long count, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "deleting old audit rows failed; will retry: {Error}")]
    private static partial void LogNotSwept(ILogger logger, string error);
}
