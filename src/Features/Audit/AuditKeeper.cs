using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Audit;

/// <summary>Writes wrong keys into the audit, a few seconds after they were seen, and keeps the table small.</summary>
internal sealed partial class AuditKeeper(
    IStore store,
    WrongKeys wrongKeys,
    TimeProvider clock,
    ILogger<AuditKeeper> log
) : BackgroundService
{
    /// <summary>Wrong keys are collected for this long, so that a flood costs one write each time.</summary>
    public static readonly TimeSpan Collects = TimeSpan.FromSeconds(5);

    /// <summary>Long enough to notice and follow a break-in.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(90);

    /// <summary>Of each kind, so that wrong keys push out no logins; together about 4 MB.</summary>
    public const int MostOfKind = 5_000;

    private const int PerWrite = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Record(stoppingToken), Sweep(stoppingToken));

    private async Task Record(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await wrongKeys.Noted.Wait(ct);
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
        var counted = wrongKeys.Take();
        if (counted.Count == 0)
            return;
        try
        {
            await store.Write(
                write =>
                {
                    foreach (var wrong in counted)
                        AuditTable.Add(write, wrong);
                },
                CancellationToken.None
            );
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNotStored(log, counted.Sum(wrong => wrong.Count), e.Message);
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
                foreach (var kind in AuditKind.All)
                    await Shorten(kind, ct);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogNotSwept(log, e.Message);
            }
        } while (await timer.WaitForNextTickAsync(ct));
    }

    private async Task Shorten(string kind, CancellationToken ct)
    {
        var last = await store.Read(
            db =>
                db.ExecuteScalar<long?>(
                    "SELECT id FROM audit WHERE kind = @kind ORDER BY id DESC LIMIT 1 OFFSET @MostOfKind",
                    new { kind, MostOfKind }
                ),
            ct
        );
        const string Delete = """
            DELETE FROM audit
             WHERE id IN (SELECT id FROM audit WHERE kind = @kind AND id <= @last LIMIT @PerWrite)
            """;
        while (
            last is not null
            && await store.Write(
                write =>
                    write.Db.Execute(
                        Delete,
                        new
                        {
                            kind,
                            last,
                            PerWrite,
                        }
                    ),
                ct
            ) == PerWrite
        )
        {
            // The next rows.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the audit lacks {Count} wrong keys: {Error}")]
    private static partial void LogNotStored(ILogger logger, long count, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "deleting old audit rows failed; will retry: {Error}")]
    private static partial void LogNotSwept(ILogger logger, string error);
}
