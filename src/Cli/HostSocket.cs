using System.Net.Sockets;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Connects to the operator's socket and says why a connection failed. Texts of the operator go to a host of
/// this user's or root's own only: anybody could listen at a socket in a folder that others can write.</summary>
internal static class HostSocket
{
    private const string SystemWide = "/run/hive";

    public static async Task<LineClient> OpenAsync(HivePaths paths, CancellationToken ct)
    {
        var socket = paths.HostSocket;
        if (FaultOf(paths.RunDir) is { } fault)
            throw NotTrusted(fault);
        try
        {
            var host = await LineClient.ConnectAsync(socket, ct);
            // The path could be exchanged after the check; the peer cannot.
            var peer = host.PeerUser();
            if (IsTrusted(peer))
                return host;
            host.Dispose();
            throw NotTrusted($"a program of another user (uid {peer}) listens at {socket}");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new UnreachableException(
                $"permission denied: {socket}; run this as the user who runs Hive, or as a member of the group "
                    + "hive-admin (`sudo usermod -aG hive-admin $USER`, then log in again)",
                e
            );
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            throw new UnreachableException(
                $"Hive is down: nobody listens at {socket}, which an earlier host left behind; start it with: hive up",
                e
            );
        }
        catch (SocketException e)
        {
            // .NET reports ENOENT and ENOTDIR as AddressNotAvailable.
            throw new UnreachableException(
                File.Exists(socket) ? $"cannot open {socket}: {e.Message}" : NotRunning(paths),
                e
            );
        }
        catch (ArgumentException)
        {
            throw new UsageException(
                $"the socket path {socket} is too long; a socket path has at most {Limits.SocketPathBytes} bytes; "
                    + "use a shorter --run-dir"
            );
        }
    }

    /// <summary>Runs a call; a connection that breaks means that the host went away, not that it refused.</summary>
    public static async Task<T> Guard<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new UnreachableException(
                $"the host closed the connection before it answered ({e.Message}); it is unknown whether the request "
                    + "was carried out; check with: hive status",
                e
            );
        }
    }

    // Null when only this user or root can have put the socket there, and when it is missing.
    private static string? FaultOf(string runDir)
    {
        const int OthersWrite = 0x12;
        const int KindMask = 0xF000;
        const int Link = 0xA000;
        const int Socket = 0xC000;
        if (Native.Status(runDir, followsLink: true) is not { } folder)
            return null;
        if (!IsTrusted(folder.Owner))
            return $"the run folder {runDir} belongs to another user (uid {folder.Owner})";
        if (Native.Status(Path.Combine(runDir, "host.sock"), followsLink: false) is not { } socket)
            return null;
        var path = Path.Combine(runDir, "host.sock");
        return (folder.Mode & OthersWrite) != 0 ? $"others can write to the run folder {runDir}"
            : (socket.Mode & KindMask) == Link ? $"{path} is a symbolic link to {new FileInfo(path).LinkTarget}"
            : (socket.Mode & KindMask) != Socket ? $"{path} is not a socket"
            : !IsTrusted(socket.Owner) ? $"{path} belongs to another user (uid {socket.Owner})"
            : null;
    }

    private static bool IsTrusted(uint user) => user == 0 || user == Native.UserId();

    private static UnreachableException NotTrusted(string fault) =>
        new(
            $"{fault}, so somebody else could read what you send and answer in place of Hive; nothing was sent. Name "
                + "the run folder of your own Hive with --run-dir (HIVE_RUNDIR), or run this as the user who runs "
                + "Hive: sudo -u USER hive …"
        );

    private static string NotRunning(HivePaths paths)
    {
        var elsewhere =
            paths.RunDir != SystemWide && File.Exists($"{SystemWide}/host.sock")
                ? $"; this machine's own Hive runs in {SystemWide}: add --run-dir {SystemWide}"
                : "";
        return $"Hive is not running: {paths.HostSocket} not found; start it with: hive up, or name its run folder "
            + $"with --run-dir (HIVE_RUNDIR){elsewhere}";
    }
}
