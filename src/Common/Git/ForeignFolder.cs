using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Git;

/// <summary>
/// A folder that somebody else may be changing this moment. It is held by its descriptor, and each step into it is one
/// name that is opened without following a link,
/// so nothing outside is reached however it is swapped; nothing but a regular file is ever read, so nothing waits.
/// </summary>
internal sealed partial class ForeignFolder : IDisposable
{
    private const int ReadOnly = 0x0;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x8_0000;
    private const int NoControllingTerminal = 0x100;
    private const int AtCurrentFolder = -100;
    private const int AtEmptyPath = 0x1000;
    private const uint AskForTypeAndSize = 0x1 | 0x200;
    private const int TypeMask = 0xF000;
    private const int TypeRegular = 0x8000;

    // These two have their own numbers on arm (fcntl.h of each architecture).
    private static readonly int Folder = IsArm ? 0x4000 : 0x1_0000;
    private static readonly int NoFollow = IsArm ? 0x8000 : 0x2_0000;

    private readonly SafeFileHandle handle;

    private ForeignFolder(SafeFileHandle handle) => this.handle = handle;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    /// <summary>Opens a folder whose parents are the host's own; null when it is none, or a link.</summary>
    public static ForeignFolder? Open(string path) =>
        Of(Opened(openat(AtCurrentFolder, path, ReadOnly | Folder | NoFollow | CloseOnExec, 0)));

    /// <summary>Opens a folder of that name in it; null when there is none.</summary>
    public ForeignFolder? Enter(string name) =>
        Of(Opened(openat(Descriptor, name, ReadOnly | Folder | NoFollow | CloseOnExec, 0)));

    /// <summary>The first names in it.</summary>
    public IEnumerable<string> Names(int max) =>
        Directory.EnumerateFileSystemEntries($"/proc/self/fd/{Descriptor}").Take(max).Select(p => Path.GetFileName(p));

    /// <summary>Opens a regular file of that name in it; null when there is none.</summary>
    public unsafe FileStream? Read(string name)
    {
        var file = Opened(
            openat(Descriptor, name, ReadOnly | NoFollow | NonBlocking | CloseOnExec | NoControllingTerminal, 0)
        );
        if (file is null)
            return null;
        Statx status;
        if (statx(file, "", AtEmptyPath, AskForTypeAndSize, &status) == 0 && (status.Mode & TypeMask) == TypeRegular)
            return new FileStream(file, FileAccess.Read, bufferSize: 0);
        file.Dispose();
        return null;
    }

    public void Dispose() => handle.Dispose();

    private int Descriptor => (int)handle.DangerousGetHandle();

    private static ForeignFolder? Of(SafeFileHandle? handle) => handle is null ? null : new ForeignFolder(handle);

    private static SafeFileHandle? Opened(int descriptor) =>
        descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int openat(int folder, string path, int flags, uint mode);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int statx(SafeFileHandle file, string path, int flags, uint mask, Statx* status);

    // statx(2), struct statx: the field asked for, at its offset; the kernel writes all 256 bytes.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)]
        public ushort Mode;
    }
}
