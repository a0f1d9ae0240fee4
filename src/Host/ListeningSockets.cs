using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Hive.Host;

/// <summary>
/// Listens at the dashboard's addresses before anything else starts, and hands the sockets to the server, which starts
/// last: a host whose port is taken has not started any agent. Earlier connections wait.
/// </summary>
internal sealed class ListeningSockets : IDisposable
{
    private const int Backlog = 512;

    private readonly List<(EndPoint Asked, Socket Socket)> listening = [];

    // Those of systemd that no address has asked for yet.
    private readonly List<Socket> passed = [];
    private bool fromSystemd;

    // One that systemd should have passed.
    private IPEndPoint? missing;

    /// <summary>Listens at the addresses that are plain HTTP, on the sockets that systemd has passed where there are
    /// such; the server handles others.</summary>
    /// <exception cref="StartupProblem">An address is taken or unavailable; or systemd passed another one, or some of
    /// them but not all.</exception>
    public void Listen(string urls)
    {
        passed.AddRange(PassedSockets.Take());
        fromSystemd = passed.Count > 0;
        foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var address = BindingAddress.Parse(url);
            if (address.Scheme != Uri.UriSchemeHttp || address.IsUnixPipe || address.IsNamedPipe)
                continue;
            try
            {
                Listen(address);
            }
            catch (SocketException e)
            {
                var taken = e.SocketErrorCode == SocketError.AddressAlreadyInUse;
                throw new StartupProblem(
                    $"the dashboard cannot listen at {url}: {(taken ? "another program listens there" : e.Message)}. "
                        + "Choose another with --urls (HIVE_URLS), such as --urls http://127.0.0.1:7001",
                    e
                );
            }
        }

        if (passed is [var other, ..])
            throw new StartupProblem(
                $"systemd has passed a socket at {other.LocalEndPoint}, and --urls (HIVE_URLS) is '{urls}'; "
                    + "give ListenStream= in the socket unit and --urls the same address"
            );
        if (missing is not null)
            throw new StartupProblem(
                $"--urls (HIVE_URLS) is '{urls}', and systemd has passed no socket at {missing}, which would be free "
                    + "while Hive restarts; name addresses in --urls, not localhost, and give the socket unit a "
                    + "ListenStream= for each"
            );
    }

    /// <summary>The socket that listens at an address, or a new one.</summary>
    public Socket Take(EndPoint asked)
    {
        var found = listening.FindIndex(l => l.Asked.Equals(asked));
        if (found < 0)
            return SocketTransportOptions.CreateDefaultBoundListenSocket(asked);
        var socket = listening[found].Socket;
        listening.RemoveAt(found);
        return socket;
    }

    public void Dispose()
    {
        foreach (var (_, socket) in listening)
            socket.Dispose();
        listening.Clear();
        foreach (var socket in passed)
            socket.Dispose();
        passed.Clear();
    }

    // The endpoints that Kestrel derives from an address.
    private void Listen(BindingAddress address)
    {
        if (IPAddress.TryParse(address.Host, out var ip))
        {
            ListenAt(new IPEndPoint(ip, address.Port));
        }
        else if (!address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            if (!Tried(new IPEndPoint(IPAddress.IPv6Any, address.Port)))
                ListenAt(new IPEndPoint(IPAddress.Any, address.Port));
        }
        else if (address.Port == 0)
        {
            throw new StartupProblem(
                "the dashboard cannot listen at any free port of localhost; "
                    + "name the port, or the address: --urls http://127.0.0.1:0"
            );
        }
        else if (!Tried(new IPEndPoint(IPAddress.IPv6Loopback, address.Port)))
        {
            ListenAt(new IPEndPoint(IPAddress.Loopback, address.Port));
        }
        else
        {
            _ = Tried(new IPEndPoint(IPAddress.Loopback, address.Port));
        }
    }

    // False where the machine lacks that kind of address.
    private bool Tried(IPEndPoint endpoint)
    {
        try
        {
            ListenAt(endpoint);
            return true;
        }
        catch (SocketException e)
            when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            return false;
        }
    }

    private void ListenAt(IPEndPoint endpoint)
    {
        if (passed.Find(s => endpoint.Equals(s.LocalEndPoint)) is { } given)
        {
            passed.Remove(given);
            listening.Add((endpoint, given));
            return;
        }

        Socket socket;
        try
        {
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            missing ??= fromSystemd ? endpoint : null;
        }
        catch (SocketException e) when (fromSystemd && e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            missing ??= endpoint;
            return;
        }

        listening.Add((endpoint, socket));
        // Bound without listening, it would not stop another program from listening.
        socket.Listen(Backlog);
    }
}
