using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Hive.Common.Errors;

namespace Hive.Runtimes.ContainerApi;

/// <summary>
/// Docker's HTTP API over a unix socket, as far as Hive needs it; podman speaks it too. No call waits for ever, no
/// answer is read without bound, and every failure is a <see cref="Problem"/> with what helps.
/// </summary>
internal sealed class ContainerApi : IDisposable
{
    private const int MaxAnswer = 16 << 20;

    // What this was written for. Podman 4 has 1.41, and Docker 29 refuses all before 1.44.
    private static readonly Version Newest = new(1, 44);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Images are unpacked, folders mounted, and storage drivers without layers copy the whole of it.
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(60);
    private static readonly JsonSerializerOptions Json = new() { PropertyNameCaseInsensitive = true };

    private readonly ContainerDaemon daemon;
    private readonly HttpClient http;
    private Version? version;

    public ContainerApi(ContainerDaemon daemon)
    {
        this.daemon = daemon;
        // Each call has a connection of its own: none is kept that a daemon which was started anew has forgotten.
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

    public ContainerDaemon Daemon => daemon;

    /// <summary>Asks whether the daemon is there, and what it speaks.</summary>
    /// <returns>Its time.</returns>
    public async Task<DateTimeOffset> Ping(CancellationToken ct)
    {
        var answer = await Send(HttpMethod.Get, "_ping", null, Patience, ct);
        Must(answer, "say that it is there");
        var spoken = answer.Version is { } told && Version.TryParse(told, out var parsed) ? parsed : Newest;
        version = spoken < Newest ? spoken : Newest;
        return answer.Date ?? DateTimeOffset.UnixEpoch;
    }

    public async Task<DaemonInfo> Info(CancellationToken ct) =>
        Read<DaemonInfo>(await Call(HttpMethod.Get, "info", ct), "say what it can do");

    /// <summary>An image by its name; null when the daemon does not have it.</summary>
    public async Task<ImageDetails?> Image(string name, CancellationToken ct)
    {
        var answer = await Call(
            HttpMethod.Get,
            $"images/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}/json",
            ct
        );
        return answer.Status == HttpStatusCode.NotFound
            ? null
            : Read<ImageDetails>(answer, $"look for the image {name}");
    }

    /// <summary>All containers with these labels, whether they run or not.</summary>
    public async Task<IReadOnlyList<ContainerListed>> List(IEnumerable<string> labels, CancellationToken ct) =>
        Read<ContainerListed[]>(
            await Call(HttpMethod.Get, $"containers/json?all=1&filters={Filter(labels)}", ct),
            "list its containers"
        );

    /// <summary>All about a container; null when there is none.</summary>
    public async Task<ContainerDetails?> Inspect(string id, CancellationToken ct)
    {
        var answer = await Call(HttpMethod.Get, $"containers/{id}/json", ct);
        return answer.Status == HttpStatusCode.NotFound
            ? null
            : Read<ContainerDetails>(answer, $"look at the container {id}");
    }

    /// <summary>Creates a container.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> Create(string name, object body, CancellationToken ct) =>
        Read<CreatedContainer>(
            await Call(HttpMethod.Post, $"containers/create?name={Uri.EscapeDataString(name)}", ct, body, LongPatience),
            $"create the container {name}"
        ).Id;

    public async Task Start(string id, CancellationToken ct)
    {
        var answer = await Call(HttpMethod.Post, $"containers/{id}/start", ct, patience: LongPatience);
        if (answer.Status != HttpStatusCode.NotModified)
            Must(answer, "start the container");
    }

    /// <summary>Sends a signal to a container's first process.</summary>
    /// <returns>False when that could not be done: it does not run, or it is paused.</returns>
    public async Task<bool> Signal(string id, string signal, CancellationToken ct) =>
        (await Call(HttpMethod.Post, $"containers/{id}/kill?signal={signal}", ct)).IsSuccess;

    /// <summary>Lets a paused container go on; no error when it is not.</summary>
    public Task Unpause(string id, CancellationToken ct) => Call(HttpMethod.Post, $"containers/{id}/unpause", ct);

    /// <summary>Waits until a container has ended.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> Wait(string id, TimeSpan patience, CancellationToken ct) =>
        Read<ContainerExit>(
            await Call(HttpMethod.Post, $"containers/{id}/wait", ct, patience: patience),
            "wait for the container"
        ).StatusCode;

    /// <summary>Ends a container and removes it with the volumes that are its own; nothing there is no error.</summary>
    public async Task Remove(string id, CancellationToken ct)
    {
        // Docker does so by itself; podman would ask it first, and wait.
        await Signal(id, "KILL", ct);
        var answer = await Call(HttpMethod.Delete, $"containers/{id}?force=1&v=1", ct, patience: LongPatience);
        if (answer.Status != HttpStatusCode.NotFound)
            Must(answer, "remove the container");
    }

    /// <summary>What a container has printed, as the daemon's frames (<see cref="OutputDecoder"/>).</summary>
    /// <param name="id">The container.</param>
    /// <param name="query">Which part of it.</param>
    /// <param name="ct">Ends the reading, too.</param>
    public Task<Stream> Logs(string id, string query, CancellationToken ct) =>
        Open(
            HttpMethod.Get,
            $"containers/{id}/logs?stdout=1&stderr=1&{query}",
            null,
            "read what a container has printed",
            ct
        );

    /// <summary>What happens to the containers with a label, from a moment of the daemon's time on, as it happens,
    /// until the daemon ends or the token is cancelled.</summary>
    public async IAsyncEnumerable<ContainerEvent> Events(
        string label,
        DateTimeOffset since,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        // Podman answers nothing, not even a header, before there is something to tell.
        await using var stream = await Open(
            HttpMethod.Get,
            $"events?since={since.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}&filters={Filter([label])}",
            null,
            "tell what happens",
            ct
        );
        await foreach (
            var happened in JsonSerializer.DeserializeAsyncEnumerable<ContainerEvent>(
                stream,
                topLevelValues: true,
                Json,
                ct
            )
        )
        {
            if (happened is not null)
                yield return happened;
        }
    }

    /// <summary>Runs a program in a container; what it prints comes as the daemon's frames, until it ends.</summary>
    /// <returns>The number it goes by, and its output.</returns>
    public async Task<(string Id, Stream Output)> Exec(string id, IReadOnlyList<string> command, CancellationToken ct)
    {
        var exec = Read<CreatedContainer>(
            await Call(
                HttpMethod.Post,
                $"containers/{id}/exec",
                ct,
                new
                {
                    Cmd = command,
                    AttachStdout = true,
                    AttachStderr = true,
                }
            ),
            "run a program in the container"
        ).Id;
        return (
            exec,
            await Open(
                HttpMethod.Post,
                $"exec/{exec}/start",
                new { Detach = false, Tty = false },
                "run a program in the container",
                ct
            )
        );
    }

    /// <summary>The exit code of a program that was run in a container and has ended.</summary>
    public async Task<int> ExecExit(string exec, CancellationToken ct) =>
        Read<ExecDetails>(
            await Call(HttpMethod.Get, $"exec/{exec}/json", ct),
            "say how a program in the container ended"
        ).ExitCode
        ?? -1;

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

    private static string Filter(IEnumerable<string> labels) =>
        Uri.EscapeDataString(JsonSerializer.Serialize(new { label = labels }));

    private async Task<string> Versioned(string path, CancellationToken ct)
    {
        if (version is null)
            await Ping(ct);
        return $"v{version}/{path}";
    }

    private async Task<Answer> Call(
        HttpMethod method,
        string path,
        CancellationToken ct,
        object? body = null,
        TimeSpan? patience = null
    ) => await Send(method, await Versioned(path, ct), body, patience ?? Patience, ct);

    private async Task<Answer> Send(
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
            return new Answer(
                response.StatusCode,
                await response.Content.ReadAsByteArrayAsync(limit.Token),
                response.Headers.Date,
                response.Headers.TryGetValues("Api-Version", out var told) ? told.First() : null
            );
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw Problem.Unavailable(
                $"{daemon.Name} did not answer at {daemon.Socket} within {patience.TotalSeconds} s; see how it does, and start it anew if it hangs",
                e
            );
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
    }

    // For what goes on for as long as it likes: its reader gives up by the token.
    private async Task<Stream> Open(HttpMethod method, string path, object? body, string doing, CancellationToken ct)
    {
        path = await Versioned(path, ct);
        try
        {
            using var request = Request(method, path, body);
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

    private static HttpRequestMessage Request(HttpMethod method, string path, object? body) =>
        new(method, path) { Content = body is null ? null : JsonContent.Create(body, options: Json) };

    private T Read<T>(Answer answer, string doing)
    {
        Must(answer, doing);
        try
        {
            return JsonSerializer.Deserialize<T>(answer.Body, Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw Problem.Unavailable(
                $"{daemon.Name} gave an answer that is none when it was to {doing}: {e.Message}",
                e
            );
        }
    }

    private void Must(Answer answer, string doing)
    {
        if (!answer.IsSuccess)
            throw Refused(answer.Body, answer.Status, doing);
    }

    private Problem Refused(byte[] body, HttpStatusCode status, string doing)
    {
        string? message = null;
        try
        {
            message = JsonSerializer.Deserialize<DaemonError>(body, Json)?.Message;
        }
        catch (JsonException)
        {
            // Something else listens there, or it broke down.
        }

        message ??= $"it answered {(int)status}";
        var cure =
            message.Contains("no space left on device", StringComparison.OrdinalIgnoreCase)
                ? "; make room on the disk and try again"
            : message.Contains("already in use", StringComparison.OrdinalIgnoreCase)
                ? $"; if it is none of Hive's, remove it with `{daemon.Name} rm`"
            : "";
        return Problem.Unavailable($"{daemon.Name} could not {doing}: {message}{cure}");
    }

    private Problem Unreachable(HttpRequestException e)
    {
        var cure = $"start it with `{daemon.StartedBy}`, or say where it listens with {daemon.Key}";
        var reason = (e.InnerException ?? e).Message;
        if (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
            cure = $"let Hive's user open it (the group '{daemon.Name}' where there is one), or run Hive as root";
        else if (!File.Exists(daemon.Socket))
            reason = "there is no such socket";
        return Problem.Unavailable($"{daemon.Name} does not answer at {daemon.Socket}: {reason}; {cure}", e);
    }

    private sealed record Answer(HttpStatusCode Status, byte[] Body, DateTimeOffset? Date, string? Version)
    {
        public bool IsSuccess => (int)Status is >= 200 and < 300;
    }
}
