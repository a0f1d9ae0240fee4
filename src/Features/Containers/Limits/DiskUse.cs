using System.Collections.Concurrent;
using System.Diagnostics;
using Hive.Common.Linux;
using Hive.Common.Processes;

namespace Hive.Features.Containers.Limits;

/// <summary>Knows how much of the disk folders take, and measures them again when they may have reached a limit. A
/// folder has not grown by more than its disk has lost, so nothing is measured while nothing is written. A measurement
/// that fails changes no size, and is tried again.</summary>
internal sealed class DiskUse(TimeProvider clock, DiskUse.Measuring? measuring = null) : IDisposable
{
    /// <summary>Measures a folder; by default <see cref="FolderUse.Measure"/>.</summary>
    public delegate Task<FolderSize> Measuring(string folder, TimeSpan patience, CancellationToken ct);

    /// <summary>The longest measurement.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    // A folder may grow by what another one loses.
    private static readonly TimeSpan Often = TimeSpan.FromSeconds(20);

    // Between two measurements of a folder. It does not depend on how long they take, because an agent decides that.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // At most this part of the time is spent on measuring a folder that cannot have reached its limit.
    private const int Share = 100;

    private readonly Measuring measuring = measuring ?? FolderUse.Measure;

    // All folders are measured at the host's start. One that may be over its limit does not wait for others.
    private readonly SemaphoreSlim slots = new(4);
    private readonly ConcurrentDictionary<string, Measured> known = new();

    /// <summary>The last size of a folder in bytes; null when it was never measured.</summary>
    public long? Last(string folder) => known.TryGetValue(folder, out var last) ? last.Bytes : null;

    /// <summary>Why the last measurement failed or may be too small; null when it is complete.</summary>
    public string? Fault(string folder) => known.TryGetValue(folder, out var last) ? last.Fault : null;

    /// <summary>Counts bytes that the host itself adds to a folder.</summary>
    public void Add(string folder, long bytes)
    {
        while (
            known.TryGetValue(folder, out var last)
            && !known.TryUpdate(folder, last with { Bytes = last.Bytes + bytes }, last)
        )
        {
            // It has just been measured.
        }
    }

    /// <summary>Measures a folder again, if it may have passed the limit since the last time, in either
    /// direction.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="limit">In bytes.</param>
    /// <param name="parts">Folders in it that may be on disks of their own.</param>
    /// <param name="ct">Gives up.</param>
    public async Task Refresh(string folder, long limit, IReadOnlyList<string> parts, CancellationToken ct)
    {
        var last = known.GetValueOrDefault(folder);
        DiskState[] Look() => [DiskState.Of(folder), .. parts.Where(Directory.Exists).Select(DiskState.Of)];
        if (last?.IsDue(Look(), clock.GetElapsedTime(last.Ended), limit) == false)
            return;
        if (last?.MayBeOver(Look(), limit) == true)
        {
            await Measure(folder, last, Look, ct);
            return;
        }

        await slots.WaitAsync(ct);
        try
        {
            await Measure(folder, last, Look, ct);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Forgets a folder.</summary>
    public void Forget(string folder) => known.TryRemove(folder, out _);

    public void Dispose() => slots.Dispose();

    private async Task Measure(string folder, Measured? last, Func<DiskState[]> look, CancellationToken ct)
    {
        // Before: what is written in the meantime counts as new.
        var (before, began) = (look(), Stopwatch.GetTimestamp());
        var size = await measuring(folder, Patience, ct);
        known[folder] = new Measured(
            size.Bytes ?? last?.Bytes,
            size.Fault,
            HasFailed: size.Bytes is null,
            size.Bytes is null && last is not null ? last.Before : before,
            clock.GetTimestamp(),
            Stopwatch.GetElapsedTime(began)
        );
    }

    // The last measurement of a folder, or the failure of one beside the last size.
    private sealed record Measured(
        long? Bytes,
        string? Fault,
        bool HasFailed,
        DiskState[] Before,
        long Ended,
        TimeSpan Took
    )
    {
        public bool MayBeOver(DiskState[] now, long limit) => Bytes <= limit && Bytes + LostUntil(now) > limit;

        public bool IsDue(DiskState[] now, TimeSpan age, long limit)
        {
            if (age < Pause)
                return false;
            if (HasFailed)
                return true;
            if (Before.SequenceEqual(now))
                return false;
            return MayBeOver(now, limit)
                || age
                    >= (
                        Bytes > limit ? Took
                        : Often > Took * Share ? Often
                        : Took * Share
                    );
        }

        private long LostUntil(DiskState[] now) =>
            now.Length == Before.Length
                ? now.Zip(Before, (n, b) => Math.Max(b.FreeBytes - n.FreeBytes, FilesToBytes(n.Files - b.Files))).Max()
                : long.MaxValue / 2;

        private static long FilesToBytes(long files) => Math.Max(0, files) * FolderUse.BytesPerFile;
    }
}
