using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Hive.Common.Processes;

/// <summary>Measures the room that folders take on their disk with du(1): it follows no links, counts a file with
/// several names once, and reads folders of any depth.</summary>
public static class FolderUse
{
    /// <summary>The room that each file or folder takes at least: ext4 has one inode for that many bytes (mke2fs.conf),
    /// so that empty files cannot use up all inodes.</summary>
    public const long BytesPerFile = 16 << 10;

    // It remembers the files with several names.
    private const long MaxMemoryBytes = 512L << 20;
    private const int MaxErrorBytes = 16 << 10;

    // Root of a user namespace may read folders that their owner has closed.
    private static readonly string[] AsOwner = ["unshare", "--map-root-user"];

    private static readonly Dictionary<string, string> Variables = new()
    {
        ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin",
        ["LC_ALL"] = "C",
    };

    /// <summary>Measures a folder: the larger of the bytes of its blocks, and its files times
    /// <see cref="BytesPerFile"/>.</summary>
    /// <returns>Null when it cannot be measured within that time.</returns>
    public static async Task<long?> Measure(string folder, TimeSpan patience, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        if (await Ask(folder, "--block-size=1", patience, ct) is not { } bytes)
            return null;
        return await Ask(folder, "--inodes", patience - Stopwatch.GetElapsedTime(began), ct) is { } files
            ? Math.Max(bytes, files * BytesPerFile)
            : null;
    }

    private static async Task<long?> Ask(string folder, string unit, TimeSpan patience, CancellationToken ct)
    {
        string[] command = ["nice", "-n", "19", "du", "--summarize", "--one-file-system", unit, "--", folder];
        var result = await Run(command, patience, ct);
        if (
            result is not null
            && !Environment.IsPrivilegedProcess
            && result.ErrorText.Contains("Permission denied", StringComparison.Ordinal)
        )
            result = await Run([.. AsOwner, .. command], patience, ct) is { ExitCode: 0 } all ? all : result;
        // Files that vanish in the meantime are errors, too; the rest is counted.
        return long.TryParse(result?.OutputText.Split('\t')[0], CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }

    private static async Task<ProgramResult?> Run(string[] command, TimeSpan patience, CancellationToken ct)
    {
        if (patience <= TimeSpan.Zero)
            return null;
        try
        {
            return await ProgramRunner.Run(
                new ProgramCall(command)
                {
                    TimeLimit = patience,
                    MaxErrorBytes = MaxErrorBytes,
                    MaxMemoryBytes = MaxMemoryBytes,
                    Environment = Variables,
                },
                ct
            );
        }
        catch (Exception e) when (e is TimeoutException or Win32Exception)
        {
            return null;
        }
    }
}
