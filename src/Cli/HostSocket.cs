using System.Net.Sockets;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Connects to the operator's socket and says why a connection failed.</summary>
internal static class HostSocket
{
    private const string SystemWide = "/run/hive";

    public static async Task<LineClient> OpenAsync(HivePaths paths, CancellationToken ct)
    {
        var socket = paths.HostSocket;
        try
        {
            return await LineClient.ConnectAsync(socket, ct);
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
