using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Messages;

/// <summary>Removes acknowledged messages after 30 days, hourly and at start, in writes so small that nothing waits for
/// them. Unacknowledged and parked messages stay.</summary>
internal sealed partial class VacuumMessages(
    IStore store,
    IdempotencyKeys keys,
    TimeProvider clock,
    ILogger<VacuumMessages> log
) : BackgroundService
{
    /// <summary>The most messages that one write deletes, with their entries in the index.</summary>
    internal const int RowsPerWrite = 100;

    internal static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Finishes what a kill of the host interrupted, before an agent can use a key again.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await IdempotencyKeys.DeleteForgotten(store, agent: null, cancellationToken);
        }
        catch (Problem e)
        {
            LogFailed(log, e);
        }

        await base.StartAsync(cancellationToken);
    }

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
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<int> Sweep(CancellationToken ct)
    {
        await IdempotencyKeys.DeleteForgotten(store, agent: null, ct);
        await keys.Vacuum(store, ct);
        var now = clock.GetUtcNow();
        var before = now.Subtract(Kept);
        var removed = await OldRows.Remove(
            store,
            "messages",
            "sent_at",
            "acked_at",
            before.ToUnixTimeMilliseconds(),
            now.ToUnixTimeMilliseconds(),
            RowsPerWrite,
            ct
        );
        if (removed > 0)
            await store.Write(write => write.Raise(new OldMessagesDeleted(before)), ct);
        return removed;
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "deleted {Count} messages acknowledged more than 30 days ago"
    )]
    private static partial void LogRemoved(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "deleting old messages and keys failed; will retry in an hour")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
