using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>The calls of the kernel that .NET has no name for: opening beneath a folder, and asking what was
/// opened.</summary>
internal static unsafe partial class Native
{
    public const int OpenReadOnly = 0x0;
    public const int OpenWriteOnly = 0x1;
    public const int OpenCreateNew = 0x40 | 0x80;
    public const int OpenNoControllingTerminal = 0x100;
    public const int OpenNonBlocking = 0x800;
    public const int OpenCloseOnExec = 0x8_0000;
    public const int OpenPathOnly = 0x20_0000;

    public const int ErrorMissing = 2;
    public const int ErrorInterrupted = 4;
    public const int ErrorNoReader = 6;
    public const int ErrorAgain = 11;
    public const int ErrorExists = 17;
    public const int ErrorNoDevice = 19;
    public const int ErrorNoFolder = 20;
    public const int ErrorIsFolder = 21;
    public const int ErrorNoCall = 38;
    public const int ErrorSymlinks = 40;
    public const int ErrorNotSupported = 95;

    public const ulong ResolveNoMagicLinks = 0x02;
    public const ulong ResolveNoSymlinks = 0x04;
    public const ulong ResolveBeneath = 0x08;

    // The same number on x86-64 and arm64: calls since 2019 are numbered alike.
    private const nint Openat2 = 437;
    private const int AtCurrentFolder = -100;
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const uint AskForTypeModeLinksOwnerSize = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x200;
    private const int KeepSize = 0x1;
    private const int TypeMask = 0xF000;
    private const int TypeRegular = 0x8000;
    private const int OwnerMayRead = 0x100;

    // What only its owner reads and writes; in a folder, also enters.
    private const uint PrivateFile = 0x180;
    private const uint PrivateFolder = 0x1C0;

    // These two have their own numbers on arm (fcntl.h of each architecture).
    public static readonly int OpenFolder = IsArm ? 0x4000 : 0x1_0000;
    public static readonly int OpenNoFollow = IsArm ? 0x8000 : 0x2_0000;

    private static readonly uint User = geteuid();

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    /// <summary>Opens a path (UTF-8, ends in a zero) beneath a folder, resolved by the kernel's rules; the error number
    /// when that fails.</summary>
    public static SafeFileHandle? OpenBeneath(
        SafeFileHandle folder,
        ReadOnlySpan<byte> path,
        int flags,
        ulong resolve,
        out int error
    )
    {
        var how = new OpenHow { Flags = (ulong)flags, Resolve = resolve };
        fixed (byte* start = path)
            return Opened((int)syscall(Openat2, folder, start, &how, (nuint)sizeof(OpenHow)), out error);
    }

    /// <summary>Opens one name (UTF-8, ends in a zero) in a folder.</summary>
    public static SafeFileHandle? OpenIn(SafeFileHandle folder, ReadOnlySpan<byte> name, int flags, out int error)
    {
        fixed (byte* start = name)
            return Opened(openat(folder, start, flags, PrivateFile), out error);
    }

