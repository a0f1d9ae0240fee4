using System.Runtime.InteropServices;
using System.Text;
using Hive.Common.Linux;

namespace Hive.Features.Dashboard;

/// <summary>The operator's bearer token for scripts, and its file.</summary>
internal static class AccessToken
{
    /// <summary>The mode of its file: only the owner may read and write it.</summary>
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // A token has 43 characters; a file that is larger is not one.
    private const int MostBytes = 4096;

    /// <summary>The path of its file.</summary>
    public static string PathIn(string dataDir) => Path.Combine(dataDir, "access-token");

    /// <summary>The configured token, or the one in the file <c>access-token</c>, which the first start creates for its
    /// owner alone.</summary>
    /// <exception cref="UnauthorizedAccessException">The file is a link, is not a file, or cannot be read.</exception>
    public static string Find(string? configured, string dataDir) =>
        configured ?? Read(PathIn(dataDir)) ?? Create(dataDir);

    /// <summary>Replaces the file by one with a new token: it has the old one or the new one at any time.</summary>
    /// <returns>The new token.</returns>
    public static string Create(string dataDir)
    {
        var token = OperatorKeys.Secret(32);
        var next = PathIn(dataDir) + ".new";
        // A host that was killed here leaves this file behind. The name itself is removed, also when it is a link.
        File.Delete(next);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = Mode,
        };
        using (var file = new FileStream(next, options))
        {
            file.Write(Encoding.ASCII.GetBytes(token + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(next, PathIn(dataDir), overwrite: true);
        const int Flags = OpenFlags.ReadOnly | OpenFlags.CloseOnExec;
        using var folder = LinuxFile.Open(dataDir, Flags | OpenFlags.Folder, out _);
        try
        {
            if (folder is not null)
                RandomAccess.FlushToDisk(folder);
        }
        catch (IOException)
        {
            // The file has the new token already, so the caller must use it.
        }

        return token;
    }

    // Null when it is missing or empty.
    private static string? Read(string path)
    {
        const int Flags = OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.CloseOnExec;
        using var file = LinuxFile.Open(path, Flags | OpenFlags.NoFollow, out var error);
        if (file is null)
            return error == Errno.Missing ? null : throw Unusable(path, error);
        if (!LinuxFile.IsRegular(file))
            throw Unusable(path, 0);
        var bytes = new byte[MostBytes];
        var length = RandomAccess.Read(file, bytes, 0);
        return Encoding.UTF8.GetString(bytes, 0, length).Trim() is { Length: > 0 } token ? token : null;
    }

    private static UnauthorizedAccessException Unusable(string path, int error) =>
        new(
            $"The access token {path} cannot be read as a plain file"
                + $"{(error == 0 ? "" : $" ({Marshal.GetPInvokeErrorMessage(error)})")}; "
                + "remove it, and the next start creates another."
        );
}
