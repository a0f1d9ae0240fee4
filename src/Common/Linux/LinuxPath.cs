using System.Runtime.InteropServices;
using System.Text;

namespace Hive.Common.Linux;

/// <summary>Owners and access rights of paths that the host itself names.</summary>
public static unsafe class LinuxPath
{
    private const uint AskForType = 0x1;
    private const uint AskForOwner = 0x8;
    private const int NotFollowed = 0x100;
    private const int TypeMask = 0xF000;
    private const uint RenameExchange = 0x2;

    /// <summary>The number of the user who owns a file or folder. statx(2).</summary>
    /// <exception cref="IOException">The owner cannot be read.</exception>
    public static uint OwnerOf(string path)
    {
        LibC.Statx status;
        return LibC.Status(LinuxFile.AtCurrentFolder, path, 0, AskForOwner, &status) == 0
            ? status.Owner
            : throw new IOException($"the owner of {path} cannot be read: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>The kind of the entry that a path names; a link is not followed. statx(2).</summary>
    public static EntryKind KindOf(string path)
    {
        LibC.Statx status;
        if (LibC.Status(LinuxFile.AtCurrentFolder, path, NotFollowed, AskForType, &status) != 0)
            return EntryKind.Missing;
        return (status.Mode & TypeMask) switch
        {
            0x8000 => EntryKind.File,
            0x4000 => EntryKind.Folder,
            0xA000 => EntryKind.Link,
            0xC000 => EntryKind.Socket,
            0x1000 => EntryKind.Pipe,
            _ => EntryKind.Device,
        };
    }

    /// <summary>The absolute path to which all links in a path lead; what does not exist yet stays as it is.</summary>
    public static string Real(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(path) is not { } above)
            return path;
        var found = Path.Combine(Real(above), Path.GetFileName(path));
        try
        {
            // The target's own path may have links in it.
            return Directory.ResolveLinkTarget(found, returnFinalTarget: true) is { } target
                ? Real(target.FullName)
                : found;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Links in a circle lead nowhere, and no link is read in a closed folder.
            return found;
        }
    }

    /// <summary>Creates a folder with this mode, whatever the mask of the process, and missing ones above it with mode
    /// 0755. What exists by then keeps its mode, also when it is a link.</summary>
    /// <exception cref="IOException">A folder cannot be created.</exception>
    public static void CreateFolder(string path, UnixFileMode mode)
    {
        const UnixFileMode Readable = (UnixFileMode)0x1ED;
        path = Path.TrimEndingDirectorySeparator(path);
        if (Directory.Exists(path) || Path.GetDirectoryName(path) is not { } above)
            return;
        CreateFolder(above, Readable);
        var name = Encoding.UTF8.GetBytes(Path.GetFileName(path) + '\0');
        var flags = OpenFlags.CloseOnExec | OpenFlags.Folder;
        using var parent = LinuxFile.Open(above, flags | OpenFlags.PathOnly, out var error);
        if (parent is not null)
            error = LinuxFile.MakeFolderIn(parent, name);
        if (error == Errno.Exists)
            return;
        if (error != 0)
            throw new IOException($"{path} cannot be created: {Marshal.GetPInvokeErrorMessage(error)}");
        using var made =
            LinuxFile.OpenIn(parent!, name, flags | OpenFlags.ReadOnly | OpenFlags.NoFollow, out error)
            ?? throw new IOException($"{path} cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}");
        File.SetUnixFileMode(made, mode);
    }

    /// <summary>Changes the group of a file or folder, and keeps its owner. chown(2).</summary>
    /// <exception cref="IOException">The group cannot be changed.</exception>
    public static void ChangeGroup(string path, int group)
    {
        if (LibC.ChangeOwner(path, -1, group) != 0)
            throw new IOException(
                $"the group of {path} cannot be changed to {group}: {Marshal.GetLastPInvokeErrorMessage()}"
            );
    }

    /// <summary>Exchanges two folders in one step, so that a crash leaves either the one or the other at each path.
    /// renameat2(2).</summary>
    /// <exception cref="IOException">The folders cannot be exchanged: one is a mount point, or they are on different
    /// file systems.</exception>
    public static void Exchange(string one, string other)
    {
        if (LibC.Rename(LinuxFile.AtCurrentFolder, one, LinuxFile.AtCurrentFolder, other, RenameExchange) != 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }

    /// <summary>Writes everything of the file system with that folder to disk. syncfs(2).</summary>
    /// <exception cref="IOException">The disk fails.</exception>
    public static void FlushDisk(string folder)
    {
        var flags = OpenFlags.ReadOnly | OpenFlags.CloseOnExec | OpenFlags.Folder;
        using var open =
            LinuxFile.Open(folder, flags, out _)
            ?? throw new IOException($"{folder} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        if (LibC.FlushFileSystem(open) != 0)
            throw new IOException($"the disk of {folder} failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Why this process may not access a path; null when it may. access(2): unlike the mode it takes read-only
    /// file systems and root's rights into account.</summary>
    public static string? AccessFault(string path, PathAccess access) =>
        LibC.Access(path, (int)access) == 0 ? null : Marshal.GetLastPInvokeErrorMessage();
}

/// <summary>Kinds of entries of a folder. inode(7).</summary>
public enum EntryKind
{
    /// <summary>The path names nothing, or cannot be examined.</summary>
    Missing,

    /// <summary>A regular file.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A unix socket.</summary>
    Socket,

    /// <summary>A FIFO.</summary>
    Pipe,

    /// <summary>A device.</summary>
    Device,
}

/// <summary>Kinds of access to a path, as access(2) numbers them.</summary>
[Flags]
public enum PathAccess
{
    /// <summary>Only that the path exists.</summary>
    None = 0,

    /// <summary>Execute a file or enter a folder.</summary>
    Enter = 1,

    /// <summary>Write a file, or add and remove names in a folder.</summary>
    Write = 2,

    /// <summary>Read a file or list a folder.</summary>
    Read = 4,
}
