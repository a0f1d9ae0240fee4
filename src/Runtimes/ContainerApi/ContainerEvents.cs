using System.Globalization;
using System.Text.Json;
using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.ContainerApi;

/// <summary>A container was started, has ended or was removed.</summary>
/// <param name="Id">The container.</param>
/// <param name="Started">It was started.</param>
/// <param name="ExitCode">How it ended, where that was told.</param>
internal sealed record ContainerChange(string Id, bool Started, int? ExitCode);

/// <summary>
/// Follows what a daemon tells of this host's containers, from the first time that there is something to watch until
/// the host ends, through every end and return of the daemon.
/// </summary>
/// <param name="api">The daemon.</param>
/// <param name="label">Whose containers.</param>
/// <param name="changed">Told of a container that was started, has ended or was removed.</param>
/// <param name="settle">Finds out what was missed while nothing was told.</param>
/// <param name="clock">Counts the pauses between attempts.</param>
/// <param name="log">Says when the daemon goes and comes.</param>
/// <param name="stopping">The host ends.</param>
internal sealed partial class ContainerEvents(
    ContainerApi api,
    string label,
    Func<ContainerChange, Task> changed,
    Func<Task> settle,
    TimeProvider clock,
    ILogger log,
    CancellationToken stopping
)
{
    /// <summary>What an end is called.</summary>
    public const string Die = "die";

    private const string Start = "start";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // What else a daemon tells (exec, health, …) says nothing of whether a container runs. Docker's word for `remove`
    // is `destroy`.
    private static readonly string[] Changes = [Start, Die, "remove", "destroy"];

    private readonly Lock gate = new();
    private Task? following;

    /// <summary>From here on nothing that happens is missed.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the daemon does not answer.</exception>
    public async Task Open(CancellationToken ct)
    {
        if (Volatile.Read(ref following) is not null)
            return;
        // The daemon's own time: what it tells from there on includes whatever comes between this and the first line.
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
                await ReadAndSettle(since);
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

    private async Task ReadAndSettle(DateTimeOffset since)
    {
        using var session = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var reading = Read(since, session.Token);
        try
        {
            // Asked for after the stream was, so that nothing falls between the two.
            await settle();
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Daemon} tells nothing of its containers any more: {Error}")]
    private static partial void LogGone(ILogger logger, string daemon, string error);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Daemon} is there again")]
    private static partial void LogBack(ILogger logger, string daemon);

    [LoggerMessage(Level = LogLevel.Error, Message = "following what happens to the containers of {Daemon} failed")]
    private static partial void LogFailed(ILogger logger, string daemon, Exception error);
}
