using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Doctor;

/// <summary>The disk of the data folder while little is free on it.</summary>
internal sealed class WaitingDisk(HivePaths paths, TimeProvider clock) : IWaiting
{
    /// <summary>The id of its only row.</summary>
    public const string Id = "data";

    private const long LeastFree = DiskRoom.Reserve;

    // Of the timer, the operator's check and the doctor.
    private readonly Lock gate = new();
    private DateTimeOffset? since;

    public string Kind => "disk";

    public string Decision => "free some space";

    public IEnumerable<WaitingThing> Read(DbConnection db) => Check() is { } thing ? [thing] : [];

    public void Follow(INotification notification, IWaitingChanges changes) { }

    public string? Outcome(DbConnection db, string id) => null;

    /// <summary>Checks again, and shows or removes the row.</summary>
    /// <returns>The row; null while enough is free.</returns>
    public WaitingThing? Show(IWaitingReports reports)
    {
        var thing = Check();
        if (thing is null)
            reports.Of(this).Remove(Id);
        else
            reports.Of(this).Put(thing);
        return thing;
    }

    /// <summary>Reads how much is free; null while it is enough.</summary>
    public WaitingThing? Check()
    {
        long free;
        try
        {
            free = new DriveInfo(paths.DataDir).AvailableFreeSpace;
        }
        catch (IOException)
        {
            // A disk that does not answer is reported by the store.
            return null;
        }

        DateTimeOffset began;
        lock (gate)
        {
            since = free >= LeastFree ? null : since ?? clock.GetUtcNow();
            if (since is null)
                return null;
            began = since.Value;
        }

        var left = (free >> 20).ToString(CultureInfo.InvariantCulture);
        return new WaitingThing(
            Id,
            $"less than {LeastFree >> 20} MiB are free on the disk of the data folder",
            began,
            WaitingUrgency.Fyi,
            "/system"
        )
        {
            Detail = $"{left} MiB are left for {paths.DataDir}; when none is, Hive stores nothing more",
            Version = began.ToUnixTimeMilliseconds(),
        };
    }
}

/// <summary>Checks every minute how much is free on the disk of the data folder, and whether all parts work.</summary>
internal sealed partial class DiskWatch(
    WaitingDisk disk,
    WaitingTroubles troubles,
    IWaitingReports reports,
    TimeProvider clock,
    ILogger<DiskWatch> log
) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                disk.Show(reports);
                await troubles.Show(reports.Of(troubles));
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // An error of any kind must not end the watch.
                LogFailed(log, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "the disk could not be checked; will retry in a minute")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
