using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hive.Benchmarks;

/// <summary>Describes the machine that the figures were measured on.</summary>
internal static class Machine
{
    public static async Task Describe(Plan plan, CancellationToken ct)
    {
        var cpu =
            File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
                ?.Split(':')[1]
                .Trim()
            ?? "unknown";
        var kernel = Environment.OSVersion.Version.ToString();
        var drive = DriveInfo
            .GetDrives()
            .Where(d =>
                plan.Scratch.Folder == d.Name
                || plan.Scratch.Folder.StartsWith(d.Name.TrimEnd('/') + "/", StringComparison.Ordinal)
            )
            .MaxBy(d => d.Name.Length);
        var sync = Sync(plan.Scratch.Folder, ct);
        var redis = await RedisServer.Version(ct);
        plan.Report.Title("Machine");
        plan.Report.Line(
            $"{Environment.ProcessorCount} cores ({cpu}), {RuntimeInformation.OSDescription}, kernel "
                + $"{kernel}, {drive?.DriveFormat ?? "unknown file system"}, "
                + $".NET {Environment.Version}, redis {redis}, {DateTimeOffset.UtcNow:yyyy-MM-dd}."
        );
        plan.Report.Line(
            $"Appending 4 KiB and waiting for the disk: median {Report.Number(sync)} us. Load before the "
                + $"run: {File.ReadAllText("/proc/loadavg").Split(' ')[0]}."
        );
        if (sync < 15)
            plan.Report.Line(
                "That is memory, not a disk: durable figures mean nothing here. Name a folder on a disk with --dir."
            );
        plan.Report.Keep(
            "machine",
            new
            {
                Environment.ProcessorCount,
                cpu,
                os = RuntimeInformation.OSDescription,
                kernel,
                file_system = drive?.DriveFormat,
                runtime = Environment.Version.ToString(),
                redis,
                sync_us = sync,
            }
        );
    }

    private static double Sync(string folder, CancellationToken ct)
    {
        var path = Path.Combine(folder, "sync");
        var page = new byte[4096];
        var took = new List<double>();
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            for (var n = 0; n < 300; n++)
            {
                ct.ThrowIfCancellationRequested();
                var start = Stopwatch.GetTimestamp();
                file.Write(page);
                file.Flush(flushToDisk: true);
                took.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }
        }

        File.Delete(path);
        return Report.Median(took);
    }
}
