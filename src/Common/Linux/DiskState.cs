using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Hive.Common.Linux;

/// <summary>The room on a disk at one moment. statvfs(3).</summary>
/// <param name="FreeBytes">What an ordinary user may still write.</param>
/// <param name="Files">The inodes in use.</param>
public readonly record struct DiskState(long FreeBytes, long Files)
{
    // glibc on 64-bit machines: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, …, of 8 bytes each,
    // and 112 bytes in all.
    private const int Size = 16;
    private const int BytesPerBlock = 1;
    private const int FreeBlocks = 4;
    private const int AllFiles = 5;
    private const int FreeFiles = 6;

    /// <summary>Reads it for the disk of a path.</summary>
    /// <exception cref="IOException">There is no such path, or the disk fails.</exception>
    public static unsafe DiskState Of(string path)
    {
        Span<long> room = stackalloc long[Size];
        fixed (long* start = room)
        {
            if (LibC.StatVfs(path, start) != 0)
                throw new IOException($"{path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }

        return new DiskState(room[FreeBlocks] * room[BytesPerBlock], room[AllFiles] - room[FreeFiles]);
    }
}
