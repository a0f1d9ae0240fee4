using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Linux;

/// <summary>Opens and examines files relative to an open folder, so that a path that changes cannot lead
/// elsewhere.</summary>
public static unsafe class LinuxFile
{
    internal const int AtCurrentFolder = -100;

    // The same number on x86-64 and arm64: calls since 2019 are numbered alike.
    private const nint OpenAt2 = 437;
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const uint AskForTypeModeLinksOwnerSize = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x200;
    private const uint AskForModified = 0x40;
    private const int KeepSize = 0x1;
    private const int TypeMask = 0xF000;
    private const int TypeRegular = 0x8000;
    private const int TypeFolder = 0x4000;
    private const int OwnerMayRead = 0x100;

    // Only the owner may read, write and (a folder) enter.
    private const uint PrivateFile = 0x180;
    private const uint PrivateFolder = 0x1C0;

    private static readonly uint User = LibC.UserId();

    /// <summary>Keeps a descriptor from the programs that this process starts. False when it is not open.</summary>
    public static bool CloseOnExecute(int descriptor)
    {
        // fcntl.h.
        const int SetFlags = 2;
        const int Close = 1;
        return LibC.Control(descriptor, SetFlags, Close) == 0;
    }

    /// <summary>Opens a path of the operator's or the host's own, and follows the links in it unless the flags forbid
    /// the last.</summary>
    public static SafeFileHandle? Open(string path, int flags, out int error) =>
        Opened(LibC.OpenAt(AtCurrentFolder, path, flags, PrivateFile), out error);

    /// <summary>Opens a path (UTF-8, zero-terminated) beneath a folder, under the kernel's rules for resolving
    /// it.</summary>
    public static SafeFileHandle? OpenBeneath(
        SafeFileHandle folder,
        ReadOnlySpan<byte> path,
        int flags,
        ulong resolve,
        out int error
    )
    {
        var how = new LibC.OpenHow { Flags = (ulong)flags, Resolve = resolve };
        fixed (byte* start = path)
            return Opened((int)LibC.OpenAt2(OpenAt2, folder, start, &how, (nuint)sizeof(LibC.OpenHow)), out error);
    }

    /// <summary>Opens one name (UTF-8, zero-terminated) in a folder.</summary>
    public static SafeFileHandle? OpenIn(SafeFileHandle folder, ReadOnlySpan<byte> name, int flags, out int error)
    {
        fixed (byte* start = name)
            return Opened(LibC.OpenAt(folder, start, flags, PrivateFile), out error);
    }

    /// <summary>Creates a folder of one name (UTF-8, zero-terminated) in a folder.</summary>
    /// <returns>0, or the error number.</returns>
    public static int MakeFolderIn(SafeFileHandle folder, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
            return LibC.MakeFolderAt(folder, start, PrivateFolder) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Removes a file of one name (UTF-8, zero-terminated) from a folder; failures are ignored.</summary>
    public static void RemoveIn(SafeFileHandle folder, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
            _ = LibC.UnlinkAt(folder, start, 0);
    }

    /// <summary>Reserves room on disk at the start of a file, and keeps its size.</summary>
    /// <returns>0, or the error number.</returns>
    public static int Reserve(SafeFileHandle file, long bytes)
    {
        int error;
        do error = LibC.Allocate(file, KeepSize, 0, bytes) == 0 ? 0 : Marshal.GetLastPInvokeError();
        while (error == Errno.Interrupted);
        return error;
    }

    /// <summary>Flushes a folder's names to disk. A descriptor opened with <see cref="OpenFlags.PathOnly"/> cannot be
    /// flushed itself.</summary>
    public static void Flush(SafeFileHandle folder)
    {
        const int Flags = OpenFlags.ReadOnly | OpenFlags.CloseOnExec;
        using var readable = OpenIn(folder, ".\0"u8, Flags | OpenFlags.Folder, out _);
        if (readable is not null)
            RandomAccess.FlushToDisk(readable);
    }

    /// <summary>Gives an entry that this process owns to the owner of its folder, if that is another user.</summary>
    public static void GiveToOwnerOf(SafeFileHandle folder, SafeFileHandle inside)
    {
        LibC.Statx above,
            status;
        fixed (byte* self = "\0"u8)
        {
            // Only root may give files away; every other process owns everything that it created, and the call fails.
            if (
                LibC.Status(folder, self, AtEmptyPath, AskForTypeModeLinksOwnerSize, &above) == 0
                && above.Owner != User
                && LibC.Status(inside, self, AtEmptyPath, AskForTypeModeLinksOwnerSize, &status) == 0
                && status.Owner == User
            )
                _ = LibC.ChangeOwnerAt(inside, self, above.Owner, above.Group, AtEmptyPath);
        }
    }

    /// <summary>The kind of an open file, and its size in bytes.</summary>
    public static FileKind KindOf(SafeFileHandle file, out long size) =>
        Kind(file, "\0"u8, AtEmptyPath, out size, out _);

    /// <summary>The kind of a name (UTF-8, zero-terminated) in a folder, found without opening it.</summary>
    public static FileKind KindIn(SafeFileHandle folder, ReadOnlySpan<byte> name) => KindIn(folder, name, out _);

    /// <summary>The kind of a name (UTF-8, zero-terminated) in a folder, and its size in bytes.</summary>
    public static FileKind KindIn(SafeFileHandle folder, ReadOnlySpan<byte> name, out long size) =>
        KindIn(folder, name, out size, out _);

    /// <summary>The kind of a name (UTF-8, zero-terminated) in a folder, its size in bytes, and when its content last
    /// changed.</summary>
    public static FileKind KindIn(
        SafeFileHandle folder,
        ReadOnlySpan<byte> name,
        out long size,
        out DateTimeOffset modifiedAt
    ) => Kind(folder, name, AtSymlinkNoFollow, out size, out modifiedAt);

    /// <summary>True when an open file is a regular one, however many names it has.</summary>
    [SkipLocalsInit]
    public static bool IsRegular(SafeFileHandle file)
    {
        LibC.Statx status;
        fixed (byte* self = "\0"u8)
            return LibC.Status(file, self, AtEmptyPath, AskForTypeModeLinksOwnerSize, &status) == 0
                && (status.Mode & TypeMask) == TypeRegular;
    }

    [SkipLocalsInit]
    private static FileKind Kind(
        SafeFileHandle handle,
        ReadOnlySpan<byte> path,
        int flags,
        out long size,
        out DateTimeOffset modifiedAt
    )
    {
        LibC.Statx status;
        int result;
        fixed (byte* start = path)
            result = LibC.Status(handle, start, flags, AskForTypeModeLinksOwnerSize | AskForModified, &status);
        (size, modifiedAt) = result == 0 ? ((long)status.Size, Instant(status.Modified)) : (0, default);
        if (result != 0)
            return FileKind.Missing;
        return (status.Mode & TypeMask) switch
        {
            TypeRegular when status.Links == 1 => status.Owner == User && (status.Mode & OwnerMayRead) != 0
                ? FileKind.OwnPlainFile
                : FileKind.PlainFile,
            TypeFolder => FileKind.Folder,
            _ => FileKind.Other,
        };
    }

    // The owner of a file can set its time to any number.
    private static DateTimeOffset Instant(long seconds) =>
        DateTimeOffset.FromUnixTimeSeconds(
            Math.Clamp(
                seconds,
                DateTimeOffset.MinValue.ToUnixTimeSeconds(),
                DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            )
        );

    private static SafeFileHandle? Opened(int descriptor, out int error)
    {
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }
}
