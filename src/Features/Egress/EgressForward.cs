using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Features.Egress.Contracts;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hive.Features.Egress;

/// <summary>Serves plain HTTP requests for an absolute URL. Kestrel has read each one whole, and HttpClient writes
/// another one of the same content, so that what one side takes for a request is not something else for the
/// other.</summary>
internal sealed partial class EgressForward : IHttpApplication<HttpContext>, IDisposable
{
    // Of RFC 9110, 7.6.1; and those that the two sides set themselves.
    private static readonly HashSet<string> OfOneConnection = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection",
        "Expect",
        "Host",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    };

    private readonly EgressConnector connector;
    private readonly Func<Task> turn;
    private readonly TimeProvider clock;
    private readonly CancellationToken closed;
    private readonly HttpMessageInvoker client;

    /// <param name="connector">Connects to the hosts.</param>
    /// <param name="turn">Waits for the agent's share of the host, before each request.</param>
    /// <param name="clock">Measures the limits of time.</param>
    /// <param name="closed">Ends all requests.</param>
    public EgressForward(EgressConnector connector, Func<Task> turn, TimeProvider clock, CancellationToken closed)
    {
        (this.connector, this.turn, this.clock, this.closed) = (connector, turn, clock, closed);
        client = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                ActivityHeadersPropagator = null,
                // Each request has a connection of its own: its host is looked up and checked, and none is left over.
                PooledConnectionLifetime = TimeSpan.Zero,
                RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
                ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
                ConnectCallback = Connect,
            }
        );
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception) { }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        try
        {
            await turn();
            await Forward(context);
        }
        catch (Exception e) when (FaultIn(e) is { } fault && !context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.StatusCode = fault.Status;
            context.Response.Headers.Connection = "close";
            await context.Response.WriteAsync($"{fault.Message}\n");
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // The program must not take half an answer for a whole one.
            context.Abort();
        }
    }

    public void Dispose() => client.Dispose();

    private async Task Forward(HttpContext context)
    {
        var target = TargetOf(context);
        using var timer = clock.CreateTimer(_ => context.Abort(), null, EgressTunnel.Idle, Timeout.InfiniteTimeSpan);
        void Moved() => timer.Change(EgressTunnel.Idle, Timeout.InfiniteTimeSpan);
        using var request = RequestFor(context, target, Moved);
        using var response = await client.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        var close = ListedIn(response.Headers.Connection);
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            if (!OfOneConnection.Contains(name) && !close.Contains(name))
                context.Response.Headers[name] = values.ToArray();
        }

        await using var content = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        // Events of a stream are passed on as they come.
        while (
            await content.ReadAsync(context.Response.BodyWriter.GetMemory(4096), context.RequestAborted)
                is > 0
                    and var count
        )
        {
            context.Response.BodyWriter.Advance(count);
            Moved();
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }
    }

    // The host that is checked is the one in the URL that is sent on.
    private Uri TargetOf(HttpContext context)
    {
        var match = Target().Match(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        if (!match.Success || HttpMethods.IsConnect(context.Request.Method))
            throw EgressException.Malformed(
                "this is a proxy; ask for a URL such as http://example.org/, or for a tunnel with CONNECT as the first "
                    + "request of a connection"
            );
        var (given, port) = HostForm.Split(match.Groups["host"].Value);
        if (HostForm.Canonical(given) is not { } host || port == -1)
            throw EgressException.Malformed("the host in the URL is not a name or an address");
        connector.Check(host, port ?? 80);
        var path = match.Groups["path"].Value;
        var url = $"http://{HostForm.Join(host, port ?? 80)}{(path.StartsWith('/') ? path : $"/{path}")}";
        return Uri.TryCreate(
            url,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true },
            out var uri
        )
            ? uri
            : throw EgressException.Malformed("the URL is malformed");
    }

    private static HttpRequestMessage RequestFor(HttpContext context, Uri target, Action moved)
    {
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), target)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
            request.Content = new Body(context.Request.Body, moved);
        var close = ListedIn(context.Request.Headers.Connection);
        foreach (var (name, values) in context.Request.Headers)
        {
            if (OfOneConnection.Contains(name) || close.Contains(name))
                continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return request;
    }

    private static HashSet<string> ListedIn(IEnumerable<string?> connection) =>
        connection
            .SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var host = HostForm.Canonical(context.DnsEndPoint.Host);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, closed);
        var socket = await connector.Connect(host!, context.DnsEndPoint.Port, either.Token);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static EgressException? FaultIn(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is EgressException fault)
                return fault;
        }

        return e is HttpRequestException ? new EgressException(502, "Hive: the host sent no valid answer") : null;
    }

    // The request's body, of which each part restarts the time without a byte.
    private sealed class Body(Stream from, Action moved) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream,
            TransportContext? context,
            CancellationToken ct
        )
        {
            var part = new byte[16 << 10];
            while (await from.ReadAsync(part, ct) is > 0 and var count)
            {
                moved();
                await stream.WriteAsync(part.AsMemory(0, count), ct);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    [GeneratedRegex(
        @"\A(?i:http)://(?<host>[A-Za-z0-9._\[\]:-]{1,300})(?<path>(/[!-""$-~]*)|(\?[!-""$-~]*)|)\z",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Target();
}
