using System.ComponentModel;
using System.Text;
using Hive.Common.Errors;
using Hive.Features.StateFiles.Contracts;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
/// <remarks>
/// The agent can replace the file with anything at any time. The file is checked after it was opened, and held open
/// until the token is written.
/// </remarks>
internal sealed class ForgeTokenFile(StateFileOpener files) : IForgeTokenFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // As in StateFileWriter: opening must neither truncate the file nor block, before its kind is checked.
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
            ?? throw Problem.Forbidden($"the state folder of {agent} is missing or is not a folder");
        SafeFileHandle? file = null;
        var (kept, made) = (false, false);
        try
        {
            // A token that exists is the agent's own, whatever the file's mode.
            if (Native.KindIn(folder, Name, out var size) >= FileKind.PlainFile && size > 0)
                return null;
            file = Open(folder, agent, out made, out size);
            if (size > 0)
                return null;
            File.SetUnixFileMode(file, Private);
            Native.GiveToOwnerOf(folder, file);
            // The file stays empty, because a file with content counts as a token.
            if (
                Native.Reserve(file, MaxToken)
                is var error
                    and not (0 or Native.ErrorNotSupported or Native.ErrorNoCall)
            )
                throw new IOException(
                    $"cannot write /agents/{agent}/state/forge-token: {new Win32Exception(error).Message}"
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
                    $"/agents/{agent}/state/forge-token is not a regular file with a single hard link; remove it "
                        + "to get a token"
                );
            if (
                attempt == Attempts
                || error is not (Native.ErrorMissing or Native.ErrorExists or Native.ErrorInterrupted)
            )
                throw new IOException(
                    $"cannot write /agents/{agent}/state/forge-token: {new Win32Exception(error).Message}"
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
