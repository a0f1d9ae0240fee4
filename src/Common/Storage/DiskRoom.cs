using Hive.Common.Errors;

namespace Hive.Common.Storage;

/// <summary>Keeps large copies from filling the disk on which the database must grow.</summary>
public static class DiskRoom
{
    /// <summary>The bytes that stay free: room for the write-ahead log, and time to react to the warning.</summary>
    public const long Reserve = 512L << 20;

    /// <summary>The bytes that may be written to the disk of a folder.</summary>
    public static long Of(string folder) => Math.Max(0, new DriveInfo(folder).AvailableFreeSpace - Reserve);

    /// <summary>Checks that bytes may be written.</summary>
    /// <param name="folder">An existing folder on the disk.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="what">What is written, such as <c>the copy of the database</c>.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: there is too little room.</exception>
    public static void MustHold(string folder, long bytes, string what)
    {
        if (Of(folder) is var room && bytes > room)
            throw Problem.Unavailable(
                $"{what} takes {bytes >> 20} MiB, but {room >> 20} MiB may be written to the disk of {folder} "
                    + $"({Reserve >> 20} MiB stay free); make room and try again"
            );
    }
}
