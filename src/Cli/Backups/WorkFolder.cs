using System.Text.RegularExpressions;

namespace Hive.Cli.Backups;

/// <summary>A hidden folder beside a file, in which the file is made; it is removed with all it holds. That of a
/// command that was killed is removed by one in the same place an hour later.</summary>
internal sealed partial class WorkFolder : IDisposable
{
    private const string LockName = "lock";

    // A new folder has no lock yet, and on some network disks locks hold nobody; a command writes all the time.
    private static readonly TimeSpan Age = TimeSpan.FromHours(1);
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // FileShare.None takes flock(2), which ends with the process.
    private readonly FileStream held;

    private WorkFolder(string path)
    {
        Path = path;
        Directory.CreateDirectory(path, Own);
        try
        {
            held = new FileStream(LockIn(path), FileMode.CreateNew, FileAccess.Write, FileShare.None);
        }
        catch
        {
            // Without its lock nobody would know that it is left.
            Directory.Delete(path, recursive: true);
            throw;
        }
    }

    /// <summary>An absolute path.</summary>
    public string Path { get; }

    /// <exception cref="IOException">The folder of the file is missing, full or cannot be written.</exception>
    public static WorkFolder Beside(string file)
    {
        var folder = System.IO.Path.GetDirectoryName(file)!;
        return Directory.Exists(folder)
            ? new WorkFolder(
                System.IO.Path.Combine(
                    folder,
                    $".{System.IO.Path.GetFileName(file)}.{Guid.NewGuid().ToString("N")[..8]}.part"
                )
            )
            : throw new DirectoryNotFoundException($"{folder} does not exist");
    }

    /// <summary>Removes those that killed commands of this user have left in a folder.</summary>
    public static void RemoveLeft(string folder)
    {
        try
        {
            foreach (var left in Directory.EnumerateDirectories(folder, ".*.part").Where(IsLeft).ToArray())
                Directory.Delete(left, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next command tries it again; that the folder cannot be used is told where the file is created.
        }
    }

    public void Dispose()
    {
        held.Dispose();
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }

    private static bool IsLeft(string path)
    {
        const int KindMask = 0xF000;
        const int Folder = 0x4000;
        if (
            !Name().IsMatch(System.IO.Path.GetFileName(path))
            || Native.Status(path, followsLink: false) is not { } found
            || (found.Mode & KindMask) != Folder
            || found.Owner != Native.UserId()
        )
            return false;
        try
        {
            if (LastWrite(path) > DateTime.UtcNow - Age)
                return false;
            if (!File.Exists(LockIn(path)))
                return true;
            using var free = new FileStream(LockIn(path), FileMode.Open, FileAccess.Write, FileShare.None);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another command works in it, or has just removed it.
            return false;
        }
    }

    private static DateTime LastWrite(string path) =>
        new DirectoryInfo(path)
            .EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .Append(new DirectoryInfo(path))
            .Max(entry => entry.LastWriteTimeUtc);

    private static string LockIn(string path) => System.IO.Path.Combine(path, LockName);

    [GeneratedRegex(@"^\..+\.[0-9a-f]{8}\.part$", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
