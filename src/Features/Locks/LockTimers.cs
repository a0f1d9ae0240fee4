using Hive.Common;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Locks;

/// <summary>Takes the stored locks into memory at start, and frees locks when their time is over. Waits for the next
/// deadline without polling.</summary>
internal sealed partial class LockTimers(
    IStore store,
    LockTable table,
    Deadlines<LockDeadline> deadlines,
    TimeProvider clock,
    ILogger<LockTimers> log
) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await store.Write(table.Load, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await deadlines.WaitForDue(stoppingToken);
            try
            {
                await store.WriteUntilStored(table.FreeDue, clock, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(log, e);
                await Task.Delay(Pause, clock, stoppingToken);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "expired locks could not be freed; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
