using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Doctor;

/// <summary>The disk of the data folder while little is free on it.</summary>
internal sealed class WaitingDisk(HivePaths paths, TimeProvider clock) : IWaiting
{
    /// <summary>The id of its only row.</summary>
    public const string Id = "data";

    private const long LeastFree = 512L << 20;

    private DateTimeOffset? since;

    public string Kind => "disk";

    public string Decision => "free some space";

    public IEnumerable<WaitingThing> Read(DbConnection db) => Check() is { } thing ? [thing] : [];

    public void Follow(INotification notification, IWaitingChanges changes) { }

    public string? Outcome(DbConnection db, string id) => null;

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

        if (free >= LeastFree)
        {
            since = null;
            return null;
        }

        since ??= clock.GetUtcNow();
        var left = (free >> 20).ToString(CultureInfo.InvariantCulture);
        return new WaitingThing(
            Id,
            $"less than {LeastFree >> 20} MiB are free on the disk of the data folder",
            since.Value,
            WaitingUrgency.Fyi,
            "/system"
        )
        {
            Detail = $"{left} MiB are left for {paths.DataDir}; when none is, Hive stores nothing more",
            Version = since.Value.ToUnixTimeMilliseconds(),
        };
    }
}

/// <summary>Checks every minute how much is free on the disk of the data folder.</summary>
internal sealed class DiskWatch(WaitingDisk disk, IWaitingReports reports, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (disk.Check() is { } thing)
                reports.Of(disk).Put(thing);
            else
                reports.Of(disk).Remove(WaitingDisk.Id);
        }
    }
}
