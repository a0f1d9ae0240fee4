using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using Hive.Common.Linux;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>
/// The one way to a state file, for the scan, the read and the write: from a path that somebody wrote to a regular file
/// below an allowed root, or to nothing.
/// No link is followed, in any part of the path.
/// What is read was checked after it was opened, so it does not matter what happens to the path meanwhile. Waits only
/// for the file system. Safe on any thread.
/// </summary>
/// <param name="paths">Where the data folder is.</param>
/// <param name="names">Which names an agent may have.</param>
/// <param name="withoutOpenat2">Walk as on a kernel that has no openat2.</param>
internal sealed class StateFileOpener(HivePaths paths, IAgentNames names, bool withoutOpenat2) : IDisposable
{
    private const int FileFlags =
        OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;
    private const int FolderFlags = OpenFlags.PathOnly | OpenFlags.CloseOnExec;
    private const ulong WithoutLinks = ResolveFlags.Beneath | ResolveFlags.NoMagicLinks | ResolveFlags.NoSymlinks;

    // The kernel may answer "again" or "interrupted"; a path that is unlucky this often is refused.
    private const int Attempts = 32;

    private readonly Lock opening = new();
    private volatile Root? root;

    public StateFileOpener(HivePaths paths, IAgentNames names)
        : this(paths, names, withoutOpenat2: false) { }

    /// <summary>The data folder as it stands at the beginning of a path in host form.</summary>
    public string DataDir { get; } = paths.DataDir.TrimEnd('/');

    /// <summary>Opens the file of that path; null when there is none to show, whatever the reason.</summary>
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
        var file = OpenPlainly(data, name, name.LastIndexOf((byte)'/'));
        if (file is null || LinuxFile.KindOf(file, out size) >= FileKind.PlainFile)
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>True when <see cref="Open"/> would open the file of that path, found out without opening it where that
    /// is certain.</summary>
    /// <param name="path">As for <see cref="Open"/>.</param>
    /// <param name="folders">The folders of the paths asked for before, in the same text.</param>
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

    /// <summary>Opens a folder below the data folder (UTF-8, ends in a zero, allowed by <see cref="StateFilePath"/>)
    /// without following any link; null when there is none.</summary>
    public SafeFileHandle? OpenFolder(Span<byte> path) => DataFolder() is { } data ? OpenFolder(data, path) : null;

    public void Dispose() => root?.Folder.Dispose();

    // With its zero at the end. Half a surrogate pair is no name that a file could have; as a replacement character it
    // would be another file's.
    private static bool Encode(ReadOnlySpan<char> path, Span<byte> buffer, out Span<byte> name)
    {
        var done =
            Utf8.FromUtf16(path, buffer[..^1], out _, out var length, replaceInvalidSequences: false)
            == OperationStatus.Done;
        buffer[length] = 0;
        name = buffer[..(length + 1)];
        return done;
    }

    // Without following any link, and with names only, a path cannot leave its root, and what a look-up costs is
    // bounded by the path's own length:
    // links in links can make one path of a hundred bytes cost a hundred thousand steps.
    private static SafeFileHandle? OpenPlainly(Root data, Span<byte> path, int slash)
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

    // For kernels without openat2: from folder to folder, each name opened in the one before, no link followed
    // anywhere.
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

    // Opened once: the host holds the data folder for as long as it runs, and no agent can name it or what is above it.
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

    // Missing (ENOSYS), or forbidden by a container's system call filter (EPERM): walking needs neither.
    public static bool HasOpenat2(SafeFileHandle folder)
    {
        using var itself = LinuxFile.OpenBeneath(folder, ".\0"u8, FolderFlags | OpenFlags.Folder, WithoutLinks, out _);
        return itself is not null;
    }

    private sealed record Root(SafeFileHandle Folder, bool HasOpenat2);
}

/// <summary>The folders met while one text is scanned, each opened once. Not kept for the next text: an agent may have
/// put others in their place.</summary>
internal sealed class KnownFolders : IDisposable
{
    private readonly List<(byte[] Path, SafeFileHandle? Folder)> known = [];

    public bool TryGet(ReadOnlySpan<byte> path, out SafeFileHandle? folder)
    {
        // The last one first: paths in a text mostly lie beside each other.
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
