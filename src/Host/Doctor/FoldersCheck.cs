using System.Globalization;
using System.Text;
using Hive.Common.Doctor;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Host.Doctor;

/// <summary>The folders and files of this Hive: whether the host may write them, and whether others may read what is
/// not for them.</summary>
internal sealed class FoldersCheck(HivePaths paths, HiveOptions options, IServiceProvider services) : ICheck
{
    private const string Topic = "folders";
    private const int LongestName = 31;

    // Only a host has them.
    private bool IsRunning => services.GetService<FolderLocks>() is not null;

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([
            Folder("data", paths.DataDir, HiveApp.DataMode, "--data-dir (HIVE_DATADIR)"),
            Folder("run", paths.RunDir, HiveApp.RunMode, "--run-dir (HIVE_RUNDIR)"),
            SocketPath(),
            HostSocket(),
            Token(),
        ]);

    /// <summary>A folder, or the nearest one above it that is there.</summary>
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
                $"{there} is no folder",
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
            return new Finding(Topic, name, FindingState.Absent, $"{path} is not there yet; the first start makes it");
        if (
            name == "run"
            && Path.TrimEndingDirectorySeparator(path) == Path.TrimEndingDirectorySeparator(paths.DataDir)
        )
            return new Finding(
                Topic,
                name,
                FindingState.Failed,
                $"{path} is the data folder too",
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
                $"{path} has the mode {wrong}: others may do there what only Hive should",
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
                    $"{paths.RunDir} leaves room for {room} bytes of an agent's name, and the manager's has {"manager".Length}",
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
                    "Start Hive again; agents keep running meanwhile."
                )
                : new Finding(Topic, Name, FindingState.Absent, "there while a host runs");
        }

        var mode = HiveApp.HostSocketMode(out _);
        return TooOpen(path, mode) is { } wrong
            ? new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"{path} has the mode {wrong}: who may open it is the operator",
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
            return new Finding(Topic, Name, FindingState.Absent, $"{path} is not there yet; the next start makes it");
        if (TooOpen(path, AccessToken.Mode) is { } wrong)
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"{path} has the mode {wrong}: who reads it is the operator",
                $"chmod {Octal(AccessToken.Mode)} {path}; if somebody may have read it, delete it and start Hive again, which makes another"
            );
        return LinuxPath.AccessFault(path, PathAccess.Read) is null
            ? new Finding(Topic, Name, FindingState.Ok, path)
            : new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"{path} cannot be read by {Environment.UserName}",
                "Run Hive as the user who owns it, or delete it and Hive makes another."
            );
    }

    // What is open beyond a mode, as the octal number it has; null when nothing is.
    private static string? TooOpen(string path, UnixFileMode mode) =>
        File.GetUnixFileMode(path) is var found && (found & ~mode) != 0 ? Octal(found) : null;

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');

    // The number stays in the file when a host is killed; then it may be anybody's.
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
