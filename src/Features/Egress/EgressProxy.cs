using System.Net.Sockets;
using System.Text;
using Hive.Common.Doors;
using Hive.Features.Egress.Contracts;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hive.Features.Egress;

/// <summary>The outbound proxy of one agent: a server on a unix socket that only the agent's container sees.</summary>
internal sealed class EgressProxy : IAsyncDisposable
{
    /// <summary>The most connections at a time; further ones are closed. A package manager uses about 50.</summary>
    public const int MaxConnections = 128;

    private const long MaxBufferedBytes = 64 << 10;

    private readonly string path;
    private readonly Share share;
    private readonly TimeProvider clock;
    private readonly CancellationTokenSource closed = new();
    private readonly EgressForward forward;
    private readonly KestrelServer server;

    public EgressProxy(string path, EgressConnector connector, Share share, TimeProvider clock, ILoggerFactory logs)
    {
        (this.path, this.share, this.clock) = (path, share, clock);
        forward = new EgressForward(connector, Turn, clock, closed.Token);
        var tunnel = new EgressTunnel(connector, clock, closed.Token);
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = MaxConnections;
        options.Limits.MaxRequestHeadersTotalSize = 32 << 10;
        options.Limits.MaxRequestBufferSize = MaxBufferedBytes;
        options.Limits.MaxResponseBufferSize = MaxBufferedBytes;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        // Uploads of any size; a slow one is ended by the default rate.
        options.Limits.MaxRequestBodySize = null;
        options.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        options.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        options.ListenUnixSocket(
            path,
            listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next =>
                    async connection =>
                    {
                        await Turn();
                        await tunnel.Run(connection, next);
                    }
                );
            }
        );
        server = new KestrelServer(
            Options.Create(options),
            new AcceptingInTurn(Options.Create(new SocketTransportOptions { CreateBoundListenSocket = Bind }), logs),
            logs
        );
    }

    // Connections, and requests on one that stays open, wait until the proxy's share has room. They are not refused,
    // because programs take a refusal of a proxy for one of the host.
    private Task Turn() =>
        share.TakeConnection() is { Ticks: > 0 } pause ? Task.Delay(pause, clock, closed.Token) : Task.CompletedTask;

    /// <summary>Begins to listen.</summary>
    /// <exception cref="IOException">The socket cannot be created.</exception>
    public Task Start() => server.StartAsync(forward, CancellationToken.None);

    /// <summary>Closes the socket and all of its connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await closed.CancelAsync();
        // A request that is still served is aborted.
        await server.StopAsync(closed.Token);
        server.Dispose();
        forward.Dispose();
        closed.Dispose();
        File.Delete(path);
    }

    // The mode holds from the first connection on, since nobody can connect before the server listens.
    private static Socket Bind(System.Net.EndPoint endpoint)
    {
        File.Delete(endpoint.ToString()!);
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        File.SetUnixFileMode(endpoint.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return socket;
    }
}
