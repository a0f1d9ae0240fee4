using System.ComponentModel;
using System.Text;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
/// <remarks>
/// With <see cref="ForgeTokenFile"/> the only code that writes where agents can write. Each folder of the path is
/// opened in the one before without following a link, and the file is checked after it was opened; so nothing outside
/// the agent's folder is touched, even if the agent replaces parts of the path in the meantime.
/// </remarks>
internal sealed class StateFileWriter(StateFileOpener files, IAgentNames names) : IStateFileWriter
{
    // The longest component of a path (NAME_MAX of Linux).
    private const int MaxNameBytes = 255;

    private const int FolderFlags = OpenFlags.PathOnly | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    // How often a folder may appear and disappear between two attempts before the write fails.
    private const int Attempts = 32;

    // Agents can run as other users.
    private const UnixFileMode ForEverybody =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const string NotPlain = "it exists and is not a regular file with a single hard link";
    private const string NoFolder = "a folder of the path is a link or a file";

    public string? Fault(string agent, string path)
    {
        try
        {
            var (above, name) = Locate(agent, path);
            using var folder = OpenParent(above, path, make: false);
            return folder is null || LinuxFile.KindIn(folder, name) is FileKind.Missing or >= FileKind.PlainFile
                ? null
                : Refusal(path, NotPlain);
        }
        catch (Problem e)
        {
            return e.Message;
        }
        catch (IOException)
        {
            // The disk may work again when the file is written.
            return null;
        }
    }

