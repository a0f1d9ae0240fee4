using System.Buffers;
using System.Text.Unicode;
using Hive.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>
/// The one way to a state file, for the scan and for the read: a path that somebody wrote becomes an open regular file below an allowed root, or nothing.
/// What is checked is what was opened, so it does not matter what happens to the path afterwards. Blocks only on the local file system. Safe on any thread.
/// </summary>
/// <param name="paths">Where the data folder is.</param>
/// <param name="withoutOpenat2">Walk as on a kernel that has no openat2.</param>
internal sealed class StateFileOpener(HivePaths paths, bool withoutOpenat2) : IDisposable
{
    private const int FileFlags = Native.OpenReadOnly | Native.OpenNonBlocking | Native.OpenCloseOnExec | Native.OpenNoControllingTerminal;
    private const int FolderFlags = Native.OpenPathOnly | Native.OpenCloseOnExec;

    // A name that is not in this process's own folder of descriptors: links below the data folder never lead there.
    private const string Descriptors = "/proc/self/fd/";

    // openat2 answers "again" when anything in the system was renamed while it went up a `..`; who is unlucky that often is refused.
    private const int Attempts = 32;

    private readonly Lock opening = new();
    private volatile Root? root;

    public StateFileOpener(HivePaths paths)
        : this(paths, withoutOpenat2: false)
    {
    }

    /// <summary>The data folder as it stands at the beginning of a path in host form.</summary>
    public string DataDir { get; } = paths.DataDir.TrimEnd('/');

    /// <summary>Opens the file of that path; null when there is none to show, whatever the reason.</summary>
    public SafeFileHandle? Open(ReadOnlySpan<char> path, out long size)
    {
        size = 0;
        if (!StateFilePath.IsAllowed(path, DataDir, out var relative, out var rootLength))
            return null;
        Span<byte> name = stackalloc byte[StateFilePath.MaxBytes];
        // Half a surrogate pair is no name that a file could have; as a replacement character it would be another file's.
        if (Utf8.FromUtf16(relative, name[..^1], out _, out var length, replaceInvalidSequences: false) != OperationStatus.Done)
            return null;
        name[length] = 0;
        if (DataFolder() is not { } data)
            return null;
        var file = data.HasOpenat2 ? OpenBeneath(data.Folder, name[..(length + 1)], rootLength) : Walk(data.Folder, name[..(length + 1)]);
        if (file is null || Native.IsPlainFile(file, out size))
            return file;
        file.Dispose();
        return null;
    }

    public void Dispose() => root?.Folder.Dispose();

    // Nearly every path has no link in it, and then one call is all: without links, and with names only, it cannot leave its root.
    private static SafeFileHandle? OpenBeneath(SafeFileHandle data, Span<byte> path, int rootLength)
    {
        var file = Retry(data, path, FileFlags, Native.ResolveBeneath | Native.ResolveNoMagicLinks | Native.ResolveNoSymlinks, out var error);
        return file is null && error == Native.ErrorSymlinks ? OpenThroughLinks(data, path, rootLength) : file;
    }

    // An agent may link to its own files. The root itself is opened without following any link, for the agent may have put one in its place,
    // and the kernel keeps the rest beneath it, however the folders are swapped meanwhile.
    private static SafeFileHandle? OpenThroughLinks(SafeFileHandle data, Span<byte> path, int rootLength)
    {
        // An allowed root is ASCII, so its length in characters is that in bytes.
        path[rootLength] = 0;
        using var folder = Retry(
            data, path[..(rootLength + 1)], FolderFlags | Native.OpenFolder, Native.ResolveBeneath | Native.ResolveNoMagicLinks | Native.ResolveNoSymlinks, out _);
        if (folder is null)
            return null;
        var file = Retry(folder, path[(rootLength + 1)..], FileFlags, Native.ResolveBeneath | Native.ResolveNoMagicLinks, out _);
        if (file is null || IsShown(folder, file))
            return file;
        file.Dispose();
        return null;
    }

    // A link must not give a hidden file a harmless name.
    private static bool IsShown(SafeFileHandle folder, SafeFileHandle file)
    {
        var above = TruePath(folder);
        var path = TruePath(file);
        return above is not null && path is not null
            && path.StartsWith(above, StringComparison.Ordinal) && path.Length > above.Length && path[above.Length] == '/'
            && StateFilePath.IsShown(path.AsSpan(above.Length + 1));
    }

    private static string? TruePath(SafeFileHandle handle)
    {
        try
        {
            return new FileInfo($"{Descriptors}{handle.DangerousGetHandle()}").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    // For kernels without openat2: from folder to folder, each name opened in the one before, no link followed anywhere.
    private static SafeFileHandle? Walk(SafeFileHandle data, Span<byte> path)
    {
        var folder = data;
        try
        {
            while (path.IndexOf((byte)'/') is >= 0 and var end)
            {
                path[end] = 0;
                var next = Native.OpenIn(folder, path[..(end + 1)], FolderFlags | Native.OpenFolder | Native.OpenNoFollow, out _);
                if (folder != data)
                    folder.Dispose();
                if (next is null)
                    return null;
                folder = next;
                path = path[(end + 1)..];
            }

            return Native.OpenIn(folder, path, FileFlags | Native.OpenNoFollow, out _);
        }
        finally
        {
            if (folder != data)
                folder.Dispose();
        }
    }

    private static SafeFileHandle? Retry(SafeFileHandle folder, ReadOnlySpan<byte> path, int flags, ulong resolve, out int error)
    {
        for (var attempt = 1; ; attempt++)
        {
            var opened = Native.OpenBeneath(folder, path, flags, resolve, out error);
            if (opened is not null || error is not (Native.ErrorAgain or Native.ErrorInterrupted) || attempt == Attempts)
                return opened;
        }
    }

    // Opened once: the host holds the data folder for as long as it runs, and no agent can name it or what is above it.
    private Root? DataFolder()
    {
        if (root is { } known)
            return known;
        lock (opening)
        {
            if (root is null && Native.Open(DataDir.Length == 0 ? "/" : DataDir, FolderFlags | Native.OpenFolder, out _) is { } folder)
                root = new Root(folder, !withoutOpenat2 && HasOpenat2(folder));
            return root;
        }
    }

    // Missing (ENOSYS), or forbidden by a container's system call filter (EPERM): walking needs neither.
    private static bool HasOpenat2(SafeFileHandle folder)
    {
        using var itself = Native.OpenBeneath(folder, ".\0"u8, FolderFlags | Native.OpenFolder, Native.ResolveBeneath, out _);
        return itself is not null;
    }

    private sealed record Root(SafeFileHandle Folder, bool HasOpenat2);
}
