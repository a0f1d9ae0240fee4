using System.Diagnostics;
using System.Globalization;
using Hive.Common.Linux;

namespace Hive.Host;

/// <summary>Locks a folder for this host alone. The kernel releases the lock when the process ends, however it
/// ends.</summary>
internal sealed class FolderLock : IDisposable
{
    // A child process that a killed host had just forked keeps the lock until it executes its program.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly FileStream held;

    private FolderLock(FileStream held) => this.held = held;

    /// <summary>Locks the folder, and creates it when missing.</summary>
    /// <param name="folder">An absolute path.</param>
    /// <param name="mode">The mode of a new folder.</param>
    /// <param name="flag">The flag that chooses another folder, for the message.</param>
    /// <exception cref="StartupProblem">Another host holds the folder, it cannot be written, or others can write to
    /// it.</exception>
    public static async Task<FolderLock> Take(string folder, UnixFileMode mode, string flag)
    {
        var pidFile = Path.Combine(folder, "hive.pid");
        try
        {
            LinuxPath.CreateFolder(folder, mode);
            if (FolderOwner.Fault(folder) is { } fault)
                throw new StartupProblem($"{fault}. Or choose another folder with {flag}");
            // An existing folder loses rights beyond the mode: messages are for its owner alone.
            if (File.GetUnixFileMode(folder) is var found && (found & mode) != found)
                File.SetUnixFileMode(folder, found & mode);
            var lockFile = Path.Combine(folder, "hive.lock");
            FolderContents.CheckLock(folder);
            var held = await Open(lockFile, pidFile);
            File.WriteAllText(pidFile, Own);
            return new FolderLock(held);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && !File.Exists(pidFile)))
        {
            throw new StartupProblem(
                $"the folder {folder} cannot be written ({e.Message}); choose another with {flag}",
                e
            );
        }
        catch (IOException e)
        {
            throw new StartupProblem(
                HolderOf(pidFile) is { } holder
                    ? $"another Hive (pid {holder}) uses {folder}; stop it, or choose another folder with {flag}"
                    : $"the folder {folder} cannot be used ({e.Message}); choose another with {flag}",
                e
            );
        }
    }

    public void Dispose() => held.Dispose();

    // FileShare.None takes flock(2) on the file.
    private static async Task<FileStream> Open(string file, string pidFile)
    {
        for (var since = Stopwatch.GetTimestamp(); ; await Task.Delay(Pause))
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
                when (File.Exists(pidFile)
                    && (HolderOf(pidFile) is not { } pid || pid == Own)
                    && Stopwatch.GetElapsedTime(since) < Patience
                )
            {
                // The host that held it has ended.
            }
        }
    }

    private static string Own => Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    private static string? HolderOf(string pidFile)
    {
        try
        {
            return File.ReadAllText(pidFile).Trim() is { Length: > 0 } pid && Directory.Exists($"/proc/{pid}")
                ? pid
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
