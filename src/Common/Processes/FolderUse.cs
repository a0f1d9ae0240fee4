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

    // The error of a file that vanishes while it is counted.
    private const string Vanished = ": No such file or directory";

    // Root of a user namespace may read folders that their owner has closed.
    private static readonly string[] AsOwner = ["unshare", "--map-root-user"];

    private static readonly Dictionary<string, string> Variables = new()
    {
        ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin",
        ["LC_ALL"] = "C",
    };

    /// <summary>Measures a folder: the larger of the bytes of its blocks, and its files times
    /// <see cref="BytesPerFile"/>.</summary>
    public static async Task<FolderSize> Measure(string folder, TimeSpan patience, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var bytes = await Ask(folder, "--block-size=1", patience, ct);
        if (bytes.Bytes is null)
            return bytes;
        var files = await Ask(folder, "--inodes", patience - Stopwatch.GetElapsedTime(began), ct);
        return files with
        {
            Bytes = files.Bytes is { } count ? Math.Max(bytes.Bytes.Value, count * BytesPerFile) : null,
        };
    }

    private static async Task<FolderSize> Ask(string folder, string unit, TimeSpan patience, CancellationToken ct)
    {
        string[] command = ["nice", "-n", "19", "du", "--summarize", unit, "--", folder];
        if (Environment.IsPrivilegedProcess)
            return await Run(command, patience, ct);
        var began = Stopwatch.GetTimestamp();
        var all = await Run([.. AsOwner, .. command], patience, ct);
        // Some machines refuse that to ordinary users.
        return all.Bytes is null ? await Run(command, patience - Stopwatch.GetElapsedTime(began), ct) : all;
    }

    private static async Task<FolderSize> Run(string[] command, TimeSpan patience, CancellationToken ct)
    {
        var late = new FolderSize(null, "it takes too long");
        if (patience <= TimeSpan.Zero)
            return late;
        try
        {
            var done = await ProgramRunner.Run(
                new ProgramCall(command)
                {
                    TimeLimit = patience,
                    MaxErrorBytes = MaxErrorBytes,
                    MaxMemoryBytes = MaxMemoryBytes,
                    Environment = Variables,
                },
                ct
            );
            return long.TryParse(done.OutputText.Split('\t')[0], CultureInfo.InvariantCulture, out var number)
                ? new FolderSize(number, IsAll(done) ? null : "some of it cannot be read")
                // Without the words of du, which names files.
                : new FolderSize(null, $"du ended with {done.ExitCode}");
        }
        catch (TimeoutException)
        {
            return late;
        }
        catch (Win32Exception e)
        {
            return new FolderSize(null, e.Message);
        }
    }

    private static bool IsAll(ProgramResult done) =>
        done.ExitCode == 0
        || (
            done.ErrorText.Length is > 0 and < MaxErrorBytes
            && done.ErrorText.TrimEnd('\n').Split('\n').All(l => l.EndsWith(Vanished, StringComparison.Ordinal))
        );
}

/// <summary>The result of a measurement.</summary>
/// <param name="Bytes">Null when there is none.</param>
/// <param name="Fault">Why there is none, or why it may be too small; null for neither.</param>
public readonly record struct FolderSize(long? Bytes, string? Fault);
