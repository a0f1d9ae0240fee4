using System.Net.Sockets;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Opens the operator's socket, and says which of the three things is wrong when it does not open.</summary>
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
                $"you lack the right to open {socket}: use Hive as the user who runs it, or as a member of the group hive-admin (`sudo usermod -aG hive-admin $USER`, then log in again)",
                e
            );
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            throw new UnreachableException(
                $"Hive is down: {socket} is there, but nobody listens (its host ended without clearing up). Start it with: hive up",
                e
            );
        }
        catch (SocketException e)
        {
            // .NET reports ENOENT, and a folder in the path that is none, as AddressNotAvailable.
            var elsewhere =
                paths.RunDir != SystemWide && File.Exists($"{SystemWide}/host.sock")
                    ? $" This machine's own Hive is in {SystemWide}: say --run-dir {SystemWide} (HIVE_RUNDIR) to use it."
                    : "";
            throw new UnreachableException(
                File.Exists(socket)
                    ? $"cannot open {socket}: {e.Message}"
                    : $"Hive is not running: there is no {socket}. Start it with: hive up (or say where it runs with --run-dir).{elsewhere}",
                e
            );
        }
        catch (ArgumentException)
        {
            throw new UsageException(
                $"{socket} is longer than the {Limits.SocketPathBytes} bytes a socket's path may have; use a shorter --run-dir"
            );
        }
    }

    /// <summary>A connection that breaks in the middle means the host went away, not that it refused.</summary>
    public static async Task<T> Guard<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new UnreachableException(
                $"the host went away before it answered ({e.Message}); whether it did what you asked is not known: look with `hive status`",
                e
            );
        }
    }
}
