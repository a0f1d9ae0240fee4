using Hive.Common.Errors;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Costs;

/// <summary>Deletes bookings that are older than 400 days, like the figures of turns. The sums of budgets
/// stay.</summary>
internal sealed partial class VacuumBookings(IStore store, TimeProvider clock, ILogger<VacuumBookings> log)
    : BackgroundService
{
    private const int PerWrite = 500;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(400);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                var now = clock.GetUtcNow();
                await OldRows.Remove(
                    store,
                    "bookings",
                    "at",
                    "at",
                    now.Subtract(Kept).ToUnixTimeMilliseconds(),
                    now.ToUnixTimeMilliseconds(),
                    PerWrite,
                    stoppingToken
                );
            }
            catch (Problem e)
            {
                LogFailed(log, e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "deleting old bookings failed; will retry in an hour")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
