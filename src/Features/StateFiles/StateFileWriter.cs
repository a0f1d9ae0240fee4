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
/// With <see cref="ForgeTokenFile"/> the only code that writes where agents can reach. The way to the file is made of
/// names, each opened in the folder before without following a link,
/// so whatever the agent puts in their place meanwhile, nothing outside its folder is touched; what is written to was
/// checked after it was opened.
/// </remarks>
internal sealed class StateFileWriter(StateFileOpener files, IAgentNames names) : IStateFileWriter
{
    // A name between two slashes (NAME_MAX of Linux).
    private const int MaxNameBytes = 255;

    private const int FolderFlags = OpenFlags.PathOnly | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    // Neither cuts what is there nor waits for a FIFO's reader: first it must show what it is.
    private const int FileFlags =
        OpenFlags.WriteOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    // How often somebody may make and remove the file between two looks at it.
    private const int Attempts = 32;

    private const string NotPlain = "it is there already and is no regular file with one name";
    private const string NoFolder = "what should be a folder on its way is a link or a file";

    public string? Fault(string agent, string path)
    {
        try
        {
            var (above, name) = Locate(agent, path);
            using var folder = Enter(above, path, make: false);
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
            // A disk that fails now may be well when it is written to.
            return null;
        }
    }

    public void Write(string agent, string path, string text)
    {
        var (above, name) = Locate(agent, path);
        using var folder = Enter(above, path, make: true)!;
        using var file = OpenFile(folder, name, path, out var made);
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, Encoding.UTF8.GetBytes(text), 0);
        RandomAccess.FlushToDisk(file);
        if (made)
            LinuxFile.Flush(folder);
    }

    /// <summary>Puts a file that only its owner reads; one of the same name and size is there already and
    /// stays.</summary>
    /// <param name="agent">Whose state folder.</param>
    /// <param name="path">A path below it, in either form.</param>
    /// <param name="bytes">What the file is to hold.</param>
    /// <param name="most">How many files its folder may hold with it.</param>
    /// <exception cref="Problem">Another thing is in the way, or the folder is full.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    public void Put(string agent, string path, ReadOnlySpan<byte> bytes, int most)
    {
        var (above, name) = Locate(agent, path);
        using var folder = Enter(above, path, make: true)!;
        var there = LinuxFile.KindIn(folder, name, out var size);
        if (there >= FileKind.PlainFile && size == bytes.Length)
            return;
        if (there == FileKind.Missing && Holds(folder, most))
        {
            throw Problem.Conflict(
                $"{agent} keeps {most} files of yours already, which is the limit; "
                    + $"ask {agent} to remove some, or put it under /shared/ and send its path"
            );
        }

        using var file = OpenFile(folder, name, path, out _);
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, bytes, 0);
        // Last: one that a kill left unfinished can be written again.
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        RandomAccess.FlushToDisk(file);
        LinuxFile.Flush(folder);
    }

    private static bool Holds(SafeFileHandle folder, int count) =>
        Directory.EnumerateFileSystemEntries($"/proc/self/fd/{folder.DangerousGetHandle()}").Take(count).Count()
        == count;

    // The folders on the way, beginning with the state folder below the data folder, and the file's own name; each ends
    // in a zero.
    private (byte[][] Above, byte[] Name) Locate(string agent, string path)
    {
        if (
            !StateFilePath.IsAllowed(path, files.DataDir, names, out var relative, out var rootLength)
            || !relative[..rootLength].SequenceEqual($"agents/{agent}/state")
        )
            throw Refused(
                path,
                $"it must name a file under /agents/{agent}/state/ (on the host {files.DataDir}/agents/{agent}/state/), without '.', '..' or an empty part, and no token, repository or database"
            );
        var root = Encode(relative[..rootLength]);
        byte[][] parts = [.. relative[(rootLength + 1)..].ToString().Split('/').Select(part => Encode(part))];
        if (
            parts.Any(part => part.Length - 1 > MaxNameBytes)
            || Encoding.UTF8.GetByteCount(relative) >= StateFilePath.MaxBytes
        )
            throw Refused(path, $"a name may have {MaxNameBytes} bytes and the whole {StateFilePath.MaxBytes - 1}");
        return ([root, .. parts[..^1]], parts[^1]);
    }

    // The folder of the file. Null if it is missing and not to be made.
    private SafeFileHandle? Enter(byte[][] above, string path, bool make)
    {
        var folder =
            files.OpenFolder(above[0])
            ?? throw Refused(path, "the state folder is gone, or another thing stands in its place");
        foreach (var name in above.AsSpan(1))
        {
            var parent = folder;
            try
            {
                folder = Step(parent, name, path, make);
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

    private static SafeFileHandle? Step(SafeFileHandle parent, byte[] name, string path, bool make)
    {
        for (var attempt = 1; ; attempt++)
        {
            var folder = LinuxFile.OpenIn(
                parent,
                name,
                FolderFlags | OpenFlags.Folder | OpenFlags.NoFollow,
                out var error
            );
            // Not only what was made now: a kill may have come between the making of a folder and the giving.
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
        for (var attempt = 1; ; attempt++)
        {
            made = false;
            var file = LinuxFile.OpenIn(folder, name, FileFlags | OpenFlags.NoFollow, out var error);
            if (error == Errno.Missing)
            {
                file = LinuxFile.OpenIn(folder, name, FileFlags | OpenFlags.NoFollow | OpenFlags.CreateNew, out error);
                made = file is not null;
            }

            if (file is not null && LinuxFile.KindOf(file, out _) >= FileKind.PlainFile)
            {
                // As with a folder. It has one name, so it is no link to what is this process's own elsewhere.
                LinuxFile.GiveToOwnerOf(folder, file);
                return file;
            }

            file?.Dispose();
            if (file is not null || error is Errno.Symlinks or Errno.IsFolder or Errno.NoReader or Errno.NoDevice)
                throw Refused(path, NotPlain);
            if (attempt == Attempts || error is not (Errno.Missing or Errno.Exists or Errno.Interrupted))
                throw Failed(path, error);
        }
    }

    private static byte[] Encode(ReadOnlySpan<char> name)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(name) + 1];
        Encoding.UTF8.GetBytes(name, bytes);
        return bytes;
    }

    private static string Refusal(string path, string why) =>
        $"'{(path.Length <= 200 ? path : string.Concat(path.AsSpan(0, 200), "…"))}' cannot be written: {why}";

    private static Problem Refused(string path, string why) => Problem.Forbidden(Refusal(path, why));

    private static IOException Failed(string path, int error) => new(Refusal(path, new Win32Exception(error).Message));
}
