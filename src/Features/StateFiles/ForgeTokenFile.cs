using System.ComponentModel;
using System.Text;
using Hive.Common.Errors;
using Hive.Common.Linux;
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
            if (LinuxFile.KindIn(folder, Name, out var size) >= FileKind.PlainFile && size > 0)
                return null;
            file = Open(folder, agent, out made, out size);
            if (size > 0)
                return null;
            File.SetUnixFileMode(file, Private);
            LinuxFile.GiveToOwnerOf(folder, file);
            // The file stays empty, because a file with content counts as a token.
            if (LinuxFile.Reserve(file, MaxToken) is var error and not (0 or Errno.NotSupported or Errno.NoCall))
                throw CannotWrite(agent, error);
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

    private static SafeFileHandle Open(SafeFileHandle folder, string agent, out bool made, out long size) =>
        PlainFile.OpenOrCreate(folder, Name, out made, out size, out var error)
        ?? throw (
            error == 0
                ? (Exception)
                    Problem.Forbidden(
                        $"/agents/{agent}/state/forge-token is not a regular file with a single hard link; remove it "
                            + "to get a token"
                    )
                : CannotWrite(agent, error)
        );

    private static IOException CannotWrite(string agent, int error) =>
        new($"cannot write /agents/{agent}/state/forge-token: {new Win32Exception(error).Message}");

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
