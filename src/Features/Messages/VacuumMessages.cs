using Dapper;
using Hive.Common.Errors;
using Hive.Common.Persistence;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Messages;

/// <summary>Removes acked messages after 30 days, hourly and at start, in writes so small that nobody waits for them. Unacked and parked ones stay.</summary>
internal sealed partial class VacuumMessages(IStore store, IdempotencyKeys keys, TimeProvider clock, ILogger<VacuumMessages> log) : BackgroundService
{
    private const int RowsPerWrite = 500;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                var removed = await Sweep(stoppingToken);
                if (removed > 0)
                    LogRemoved(log, removed);
            }
            catch (Problem e)
            {
                LogFailed(log, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<int> Sweep(CancellationToken ct)
    {
        await store.Write(keys.Vacuum, ct);
        var before = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        var (last, removed) = (0L, 0);
        while (true)
        {
            // By id, which rises with time: the scan ends at the first message that is young, and needs no index.
            var page = await store.Read(
                db => db.Query<Aged>("SELECT id, sent_at AS SentAt, acked_at AS AckedAt FROM messages WHERE id > @last ORDER BY id LIMIT @RowsPerWrite", new { last, RowsPerWrite }).ToArray(), ct);
            var old = page.Where(m => m.AckedAt < before).Select(m => m.Id).ToArray();
            if (old.Length > 0)
                removed += await store.Write(write => Remove(write, old), ct);
            if (page.Length < RowsPerWrite || page[^1].SentAt >= before)
                return removed;
            last = page[^1].Id;
        }
    }

    private static int Remove(IWrite write, long[] ids)
    {
        var delete = write.Prepare("DELETE FROM messages WHERE id = ?1");
        foreach (var id in ids)
        {
            delete.Bind(1, id).Step();
            delete.Reset();
        }

        return ids.Length;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "removed {Count} messages acked more than 30 days ago")]
    private static partial void LogRemoved(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "removing old messages failed; the next hour tries again")]
    private static partial void LogFailed(ILogger logger, Exception error);

    private sealed record Aged
    {
        public required long Id { get; init; }

        public required long SentAt { get; init; }

        public long? AckedAt { get; init; }
    }
}