    /// <summary>Makes a folder of one name (UTF-8, ends in a zero) in a folder; the error number when that fails, else
    /// 0.</summary>
    public static int MakeFolderIn(SafeFileHandle folder, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
            return mkdirat(folder, start, PrivateFolder) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Removes a file of one name (UTF-8, ends in a zero) from a folder, if it can be.</summary>
    public static void RemoveIn(SafeFileHandle folder, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
            _ = unlinkat(folder, start, 0);
    }

    /// <summary>Reserves room on disk at a file's begin, whose size stays what it is; the error number when that fails,
    /// else 0.</summary>
    public static int Reserve(SafeFileHandle file, long bytes)
    {
        int error;
        do error = fallocate(file, KeepSize, 0, bytes) == 0 ? 0 : Marshal.GetLastPInvokeError();
        while (error == ErrorInterrupted);
        return error;
    }

    /// <summary>Brings a folder's names to disk; a descriptor that only names one cannot be flushed itself.</summary>
    public static void Flush(SafeFileHandle folder)
    {
        using var readable = OpenIn(folder, ".\0"u8, OpenReadOnly | OpenFolder | OpenCloseOnExec, out _);
        if (readable is not null)
            RandomAccess.FlushToDisk(readable);
    }

    /// <summary>Gives what is this process's own, in a folder that is not, to that folder's owner.</summary>
    public static void GiveToOwnerOf(SafeFileHandle folder, SafeFileHandle inside)
    {
        Statx above,
            status;
        fixed (byte* self = "\0"u8)
        {
            // Who may give nothing away has nothing to give: without that right, all of it is this process's own.
            if (
                statx(folder, self, AtEmptyPath, AskForTypeModeLinksOwnerSize, &above) == 0
                && above.Owner != User
                && statx(inside, self, AtEmptyPath, AskForTypeModeLinksOwnerSize, &status) == 0
                && status.Owner == User
            )
                _ = fchownat(inside, self, above.Owner, above.Group, AtEmptyPath);
        }
    }

    /// <summary>Opens a path of the operator's own, following whatever links it has.</summary>
    public static SafeFileHandle? Open(string path, int flags, out int error) =>
        Opened(openat(AtCurrentFolder, path, flags), out error);

    /// <summary>What was opened; its size in bytes.</summary>
    public static FileKind KindOf(SafeFileHandle file, out long size) => Kind(file, "\0"u8, AtEmptyPath, out size);

    /// <summary>What a name (UTF-8, ends in a zero) in a folder stands for, without opening it.</summary>
    public static FileKind KindIn(SafeFileHandle folder, ReadOnlySpan<byte> name) => KindIn(folder, name, out _);

    /// <summary>The same, with its size in bytes.</summary>
    public static FileKind KindIn(SafeFileHandle folder, ReadOnlySpan<byte> name, out long size) =>
        Kind(folder, name, AtSymlinkNoFollow, out size);

    [SkipLocalsInit]
    private static FileKind Kind(SafeFileHandle handle, ReadOnlySpan<byte> path, int flags, out long size)
    {
        Statx status;
        int result;
        fixed (byte* start = path)
            result = statx(handle, start, flags, AskForTypeModeLinksOwnerSize, &status);
        size = result == 0 ? (long)status.Size : 0;
        if (result != 0)
            return FileKind.Missing;
        return (status.Mode & TypeMask) switch
        {
            TypeRegular when status.Links == 1 => status.Owner == User && (status.Mode & OwnerMayRead) != 0
                ? FileKind.OwnPlainFile
                : FileKind.PlainFile,
            _ => FileKind.Other,
        };
    }

    private static SafeFileHandle? Opened(int descriptor, out int error)
    {
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint syscall(nint number, SafeFileHandle folder, byte* path, OpenHow* how, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int openat(SafeFileHandle folder, byte* name, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int mkdirat(SafeFileHandle folder, byte* name, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int unlinkat(SafeFileHandle folder, byte* name, int flags);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fchownat(SafeFileHandle folder, byte* name, uint owner, uint group, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int openat(int folder, string path, int flags);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(SafeFileHandle file, byte* path, int flags, uint mask, Statx* status);

    // openat2(2), struct open_how.
    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    // statx(2), struct statx: the fields asked for, at their offsets; the kernel writes all 256 bytes.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(20)]
        public uint Owner;

        [FieldOffset(24)]
        public uint Group;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(40)]
        public ulong Size;
    }
}

/// <summary>What stands in the file system, as far as it matters here.</summary>
internal enum FileKind
{
    /// <summary>Nothing, or nothing that can be looked at.</summary>
    Missing,

    /// <summary>Nothing that is ever shown: a link, a folder, a FIFO, a device, a file with several names.</summary>
    Other,

    /// <summary>A regular file with exactly one name.</summary>
    PlainFile,

    /// <summary>A plain file that certainly may be read: it is this process's own and its mode says so.</summary>
    OwnPlainFile,
}
