using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using Hive.Common.Linux;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>
/// Opens state files for the scan, the read, the list and the write; no other code does. A path leads to a regular file
/// below an allowed root, or to nothing. No link is followed, in any part of the path. A file is checked after it was
/// opened, so that changes to the path in the meantime do not matter. Waits only for the file system. Safe on any
/// thread.
/// </summary>
/// <param name="paths">The data folder.</param>
/// <param name="names">The rule for agent names.</param>
/// <param name="withoutOpenat2">True to open folder by folder, as on a kernel without openat2.</param>
internal sealed class StateFileOpener(HivePaths paths, IAgentNames names, bool withoutOpenat2) : IDisposable
{
    private const int FileFlags =
        OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;
    private const int FolderFlags = OpenFlags.PathOnly | OpenFlags.CloseOnExec;
    private const ulong WithoutLinks = ResolveFlags.Beneath | ResolveFlags.NoMagicLinks | ResolveFlags.NoSymlinks;

    // The kernel may return EAGAIN or EINTR; a path is refused after this many.
    private const int Attempts = 32;

    private readonly Lock opening = new();
    private volatile Root? root;

    public StateFileOpener(HivePaths paths, IAgentNames names)
        : this(paths, names, withoutOpenat2: false) { }

    /// <summary>The data folder, as a path in host form begins with it.</summary>
    public string DataDir { get; } = paths.DataDir.TrimEnd('/');

