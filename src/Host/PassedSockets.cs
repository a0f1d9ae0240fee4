using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hive.Common.Linux;

namespace Hive.Host;

/// <summary>Takes the listening sockets that systemd passes to a service (sd_listen_fds(3)): its port stays bound while
/// the service restarts, and connections wait.</summary>
internal static class PassedSockets
{
    private const string Count = "LISTEN_FDS",
        Process = "LISTEN_PID",
        Names = "LISTEN_FDNAMES";

    // SD_LISTEN_FDS_START of sd-daemon.h.
    private const int First = 3;

    // A unit has one for each address.
    private const int Most = 64;

    /// <summary>Takes the sockets, which no program that Hive starts inherits; none without systemd, and none that were
    /// passed to another process.</summary>
    /// <exception cref="StartupProblem">A descriptor is not a listening TCP socket.</exception>
    public static IReadOnlyList<Socket> Take()
    {
        var (count, process) = (Environment.GetEnvironmentVariable(Count), Environment.GetEnvironmentVariable(Process));
        foreach (var name in (string[])[Count, Process, Names, "LISTEN_PIDFDID"])
            Environment.SetEnvironmentVariable(name, null);
        if (count is null || process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            return [];
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var passed) || passed > Most)
            throw new StartupProblem(
                $"{Count} is '{count}' and must be a number of sockets up to {Most}; leave it to systemd, or unset it"
            );
        return [.. Enumerable.Range(First, passed).Select(SocketAt)];
    }

    private static Socket SocketAt(int descriptor)
    {
        if (!LinuxFile.CloseOnExecute(descriptor))
            throw Unusable(descriptor, "is not open");
        Socket socket;
        try
        {
            socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        }
        catch (SocketException)
        {
            throw Unusable(descriptor, "is not a socket");
        }

        // SO_ACCEPTCONN of socket(7).
        Span<byte> listens = stackalloc byte[sizeof(int)];
        const int SocketLevel = 1;
        const int AcceptsConnections = 30;
        socket.GetRawSocketOption(SocketLevel, AcceptsConnections, listens);
        return socket.SocketType == SocketType.Stream && socket.LocalEndPoint is IPEndPoint && listens[0] == 1
            ? socket
            : throw Unusable(descriptor, "is not a listening TCP socket");
    }

    private static StartupProblem Unusable(int descriptor, string what) =>
        new(
            $"the descriptor {descriptor} that systemd passed {what}; give Hive's socket unit only ListenStream= with "
                + "the address in --urls (HIVE_URLS), as in docs/systemd/hive.socket"
        );
}
