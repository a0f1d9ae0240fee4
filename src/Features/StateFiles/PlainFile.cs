using Hive.Common.Linux;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>Opens files for writing in folders whose agent can replace anything at any time.</summary>
internal static class PlainFile
{
    // Opening must neither truncate a file nor wait for a FIFO's reader, because its kind is checked afterwards.
    private const int Flags =
        OpenFlags.WriteOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal;

    // How often the file may appear or disappear between two calls before opening it fails.
    private const int Attempts = 32;

    /// <summary>Opens a regular file with a single hard link for writing, or creates it, without following a
    /// link.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The file's name, in UTF-8, ending in a zero.</param>
    /// <param name="created">True when the file was created.</param>
    /// <param name="size">The size of the file.</param>
    /// <param name="error">The error number when the file cannot be opened; 0 when it exists and is not a regular file
    /// with a single hard link.</param>
    /// <returns>The file; null when it cannot be opened.</returns>
    public static SafeFileHandle? OpenOrCreate(
        SafeFileHandle folder,
        ReadOnlySpan<byte> name,
        out bool created,
        out long size,
        out int error
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            (created, size) = (false, 0);
            var file = LinuxFile.OpenIn(folder, name, Flags | OpenFlags.NoFollow, out error);
            if (error == Errno.Missing)
            {
                file = LinuxFile.OpenIn(folder, name, Flags | OpenFlags.NoFollow | OpenFlags.CreateNew, out error);
                created = file is not null;
            }

            if (file is not null && LinuxFile.KindOf(file, out size) >= FileKind.PlainFile)
                return file;
            file?.Dispose();
            if (file is not null || error is Errno.Symlinks or Errno.IsFolder or Errno.NoReader or Errno.NoDevice)
            {
                error = 0;
                return null;
            }

            if (attempt == Attempts || error is not (Errno.Missing or Errno.Exists or Errno.Interrupted))
                return null;
        }
    }
}
