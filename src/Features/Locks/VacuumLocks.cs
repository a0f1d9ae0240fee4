using Hive.Common.Errors;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Locks;

/// <summary>Deletes locks that ended more than 30 days ago, hourly and at start. They are kept for questions about the
/// past.</summary>
internal sealed partial class VacuumLocks(IStore store, TimeProvider clock, ILogger<VacuumLocks> log)
    : BackgroundService
{
    private const int RowsPerWrite = 1_000;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                await Sweep(stoppingToken);
            }
            catch (Problem e)
            {
                LogFailed(log, e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    // Each write is small, because the writer has others to serve.
    private async Task Sweep(CancellationToken ct)
    {
        var before = clock.GetUtcNow().Subtract(Kept).ToUnixTimeMilliseconds();
        while (await store.Read(db => LockRows.HasEnded(db, before), ct))
            await store.Write(write => LockRows.DeleteEnded(write, before, RowsPerWrite), ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "old locks could not be deleted; will retry in an hour")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
