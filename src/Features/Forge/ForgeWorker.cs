using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Forge;

/// <summary>Runs a round over the forge at start, whenever work is added, and when failed work is due again. No request
/// waits for it but one that asks for a sweep.</summary>
internal sealed partial class ForgeWorker(
    ForgeQueue queue,
    ForgeRound round,
    ForgeConnection connection,
    ForgeStatus status,
    ForgeApi api,
    TimeProvider clock,
    ILogger<ForgeWorker> log
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            var left = false;
            while (true)
            {
                var isSweep = queue.BeginRound();
                // Of two rounds in a row one is finished, however often a sweep is asked for.
                var result = await Run(isSweep, mayLeave: !left, stoppingToken);
                await Publish(result.Next);
                left = result.Left;
                if (!left)
                    queue.EndSweeps();
                await queue.Wait(result.Next, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            queue.Cancel(stoppingToken);
        }
    }

    private async Task<RoundResult> Run(bool isSweep, bool mayLeave, CancellationToken ct)
    {
        try
        {
            return await round.Run(isSweep, mayLeave, ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested || e is not OperationCanceledException)
        {
            // A full disk, or a bug in Hive: the work is still in the queue.
            LogFailed(log, e);
            var fault = new ForgeFault(
                $"internal error during forge sync; see the host log: {api.Clean(e.Message)}",
                FaultScope.Forge,
                inner: e
            );
            return new RoundResult(connection.Fail(null, fault));
        }
    }

    private async Task Publish(DateTimeOffset? next)
    {
        try
        {
            var isAttempt = next > clock.GetUtcNow() && (!queue.IsEmpty || connection.State == ConnectionState.Down);
            status.NextAttempt(isAttempt ? next : null);
            await status.Publish(atOnce: true);
        }
        catch (Exception e)
        {
            LogFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "forge sync failed; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
