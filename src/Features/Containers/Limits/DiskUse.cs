using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Hive.Common.Processes;

namespace Hive.Features.Containers.Limits;

/// <summary>Knows how much of the disk folders take, and measures them again when they may have reached a limit. A
/// folder has not grown by more than its disk has lost, so nothing is measured while nothing is written.</summary>
internal sealed class DiskUse(TimeProvider clock) : IDisposable
{
    /// <summary>A folder is too large if it cannot be measured within this time.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // A folder may grow by what another one loses.
    private static readonly TimeSpan Often = TimeSpan.FromMinutes(10);

    // At most this part of the time is spent on measuring a folder.
    private const int Share = 20;

    // Folders that take long to measure do not delay all others.
    private readonly SemaphoreSlim slots = new(4);
    private readonly ConcurrentDictionary<string, Measured> known = new();

    /// <summary>The last size of a folder; null when it was never measured.</summary>
    public FolderSize? Last(string folder) => known.TryGetValue(folder, out var last) ? last.Size : null;

    /// <summary>Measures a folder again, if it may have passed the limit since the last time, in either
    /// direction.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="limit">In bytes.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The new size; null when it was not measured.</returns>
    public async Task<FolderSize?> Refresh(string folder, long limit, CancellationToken ct)
    {
        if (known.TryGetValue(folder, out var last))
        {
            var (age, free) = (clock.GetElapsedTime(last.At), FreeOn(folder));
            if (free == last.Free || age < last.Took * Share)
                return null;
            if (last.Size.Bytes + Math.Max(0, last.Free - free) <= limit && age < Often)
                return null;
        }

        return await Measure(folder, Patience, ct);
    }

    /// <summary>Measures a folder now.</summary>
    public async Task<FolderSize> Measure(string folder, TimeSpan patience, CancellationToken ct)
    {
        await slots.WaitAsync(ct);
        try
        {
            // Before: what is written in the meantime counts as new.
            var (free, began) = (FreeOn(folder), Stopwatch.GetTimestamp());
            var size = new FolderSize(await FolderUse.Measure(folder, patience, ct));
            if (size.Known is not null || patience >= Patience)
                known[folder] = new Measured(size, free, clock.GetTimestamp(), Stopwatch.GetElapsedTime(began));
            return size;
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Forgets a folder.</summary>
    public void Forget(string folder) => known.TryRemove(folder, out _);

    public void Dispose() => slots.Dispose();

    private static long FreeOn(string folder) => new DriveInfo(folder).AvailableFreeSpace;

    private sealed record Measured(FolderSize Size, long Free, long At, TimeSpan Took);
}

/// <summary>The size of a folder on its disk.</summary>
/// <param name="Known">In bytes; null when it could not be measured in time.</param>
internal readonly record struct FolderSize(long? Known)
{
    /// <summary>In bytes; above every limit when it is not known.</summary>
    public long Bytes => Known ?? long.MaxValue / 2;

    /// <summary>For a person, as the object of <c>take</c>.</summary>
    public override string ToString() =>
        Known is { } bytes ? Text(bytes) : $"more than can be measured in {DiskUse.Patience.TotalMinutes:0} minutes";

    /// <summary>A number of bytes, for a person.</summary>
    public static string Text(long bytes) =>
        bytes >= 1L << 30
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.##} GiB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.#} MiB");
}
