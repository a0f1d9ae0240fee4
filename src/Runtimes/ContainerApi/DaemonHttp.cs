using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Hive.Common.Errors;

namespace Hive.Runtimes.ContainerApi;

/// <summary>
/// Sends requests of Docker's HTTP API over a unix socket. Every call has a time limit, every answer a size limit, and
/// every failure is a <see cref="Problem"/> with its fix.
/// </summary>
internal sealed class DaemonHttp : IDisposable
{
    private const int MaxAnswer = 16 << 20;

    // Written for this version. Podman 4 has 1.41, and Docker 29 refuses versions before 1.44.
    private static readonly Version Newest = new(1, 44);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ContainerDaemon daemon;
    private readonly HttpClient http;
    private Version? version;

    public DaemonHttp(ContainerDaemon daemon)
    {
        this.daemon = daemon;
        // A connection for each call: a kept one would be dead after a restart of the daemon.
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, ct) => Connect(daemon.Socket, ct),
            PooledConnectionLifetime = TimeSpan.Zero,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
        };
        http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://localhost/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswer,
        };
    }

    public static JsonSerializerOptions Json { get; } = new() { PropertyNameCaseInsensitive = true };

    public ContainerDaemon Daemon => daemon;

    /// <summary>Checks that the daemon answers, and agrees on a version with it.</summary>
    /// <returns>The daemon's time.</returns>
    public async Task<DateTimeOffset> Ping(CancellationToken ct)
    {
        var answer = await Send(HttpMethod.Get, "_ping", null, Patience, ct);
        Must(answer, "answer a ping");
        var spoken = answer.Version is { } told && Version.TryParse(told, out var parsed) ? parsed : Newest;
        version = spoken < Newest ? spoken : Newest;
        return answer.Date ?? DateTimeOffset.UnixEpoch;
    }

    /// <summary>Calls a path of the API, below its version.</summary>
    public async Task<DaemonAnswer> Call(
        HttpMethod method,
        string path,
        CancellationToken ct,
        object? body = null,
        TimeSpan? patience = null
    ) => await Send(method, await Versioned(path, ct), body, patience ?? Patience, ct);

    /// <summary>Opens a stream that may last any time; its reader ends it by the token.</summary>
    public async Task<Stream> Open(string path, string doing, CancellationToken ct)
    {
        path = await Versioned(path, ct);
        try
        {
            using var request = Request(HttpMethod.Get, path, null);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            if (response.IsSuccessStatusCode)
                return await response.Content.ReadAsStreamAsync(ct);
            using (response)
                throw Refused(await response.Content.ReadAsByteArrayAsync(ct), response.StatusCode, doing);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
    }

    /// <summary>Reads a successful answer; <paramref name="doing"/> names the request in errors.</summary>
    public T Read<T>(DaemonAnswer answer, string doing)
    {
        Must(answer, doing);
        try
        {
            return JsonSerializer.Deserialize<T>(answer.Body, Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw Problem.Unavailable(
                $"{daemon.Name} sent an unexpected response while trying to {doing}: {e.Message}",
                e
            );
        }
    }

    /// <summary>Refuses an answer that is not a success.</summary>
    public void Must(DaemonAnswer answer, string doing)
    {
        if (!answer.IsSuccess)
            throw Refused(answer.Body, answer.Status, doing);
    }

    public void Dispose() => http.Dispose();

    private static async ValueTask<Stream> Connect(string path, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<string> Versioned(string path, CancellationToken ct)
    {
        if (version is null)
            await Ping(ct);
        return $"v{version}/{path}";
    }

    private async Task<DaemonAnswer> Send(
        HttpMethod method,
        string path,
        object? body,
        TimeSpan patience,
        CancellationToken ct
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        try
        {
            using var request = Request(method, path, body);
            using var response = await http.SendAsync(request, limit.Token);
            return new DaemonAnswer(
                response.StatusCode,
                await response.Content.ReadAsByteArrayAsync(limit.Token),
                response.Headers.Date,
                response.Headers.TryGetValues("Api-Version", out var told) ? told.First() : null
            );
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw Problem.Unavailable(
                new Fault(
                    $"{daemon.Name} did not answer at {daemon.Socket} within {patience.TotalSeconds} s",
                    "check its state, and restart it if it hangs"
                ),
                e
            );
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, object? body) =>
        new(method, path) { Content = body is null ? null : JsonContent.Create(body, options: Json) };

    private Problem Refused(byte[] body, HttpStatusCode status, string doing)
    {
        string? message = null;
        try
        {
            message = JsonSerializer.Deserialize<DaemonError>(body, Json)?.Message;
        }
        catch (JsonException)
        {
            // Another program listens there, or the daemon crashed.
        }

        message ??= $"it answered {(int)status}";
        var fix =
            message.Contains("no space left on device", StringComparison.OrdinalIgnoreCase)
                ? "make room on the disk and try again"
            : message.Contains("already in use", StringComparison.OrdinalIgnoreCase)
                ? $"if it does not belong to Hive, remove it with `{daemon.Name} rm`"
            : null;
        return Problem.Unavailable(new Fault($"{daemon.Name} could not {doing}: {message}", fix));
    }

    private Problem Unreachable(HttpRequestException e)
    {
        var fix = $"start it with `{daemon.StartedBy}`, or set its socket with {daemon.Key}";
        var reason = (e.InnerException ?? e).Message;
        if (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
            fix = $"let Hive's user open it (the group '{daemon.Name}' where there is one), or run Hive as root";
        else if (!File.Exists(daemon.Socket))
            reason = "the socket does not exist";
        return Problem.Unavailable(new Fault($"{daemon.Name} does not answer at {daemon.Socket}: {reason}", fix), e);
    }
}

/// <summary>The answer to one call.</summary>
internal sealed record DaemonAnswer(HttpStatusCode Status, byte[] Body, DateTimeOffset? Date, string? Version)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;
}
