using System.Globalization;
using System.Text;
using Hive.Common.Doctor;
using Hive.Common.Linux;
using Hive.Features.Dashboard;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Host.Doctor;

/// <summary>Checks the folders and files of this Hive: the host must be able to write them, and others must not read
/// private ones.</summary>
internal sealed class FoldersCheck(HivePaths paths, HiveOptions options, IServiceProvider services) : ICheck
{
    private const string Topic = "folders";
    private const int LongestName = 31;

    // Only a running host holds folders.
    private bool IsRunning => services.GetService<FolderLocks>() is not null;

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([
            Folder("data", paths.DataDir, HiveApp.DataMode, "--data-dir (HIVE_DATADIR)"),
            Folder("run", paths.RunDir, HiveApp.RunMode, "--run-dir (HIVE_RUNDIR)"),
            SocketPath(),
            HostSocket(),
            Token(),
        ]);

    /// <summary>A folder, or the nearest folder above it that exists.</summary>
    public static string NearestThatExists(string folder) =>
        Path.Exists(folder) || Path.GetDirectoryName(folder) is not { } above ? folder : NearestThatExists(above);

    private Finding Folder(string name, string path, UnixFileMode mode, string flag)
    {
        var there = NearestThatExists(path);
        if (!Directory.Exists(there))
            return new Finding(
                Topic,
                name,
                FindingState.Failed,
                $"{there} is not a folder",
                $"Choose another with {flag}, or move that file away."
            );
        if (LinuxPath.AccessFault(there, PathAccess.Write | PathAccess.Enter) is { } fault)
            return new Finding(
                Topic,
                name,
                FindingState.Failed,
                $"{there} cannot be written by {Environment.UserName}: {fault}",
                $"Choose another with {flag}, or give that user the right to write there."
            );
        if (there != path)
            return new Finding(
                Topic,
                name,
                FindingState.Absent,
                $"{path} does not exist yet; the first start creates it"
            );
        if (
            name == "run"
            && Path.TrimEndingDirectorySeparator(path) == Path.TrimEndingDirectorySeparator(paths.DataDir)
        )
            return new Finding(
                Topic,
                name,
                FindingState.Failed,
                $"{path} is also the data folder",
                $"Choose another with {flag}, such as {Path.Combine(path, "run")}."
            );
        if (!IsRunning && HolderOf(path) is { } pid)
            return new Finding(
                Topic,
                name,
                FindingState.Failed,
                $"another Hive (pid {pid}) uses {path}",
                $"Stop it, or choose another folder with {flag}."
            );
        return TooOpen(path, mode) is { } wrong
            ? new Finding(
                Topic,
                name,
                FindingState.Failed,
                $"{path} has mode {wrong}; other users have rights that only Hive should have",
                $"chmod {Octal(mode)} {path}"
            )
            : new Finding(Topic, name, FindingState.Ok, path);
    }

    private Finding SocketPath()
    {
        const string Name = "socket paths";
        const string Advice = "Choose a shorter run folder with --run-dir (HIVE_RUNDIR).";
        var room = Limits.SocketPathBytes - Encoding.UTF8.GetByteCount(paths.AgentSocket(""));
        return room < 1
                ? new Finding(
                    Topic,
                    Name,
                    FindingState.Failed,
                    $"{paths.RunDir} is too long: a socket's path may have {Limits.SocketPathBytes} bytes",
                    Advice
                )
            : room < "manager".Length
                ? new Finding(
                    Topic,
                    Name,
                    FindingState.Failed,
                    $"{paths.RunDir} leaves {room} bytes for an agent's name; 'manager' needs {"manager".Length}",
                    Advice
                )
            : room < LongestName
                ? new Finding(
                    Topic,
                    Name,
                    FindingState.Ok,
                    $"names of agents may have {room} characters here, {LongestName} elsewhere",
                    Advice
                )
            : new Finding(Topic, Name, FindingState.Ok, "short enough for every agent's name");
    }

    private Finding HostSocket()
    {
        const string Name = "host socket";
        var path = paths.HostSocket;
        if (!File.Exists(path))
        {
            return IsRunning
                ? new Finding(
                    Topic,
                    Name,
                    FindingState.Failed,
                    $"{path} has been removed, so no command reaches this host",
                    "Start Hive again; agents keep running."
                )
                : new Finding(Topic, Name, FindingState.Absent, "exists while a host runs");
        }

        var mode = HiveApp.HostSocketMode(out _);
        return TooOpen(path, mode) is { } wrong
            ? new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"{path} has mode {wrong}; everybody who may open it is the operator",
                $"chmod {Octal(mode)} {path}"
            )
            : new Finding(Topic, Name, FindingState.Ok, $"{path}, mode {Octal(File.GetUnixFileMode(path))}");
    }

    private Finding Token()
    {
        const string Name = "access token";
        if (options.Token is not null)
            return new Finding(Topic, Name, FindingState.Ok, "as configured");
        var path = AccessToken.PathIn(paths.DataDir);
        if (!File.Exists(path))
            return new Finding(
                Topic,
                Name,
                FindingState.Absent,
                $"{path} does not exist yet; the next start creates it"
            );
        if (TooOpen(path, AccessToken.Mode) is { } wrong)
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"{path} has mode {wrong}; everybody who can read it is the operator",
                $"chmod {Octal(AccessToken.Mode)} {path}; if somebody may have read it, "
                    + "delete it and start Hive again to get a new one"
            );
        return LinuxPath.AccessFault(path, PathAccess.Read) is null
            ? new Finding(Topic, Name, FindingState.Ok, path)
            : new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"{path} cannot be read by {Environment.UserName}",
                "Run Hive as the user who owns it, or delete it and Hive creates another."
            );
    }

    // A path's mode in octal if it allows more than the given one; null otherwise.
    private static string? TooOpen(string path, UnixFileMode mode) =>
        File.GetUnixFileMode(path) is var found && (found & ~mode) != 0 ? Octal(found) : null;

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');

    // After a kill the number stays in the file, and another process may have it by now.
    private static int? HolderOf(string folder)
    {
        try
        {
            return
                int.TryParse(
                    File.ReadAllText(Path.Combine(folder, "hive.pid")),
                    CultureInfo.InvariantCulture,
                    out var pid
                ) && File.ReadAllText($"/proc/{pid}/comm").StartsWith("hive-host", StringComparison.Ordinal)
                ? pid
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
