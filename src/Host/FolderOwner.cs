using Hive.Common.Linux;

namespace Hive.Host;

/// <summary>Checks that a folder belongs to this user, so that nobody else can put files into it.</summary>
internal static class FolderOwner
{
    /// <summary>Why another user could change the folder, and the way out; null when only this user can.</summary>
    public static string? Fault(string folder)
    {
        if (LinuxPath.OwnerOf(folder) is var owner && owner != LinuxProcess.UserId)
            return $"{folder} belongs to another user (uid {owner}), who could change what Hive keeps there; "
                + "run Hive as that user, or check the folder's contents and then `chown -R` it";
        const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        // An empty folder holds no files of others, and the host closes it to them next.
        return (File.GetUnixFileMode(folder) & OthersWrite) == 0 || !Directory.EnumerateFileSystemEntries(folder).Any()
            ? null
            : $"others can write to {folder} and may have put files there; "
                + $"check its contents, then `chmod go-w {folder}`";
    }
}
