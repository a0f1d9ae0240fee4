using System.Runtime.InteropServices;

namespace Hive.Host;

/// <summary>Tells whether a folder is this user's own, so that nobody else can put things into it.</summary>
internal static unsafe partial class FolderOwner
{
    private const int AtCurrentFolder = -100;
    private const uint AskForOwner = 0x8;

    /// <summary>Why the folder is not for this user alone to change, and the way out; null when it is.</summary>
    public static string? Fault(string folder)
    {
        // statx(2): 256 bytes, the owner's number at 20.
        var status = stackalloc byte[256];
        if (statx(AtCurrentFolder, folder, 0, AskForOwner, status) != 0)
            throw new IOException($"the owner of {folder} cannot be found out (error {Marshal.GetLastPInvokeError()})");
        if (*(uint*)(status + 20) is var owner && owner != geteuid())
            return $"{folder} belongs to another user (uid {owner}), who could change what Hive keeps there; run Hive as that user, or `chown -R` the folder after a look at what is in it";
        const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        // An empty one holds nothing of theirs, and is closed to them next.
        return (File.GetUnixFileMode(folder) & OthersWrite) == 0 || !Directory.EnumerateFileSystemEntries(folder).Any()
            ? null
            : $"others can write to {folder} and may have put files there; look at what is in it, then `chmod go-w {folder}`";
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(int folder, string path, int flags, uint mask, byte* status);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint geteuid();
}
