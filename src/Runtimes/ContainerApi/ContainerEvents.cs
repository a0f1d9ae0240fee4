using System.Globalization;
using System.Text.Json;
using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.ContainerApi;

/// <summary>A container was started, has ended or was removed.</summary>
/// <param name="Id">The container.</param>
/// <param name="Started">It was started.</param>
/// <param name="ExitCode">Its exit code, if the event has it.</param>
internal sealed record ContainerChange(string Id, bool Started, int? ExitCode);

/// <summary>
/// Follows a daemon's events of this host's containers, from the first use until the host ends, and reconnects after
/// every restart of the daemon.
/// </summary>
/// <param name="api">The daemon.</param>
/// <param name="label">The label of the containers.</param>
/// <param name="changed">Called when a container was started, has ended or was removed.</param>
/// <param name="recheck">Finds the changes that were missed without events.</param>
/// <param name="clock">Measures the pauses between attempts.</param>
/// <param name="log">Logs lost and restored connections.</param>
/// <param name="stopping">Cancelled when the host ends.</param>
internal sealed partial class ContainerEvents(
    DaemonApi api,
    string label,
    Func<ContainerChange, Task> changed,
    Func<Task> recheck,
    TimeProvider clock,
    ILogger log,
    CancellationToken stopping
)
{
    /// <summary>The event name for a container's end.</summary>
    public const string Die = "die";

    private const string Start = "start";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // Other events (exec, health, …) do not tell whether a container runs. Docker's word for `remove` is `destroy`.
    private static readonly string[] Changes = [Start, Die, "remove", "destroy"];

    private readonly Lock gate = new();
    private Task? following;

    /// <summary>Begins to follow, so that no event is missed from here on.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the daemon does not answer.</exception>
    public async Task Open(CancellationToken ct)
    {
        if (Volatile.Read(ref following) is not null)
            return;
        // In the daemon's own time, so that events between this call and the first line are included.
        var now = await api.Ping(ct);
        lock (gate)
            following ??= Follow(now);
    }

    private async Task Follow(DateTimeOffset opened)
    {
        await Task.Yield();
        DateTimeOffset? from = opened;
        var (pause, gone) = (FirstPause, false);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var since = from ?? await api.Ping(stopping);
                from = null;
                if (gone)
                    LogBack(log, api.Daemon.Name);
                (pause, gone) = (FirstPause, false);
                await ReadAndRecheck(since);
                throw new IOException("it ended the stream");
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is Problem or IOException or JsonException)
            {
                if (!gone)
                    LogGone(log, api.Daemon.Name, e.Message);
                gone = true;
            }
            catch (Exception e)
            {
                LogFailed(log, api.Daemon.Name, e);
            }

            await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task ReadAndRecheck(DateTimeOffset since)
    {
        using var session = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var reading = Read(since, session.Token);
        try
        {
            // After the stream was opened, so that no change falls between the two.
            await recheck();
            await reading;
        }
        finally
        {
            await session.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Read(DateTimeOffset since, CancellationToken ct)
    {
        await foreach (var happened in api.Events(label, since, ct))
        {
            if (happened.Actor?.Id is { } id && Array.IndexOf(Changes, happened.Action) >= 0)
                await changed(
                    new ContainerChange(
                        id,
                        happened.Action == Start,
                        happened.Action == Die ? ExitCode(happened) : null
                    )
                );
        }
    }

    private static int? ExitCode(ContainerEvent happened) =>
        happened.Actor?.Attributes?.GetValueOrDefault("exitCode") is { } code
        && int.TryParse(code, CultureInfo.InvariantCulture, out var parsed)
            ? parsed
            : null;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Daemon}: lost event stream, reconnecting: {Error}")]
    private static partial void LogGone(ILogger logger, string daemon, string error);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Daemon}: reconnected")]
    private static partial void LogBack(ILogger logger, string daemon);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Daemon}: reading the event stream failed")]
    private static partial void LogFailed(ILogger logger, string daemon, Exception error);
}
