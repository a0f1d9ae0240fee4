using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Hive.Agent.Mcp;

/// <summary>
/// Reports progress of a call to a client that asked for it, so that it does not give up on a long wait.
/// </summary>
internal sealed class CallProgress(Log log, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>Runs a call and reports progress until it ends.</summary>
    public async Task<T> WhileAsync<T>(
        RequestContext<CallToolRequestParams> request,
        Func<Task<T>> call,
        CancellationToken ct
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reporting = ReportAsync(request, ended.Token);
        try
        {
            return await call();
        }
        finally
        {
            await ended.CancelAsync();
            await reporting;
        }
    }

    private async Task ReportAsync(RequestContext<CallToolRequestParams> request, CancellationToken ended)
    {
        if (request.Params!.ProgressToken is not { } token)
            return;
        var started = time.GetTimestamp();
        using var ticks = new PeriodicTimer(Interval, time);
        try
        {
            while (await ticks.WaitForNextTickAsync(ended))
            {
                var seconds = (int)Math.Round(time.GetElapsedTime(started).TotalSeconds);
                var message = $"waiting for {request.Params.Name}, {seconds} s";
                var value = new ProgressNotificationValue { Progress = seconds, Message = message };
                // Not cancelled by the answer: half a line would corrupt the stream.
                await request.Server.NotifyProgressAsync(token, value, cancellationToken: CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // The call has ended.
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or McpException)
        {
            log.Warn($"progress of {request.Params.Name} could not be reported: {e.Message}");
        }
    }
}
