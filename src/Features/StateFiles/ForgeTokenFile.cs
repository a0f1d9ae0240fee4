using System.ComponentModel;
using System.Text;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Features.StateFiles.Contracts;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
/// <remarks>The agent can put anything in the file's place at any time. What is written to was checked after it was
/// opened, and is held open until the token is in it.</remarks>
internal sealed class ForgeTokenFile(StateFileOpener files) : IForgeTokenFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // As in StateFileWriter: it must show what it is before anything is done to it.
    private const int Flags =
        OpenFlags.WriteOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;
    private const int Attempts = 32;
    private const int MaxToken = 256;

    private static ReadOnlySpan<byte> Name => "forge-token\0"u8;

    public IForgeTokenSlot? Reserve(string agent)
    {
        var root = Encoding.UTF8.GetBytes($"agents/{agent}/state\0");
        var folder =
            files.OpenFolder(root)
            ?? throw Problem.Forbidden($"the state folder of {agent} is gone, or another thing stands in its place");
        SafeFileHandle? file = null;
        var (kept, made) = (false, false);
        try
        {
            // Whatever its mode: one that is there is the agent's.
            if (LinuxFile.KindIn(folder, Name, out var size) >= FileKind.PlainFile && size > 0)
                return null;
            file = Open(folder, agent, out made, out size);
            if (size > 0)
                return null;
            File.SetUnixFileMode(file, Private);
            LinuxFile.GiveToOwnerOf(folder, file);
            // It stays empty: what has a size is a token.
            if (LinuxFile.Reserve(file, MaxToken) is var error and not (0 or Errno.NotSupported or Errno.NoCall))
                throw new IOException(
                    $"/agents/{agent}/state/forge-token cannot be written: {new Win32Exception(error).Message}"
                );
            kept = true;
            return new Slot(folder, file, made);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        finally
        {
            if (!kept)
            {
                if (made)
                    LinuxFile.RemoveIn(folder, Name);
                file?.Dispose();
                folder.Dispose();
            }
        }
    }

    private static SafeFileHandle Open(SafeFileHandle folder, string agent, out bool made, out long size)
    {
        for (var attempt = 1; ; attempt++)
        {
            made = false;
            var file = LinuxFile.OpenIn(folder, Name, Flags | OpenFlags.NoFollow, out var error);
            if (error == Errno.Missing)
            {
                file = LinuxFile.OpenIn(folder, Name, Flags | OpenFlags.NoFollow | OpenFlags.CreateNew, out error);
                made = file is not null;
            }

            size = 0;
            if (file is not null && LinuxFile.KindOf(file, out size) >= FileKind.PlainFile)
                return file;
            file?.Dispose();
            if (file is not null || error is Errno.Symlinks or Errno.IsFolder or Errno.NoReader or Errno.NoDevice)
                throw Problem.Forbidden(
                    $"/agents/{agent}/state/forge-token is no regular file with one name; remove it, and a token is put there"
                );
            if (attempt == Attempts || error is not (Errno.Missing or Errno.Exists or Errno.Interrupted))
                throw new IOException(
                    $"/agents/{agent}/state/forge-token cannot be written: {new Win32Exception(error).Message}"
                );
        }
    }

    private sealed class Slot(SafeFileHandle folder, SafeFileHandle file, bool made) : IForgeTokenSlot
    {
        private bool filled;

        public void Fill(string token)
        {
            filled = true;
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(token + "\n"), 0);
            RandomAccess.FlushToDisk(file);
            LinuxFile.Flush(folder);
        }

        public void Dispose()
        {
            if (made && !filled)
                LinuxFile.RemoveIn(folder, Name);
            file.Dispose();
            folder.Dispose();
        }
    }
}