    /// <summary>Opens the file of that path; null when it may not be shown or does not exist.</summary>
    [SkipLocalsInit]
    public SafeFileHandle? Open(ReadOnlySpan<char> path, out long size)
    {
        size = 0;
        Span<byte> buffer = stackalloc byte[StateFilePath.MaxBytes];
        if (
            DataFolder() is not { } data
            || !StateFilePath.IsAllowed(path, DataDir, names, out var relative, out var rootLength)
            || !Encode(relative, buffer, out var name)
        )
            return null;
        var file = OpenFile(data, name, name.LastIndexOf((byte)'/'));
        if (file is null || LinuxFile.KindOf(file, out size) >= FileKind.PlainFile)
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>
    /// True when <see cref="Open"/> would open the file of that path. Does not open the file where its metadata
    /// suffice.
    /// </summary>
    /// <param name="path">A path in container or host form.</param>
    /// <param name="folders">The folders opened for earlier paths of the same text.</param>
    [SkipLocalsInit]
    public bool Exists(ReadOnlySpan<char> path, KnownFolders folders)
    {
        Span<byte> buffer = stackalloc byte[StateFilePath.MaxBytes];
        if (
            DataFolder() is not { } data
            || !StateFilePath.IsAllowed(path, DataDir, names, out var relative, out _)
            || !Encode(relative, buffer, out var name)
        )
            return false;
        var slash = name.LastIndexOf((byte)'/');
        var parent = name[..slash];
        if (!folders.TryGet(parent, out var folder))
        {
            name[slash] = 0;
            folder = OpenFolder(data, name[..(slash + 1)]);
            name[slash] = (byte)'/';
            folders.Add(parent, folder);
        }

        if (folder is null)
            return false;
        var kind = LinuxFile.KindIn(folder, name[(slash + 1)..]);
        if (kind != FileKind.PlainFile)
            return kind == FileKind.OwnPlainFile;
        using var file = Open(path, out _);
        return file is not null;
    }

    /// <summary>
    /// Opens a folder below the data folder (UTF-8, ends in a zero, allowed by <see cref="StateFilePath"/>) without
    /// following any link; null when it does not exist.
    /// </summary>
    public SafeFileHandle? OpenFolder(Span<byte> path) => DataFolder() is { } data ? OpenFolder(data, path) : null;

    /// <summary>True when the text of a path in container form may name a state file.</summary>
    public bool IsAllowed(string path) =>
        StateFilePath.IsAllowed(path, DataDir, names, out _, out _)
        && Encoding.UTF8.GetByteCount(path) <= StateFilePath.MaxBytes;

    /// <summary>Opens a folder below a root, named like a state file; null when it may not be shown or does not
    /// exist.</summary>
    public SafeFileHandle? OpenFolder(string path) => IsAllowed(path) ? OpenRoot(path) : null;

    /// <summary>Opens a root in container form, such as <c>/shared</c>; null when it does not exist.</summary>
    public SafeFileHandle? OpenRoot(string path)
    {
        Span<byte> buffer = new byte[StateFilePath.MaxBytes];
        return Encode(path.AsSpan(1), buffer, out var name) ? OpenFolder(name) : null;
    }

    /// <summary>True when this process can read a plain file of an open folder.</summary>
    public static bool CanRead(SafeFileHandle folder, ReadOnlySpan<byte> name)
    {
        using var file = LinuxFile.OpenIn(folder, name, FileFlags | OpenFlags.NoFollow, out _);
        return file is not null && LinuxFile.KindOf(file, out _) >= FileKind.PlainFile;
    }

    public void Dispose() => root?.Folder.Dispose();

    // Ends in a zero. An unpaired surrogate is refused: no file can have it in its name, and a replacement character
    // would name another file.
    private static bool Encode(ReadOnlySpan<char> path, Span<byte> buffer, out Span<byte> name)
    {
        var done =
            Utf8.FromUtf16(path, buffer[..^1], out _, out var length, replaceInvalidSequences: false)
            == OperationStatus.Done;
        buffer[length] = 0;
        name = buffer[..(length + 1)];
        return done;
    }

    // Without links and dots a path cannot leave its root, and the cost of a look-up is bounded by the path's length.
    // Nested links could make a path of a hundred bytes cost a hundred thousand steps.
    private static SafeFileHandle? OpenFile(Root data, Span<byte> path, int slash)
    {
        path[slash] = 0;
        using var folder = OpenFolder(data, path[..(slash + 1)]);
        path[slash] = (byte)'/';
        if (folder is null)
            return null;
        for (var attempt = 1; ; attempt++)
        {
            var file = LinuxFile.OpenIn(folder, path[(slash + 1)..], FileFlags | OpenFlags.NoFollow, out var error);
            if (file is not null || !IsPassing(error) || attempt == Attempts)
                return file;
        }
    }

    private static SafeFileHandle? OpenFolder(Root data, Span<byte> path)
    {
        if (!data.HasOpenat2)
            return Walk(data.Folder, path);
        for (var attempt = 1; ; attempt++)
        {
            var folder = LinuxFile.OpenBeneath(
                data.Folder,
                path,
                FolderFlags | OpenFlags.Folder,
                WithoutLinks,
                out var error
            );
            if (folder is not null || !IsPassing(error) || attempt == Attempts)
                return folder;
        }
    }

    // For kernels without openat2: opens each folder in the one before, without following links.
    private static SafeFileHandle? Walk(SafeFileHandle data, ReadOnlySpan<byte> path)
    {
        Span<byte> name = stackalloc byte[path.Length];
        var folder = data;
        foreach (var component in path[..^1].Split((byte)'/'))
        {
            path[component].CopyTo(name);
            var length = component.End.Value - component.Start.Value;
            name[length] = 0;
            var next = LinuxFile.OpenIn(
                folder,
                name[..(length + 1)],
                FolderFlags | OpenFlags.Folder | OpenFlags.NoFollow,
                out _
            );
            if (folder != data)
                folder.Dispose();
            if (next is null)
                return null;
            folder = next;
        }

        return folder;
    }

    private static bool IsPassing(int error) => error is Errno.Again or Errno.Interrupted;

    // Opened once: the host keeps its data folder as long as it runs, and no agent can rename it or a folder above it.
    private Root? DataFolder()
    {
        if (root is { } known)
            return known;
        lock (opening)
        {
            if (
                root is null
                && LinuxFile.Open(DataDir.Length == 0 ? "/" : DataDir, FolderFlags | OpenFlags.Folder, out _)
                    is { } folder
            )
                root = new Root(folder, !withoutOpenat2 && HasOpenat2(folder));
            return root;
        }
    }

    // False when openat2 is missing (ENOSYS) or forbidden by a container's system call filter (EPERM).
    public static bool HasOpenat2(SafeFileHandle folder)
    {
        using var itself = LinuxFile.OpenBeneath(folder, ".\0"u8, FolderFlags | OpenFlags.Folder, WithoutLinks, out _);
        return itself is not null;
    }

    private sealed record Root(SafeFileHandle Folder, bool HasOpenat2);
}

/// <summary>
/// Caches the folders opened during the scan of one text. Not kept for the next text, because an agent may have
/// replaced them.
/// </summary>
internal sealed class KnownFolders : IDisposable
{
    private readonly List<(byte[] Path, SafeFileHandle? Folder)> known = [];

    public bool TryGet(ReadOnlySpan<byte> path, out SafeFileHandle? folder)
    {
        // Newest first, because the paths of a text are mostly in the same folder.
        for (var i = known.Count - 1; i >= 0; i--)
        {
            if (path.SequenceEqual(known[i].Path))
            {
                folder = known[i].Folder;
                return true;
            }
        }

        folder = null;
        return false;
    }

    public void Add(ReadOnlySpan<byte> path, SafeFileHandle? folder) => known.Add((path.ToArray(), folder));

    public void Dispose()
    {
        foreach (var (_, folder) in known)
            folder?.Dispose();
    }
}