    public void Write(string agent, string path, string text)
    {
        var (above, name) = Locate(agent, path);
        using var folder = OpenParent(above, path, make: true)!;
        using var file = OpenFile(folder, name, path, out var made);
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, Encoding.UTF8.GetBytes(text), 0);
        RandomAccess.FlushToDisk(file);
        if (made)
            LinuxFile.Flush(folder);
    }

    /// <summary>
    /// Writes a file that only its owner can read. An existing file of the same name and size is kept.
    /// </summary>
    /// <param name="agent">The agent whose state folder it is.</param>
    /// <param name="path">A path below it, in either form.</param>
    /// <param name="bytes">The file's content.</param>
    /// <param name="most">The most files that its folder may hold.</param>
    /// <returns>False when it is there already.</returns>
    /// <exception cref="Problem">The path is taken by something else, or the folder is full.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    public bool Put(string agent, string path, ReadOnlySpan<byte> bytes, int most)
    {
        var (above, name) = Locate(agent, path);
        using var folder = OpenParent(above, path, make: true)!;
        var there = LinuxFile.KindIn(folder, name, out var size);
        if (there >= FileKind.PlainFile && size == bytes.Length)
            return false;
        if (there == FileKind.Missing && IsFull(folder, most))
        {
            throw Problem.Conflict(
                $"{agent} keeps {most} files of yours already, which is the limit; "
                    + $"ask {agent} to remove some, or put the file under /shared/ and send its path"
            );
        }

        using var file = OpenFile(folder, name, path, out _);
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, bytes, 0);
        // Last, so that a file left unfinished by a kill can be written again.
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        RandomAccess.FlushToDisk(file);
        LinuxFile.Flush(folder);
        return true;
    }

    /// <summary>Writes a file of the shared folder that everybody can read; an existing one of that name is
    /// replaced.</summary>
    /// <param name="path">A path directly in the shared folder, in container form.</param>
    /// <param name="bytes">The file's content.</param>
    /// <exception cref="Problem">The name is taken by something else.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    public void Share(string path, ReadOnlySpan<byte> bytes)
    {
        using var folder =
            files.OpenRoot("/shared") ?? throw Refused(path, "the shared folder is missing or is not a folder");
        using var file = OpenFile(folder, Encode(path.AsSpan("/shared/".Length)), path, out _);
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, bytes, 0);
        File.SetUnixFileMode(file, ForEverybody);
        RandomAccess.FlushToDisk(file);
        LinuxFile.Flush(folder);
    }

    private static bool IsFull(SafeFileHandle folder, int count) =>
        Directory.EnumerateFileSystemEntries($"/proc/self/fd/{folder.DangerousGetHandle()}").Take(count).Count()
        == count;

    // The folders of the path, beginning with the state folder, and the file's name; each ends in a zero.
    private (byte[][] Above, byte[] Name) Locate(string agent, string path)
    {
        if (
            !StateFilePath.IsAllowed(path, files.DataDir, names, out var relative, out var rootLength)
            || !relative[..rootLength].SequenceEqual($"agents/{agent}/state")
        )
            throw Refused(
                path,
                $"it must name a file under /agents/{agent}/state/ (on the host "
                    + $"{files.DataDir}/agents/{agent}/state/), without '.', '..' or empty parts; "
                    + "tokens, repositories and databases are refused"
            );
        var root = Encode(relative[..rootLength]);
        byte[][] parts = [.. relative[(rootLength + 1)..].ToString().Split('/').Select(part => Encode(part))];
        if (
            parts.Any(part => part.Length - 1 > MaxNameBytes)
            || Encoding.UTF8.GetByteCount(relative) >= StateFilePath.MaxBytes
        )
            throw Refused(path, $"a component may have {MaxNameBytes} bytes and the path {StateFilePath.MaxBytes - 1}");
        return ([root, .. parts[..^1]], parts[^1]);
    }

    // Opens the folder of the file. Null when it is missing and 'make' is false.
    private SafeFileHandle? OpenParent(byte[][] above, string path, bool make)
    {
        var folder =
            files.OpenFolder(above[0]) ?? throw Refused(path, "the state folder is missing or is not a folder");
        foreach (var name in above.AsSpan(1))
        {
            var parent = folder;
            try
            {
                folder = OpenOrCreateFolder(parent, name, path, make);
            }
            finally
            {
                parent.Dispose();
            }

            if (folder is null)
                return null;
        }

        return folder;
    }

    private static SafeFileHandle? OpenOrCreateFolder(SafeFileHandle parent, byte[] name, string path, bool make)
    {
        for (var attempt = 1; ; attempt++)
        {
            var folder = LinuxFile.OpenIn(
                parent,
                name,
                FolderFlags | OpenFlags.Folder | OpenFlags.NoFollow,
                out var error
            );
            // Also for existing folders: a kill may have come between creating the folder and changing its owner.
            if (folder is not null && make)
                LinuxFile.GiveToOwnerOf(parent, folder);
            if (folder is not null)
                return folder;
            if (error is Errno.Symlinks or Errno.NotFolder)
                throw Refused(path, NoFolder);
            if (attempt == Attempts || error is not (Errno.Missing or Errno.Interrupted))
                throw Failed(path, error);
            if (error != Errno.Missing)
                continue;
            if (!make)
                return null;
            if (LinuxFile.MakeFolderIn(parent, name) is not 0 and not Errno.Exists and var failed)
                throw Failed(path, failed);
            LinuxFile.Flush(parent);
        }
    }

    private static SafeFileHandle OpenFile(SafeFileHandle folder, byte[] name, string path, out bool made)
    {
        var file =
            PlainFile.OpenOrCreate(folder, name, out made, out _, out var error)
            ?? throw (error == 0 ? (Exception)Refused(path, NotPlain) : Failed(path, error));
        // As for folders. The file has a single hard link, so it cannot be another file of this process.
        LinuxFile.GiveToOwnerOf(folder, file);
        return file;
    }

    private static byte[] Encode(ReadOnlySpan<char> name)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(name) + 1];
        Encoding.UTF8.GetBytes(name, bytes);
        return bytes;
    }

    private static string Refusal(string path, string why) =>
        $"cannot write '{(path.Length <= 200 ? path : string.Concat(path.AsSpan(0, 200), "…"))}': {why}";

    private static Problem Refused(string path, string why) => Problem.Forbidden(Refusal(path, why));

    private static IOException Failed(string path, int error) => new(Refusal(path, new Win32Exception(error).Message));
}
