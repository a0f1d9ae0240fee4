using System.Net;
using System.Net.Sockets;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>Listens on the agent's own loopback and passes each connection on to the host's outbound proxy, because
/// programs take the address of a proxy but not the path of a socket. It decides nothing; the proxy does.</summary>
internal sealed class ProxyForward : IDisposable
{
    private const int BufferBytes = 16 << 10;

    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly string path;
    private readonly Log log;

    private ProxyForward(string path, Log log) => (this.path, this.log) = (path, log);

    /// <summary>Begins to listen where the host has opened a proxy for this agent; null where it has not.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static ProxyForward? Begin(Log log)
    {
        if (Environment.GetEnvironmentVariable(EgressProxyAddress.Variable) is not { Length: > 0 } path)
            return null;
        var forward = new ProxyForward(path, log);
        try
        {
            forward.listener.Bind(new IPEndPoint(IPAddress.Loopback, EgressProxyAddress.Port));
            forward.listener.Listen();
        }
        catch (SocketException e)
        {
            forward.Dispose();
            throw new IOException(
                $"cannot listen on port {EgressProxyAddress.Port} for the outbound proxy: {e.Message}"
            );
        }

        _ = forward.Accept();
        return forward;
    }

    public void Dispose() => listener.Dispose();

    private async Task Accept()
    {
        while (true)
        {
            try
            {
                _ = Pass(await listener.AcceptAsync());
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                log.Warn($"outbound proxy: {e.Message}");
                // Out of descriptors: connections that end give some back.
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    private async Task Pass(Socket near)
    {
        await Task.Yield();
        using (near)
        using (var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            try
            {
                await far.ConnectAsync(new UnixDomainSocketEndPoint(path));
                var there = Copy(near, far);
                await Copy(far, near);
                // The proxy has ended the connection, so nothing more can be sent to it.
                near.Shutdown(SocketShutdown.Both);
                await there;
            }
            catch (SocketException)
            {
                // One side has gone, or no host runs: the program sees the end of its connection.
            }
        }
    }

    private static async Task Copy(Socket from, Socket to)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                for (var rest = buffer.AsMemory(0, count); rest.Length > 0; )
                    rest = rest[await to.SendAsync(rest)..];
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The other side must not wait for more.
            Shut(to);
            Shut(from);
        }
    }

    private static void Shut(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It has disconnected already.
        }
    }
}
