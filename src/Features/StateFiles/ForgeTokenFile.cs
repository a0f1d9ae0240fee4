using System.ComponentModel;
using System.Text;
using Hive.Common.Errors;
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
        Native.OpenWriteOnly | Native.OpenNonBlocking | Native.OpenCloseOnExec | Native.OpenNoControllingTerminal;
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
            if (Native.KindIn(folder, Name, out var size) >= FileKind.PlainFile && size > 0)
                return null;
            file = Open(folder, agent, out made, out size);
            if (size > 0)
                return null;
            File.SetUnixFileMode(file, Private);
            Native.GiveToOwnerOf(folder, file);
            // It stays empty: what has a size is a token.
            if (
                Native.Reserve(file, MaxToken)
                is var error
                    and not (0 or Native.ErrorNotSupported or Native.ErrorNoCall)
            )
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
                    Native.RemoveIn(folder, Name);
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
            var file = Native.OpenIn(folder, Name, Flags | Native.OpenNoFollow, out var error);
            if (error == Native.ErrorMissing)
            {
                file = Native.OpenIn(folder, Name, Flags | Native.OpenNoFollow | Native.OpenCreateNew, out error);
                made = file is not null;
            }

            size = 0;
            if (file is not null && Native.KindOf(file, out size) >= FileKind.PlainFile)
                return file;
            file?.Dispose();
            if (
                file is not null
                || error is Native.ErrorSymlinks or Native.ErrorIsFolder or Native.ErrorNoReader or Native.ErrorNoDevice
            )
                throw Problem.Forbidden(
                    $"/agents/{agent}/state/forge-token is no regular file with one name; remove it, and a token is put there"
                );
            if (
                attempt == Attempts
                || error is not (Native.ErrorMissing or Native.ErrorExists or Native.ErrorInterrupted)
            )
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
            Native.Flush(folder);
        }

        public void Dispose()
        {
            if (made && !filled)
                Native.RemoveIn(folder, Name);
            file.Dispose();
            folder.Dispose();
        }
    }
}
