using System.Globalization;

namespace Hive.Benchmarks;

/// <summary>The kernel's counters of one process (proc(5)).</summary>
internal readonly record struct Proc(int Id)
{
    /// <summary>The kernel counts processor time in hundredths of a second on every architecture .NET runs on
    /// (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    public Counters Read()
    {
        // The name in parentheses may contain spaces; the other fields do not. utime and stime are fields 14 and 15.
        var stat = File.ReadAllText($"/proc/{Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var io = Pairs($"/proc/{Id}/io");
        return new Counters(
            (Long(fields[11]) + Long(fields[12])) / TicksPerSecond,
            io["syscr"],
            io["syscw"],
            io["rchar"],
            io["wchar"],
            io["write_bytes"],
            Threads()
        );
    }

    /// <summary>The process that started a process; null when it has ended.</summary>
    public static int? ParentOf(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return (int)Long(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The processor time of a thread, in nanoseconds: the kernel counts a process's in hundredths of a
    /// second only.</summary>
    public long ThreadNanoseconds(string name)
    {
        foreach (var folder in Directory.EnumerateDirectories($"/proc/{Id}/task"))
        {
            if (File.ReadAllText(Path.Combine(folder, "comm")).Trim() == name)
                return Long(File.ReadAllText(Path.Combine(folder, "schedstat")).Split(' ')[0]);
        }

        throw new BenchmarkException($"process {Id} has no thread named '{name}'");
    }

    public double ResidentMebibytes() => Pairs($"/proc/{Id}/status")["VmRSS"] / 1024.0;

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static Dictionary<string, long> Pairs(string path)
    {
        var pairs = new Dictionary<string, long>();
        foreach (var line in File.ReadLines(path))
        {
            var colon = line.IndexOf(':');
            if (
                colon > 0
                && long.TryParse(
                    line[(colon + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim(),
                    CultureInfo.InvariantCulture,
                    out var value
                )
            )
                pairs[line[..colon]] = value;
        }

        return pairs;
    }

    private Dictionary<string, long> Threads()
    {
        var threads = new Dictionary<string, long>();
        foreach (var folder in Directory.EnumerateDirectories($"/proc/{Id}/task"))
        {
            try
            {
                var name = File.ReadAllText(Path.Combine(folder, "comm")).Trim();
                threads[$"{name} ({Path.GetFileName(folder)})"] = Pairs(Path.Combine(folder, "status"))[
                    "voluntary_ctxt_switches"
                ];
            }
            catch (IOException)
            {
                // The thread ended during the read.
            }
        }

        return threads;
    }

    /// <param name="CpuSeconds">User and system time.</param>
    /// <param name="Reads">read, pread and the like; not recv.</param>
    /// <param name="Writes">write, pwrite and the like; not send.</param>
    /// <param name="BytesRead">Bytes of those reads.</param>
    /// <param name="BytesWritten">Bytes of those writes.</param>
    /// <param name="DiskBytesWritten">Bytes that were, or will be, written to storage.</param>
    /// <param name="WakeUps">The number of wake-ups, by thread.</param>
    internal sealed record Counters(
        double CpuSeconds,
        long Reads,
        long Writes,
        long BytesRead,
        long BytesWritten,
        long DiskBytesWritten,
        Dictionary<string, long> WakeUps
    );
}
