using System.Text;
using Hive.Common.Linux;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Git;

/// <summary>
/// Reads a folder that somebody else may be changing at this moment. The folder is held by its descriptor, and each
/// step opens a single name without following a link, so a swapped folder leads nowhere else. Only regular files are
/// read, so no read blocks.
/// </summary>
internal sealed class ForeignFolder : IDisposable
{
    private const int FileFlags =
        OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    private readonly SafeFileHandle handle;

    private ForeignFolder(SafeFileHandle handle) => this.handle = handle;

    private static int FolderFlags =>
        OpenFlags.ReadOnly | OpenFlags.Folder | OpenFlags.NoFollow | OpenFlags.CloseOnExec;

    /// <summary>Opens a folder whose parents are the host's own; null when it is not a folder, or a link.</summary>
    public static ForeignFolder? Open(string path) => Of(LinuxFile.Open(path, FolderFlags, out _));

    /// <summary>Opens a folder below a root, part by part without following a link; null when a part is not a
    /// folder.</summary>
    /// <param name="root">A folder whose parents are the host's own.</param>
    /// <param name="below">Names separated by slashes; empty for the root itself.</param>
    public static ForeignFolder? Open(string root, string below)
    {
        var folder = Open(root);
        foreach (var name in below.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using var parent = folder;
            folder = name is "." or ".." ? null : parent?.Enter(name);
        }

        return folder;
    }

    /// <summary>Opens a folder inside this one by its name; null when it is not a folder.</summary>
    public ForeignFolder? Enter(string name) => Of(LinuxFile.OpenIn(handle, Terminated(name), FolderFlags, out _));

    /// <summary>The first names in the folder.</summary>
    public IEnumerable<string> Names(int max) =>
        Directory
            .EnumerateFileSystemEntries($"/proc/self/fd/{(int)handle.DangerousGetHandle()}")
            .Take(max)
            .Select(p => Path.GetFileName(p));

    /// <summary>Opens a regular file in the folder by its name; null when it is not a regular file.</summary>
    public FileStream? Read(string name)
    {
        var file = LinuxFile.OpenIn(handle, Terminated(name), FileFlags | OpenFlags.NoFollow, out _);
        if (file is null)
            return null;
        if (LinuxFile.IsRegular(file))
            return new FileStream(file, FileAccess.Read, bufferSize: 0);
        file.Dispose();
        return null;
    }

    public void Dispose() => handle.Dispose();

    private static byte[] Terminated(string name) => Encoding.UTF8.GetBytes(name + '\0');

    private static ForeignFolder? Of(SafeFileHandle? handle) => handle is null ? null : new ForeignFolder(handle);
}
