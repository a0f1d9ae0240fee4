using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Hive.Common.Errors;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Calls the parts of Docker's HTTP API that Hive needs; podman speaks it too.</summary>
internal sealed class DaemonApi(ContainerDaemon daemon) : IDisposable
{
    // A daemon unpacks images and mounts folders, and some storage drivers copy the whole image.
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(60);

    private readonly DaemonHttp http = new(daemon);

    public ContainerDaemon Daemon => http.Daemon;

    /// <inheritdoc cref="DaemonHttp.Ping"/>
    public Task<DateTimeOffset> Ping(CancellationToken ct) => http.Ping(ct);

    public async Task<DaemonInfo> Info(CancellationToken ct) =>
        http.Read<DaemonInfo>(await http.Call(HttpMethod.Get, "info", ct), "list its abilities");

    /// <summary>Reads an image by its name; null when the daemon does not have it.</summary>
    public async Task<ImageDetails?> Image(string name, CancellationToken ct)
    {
        var answer = await http.Call(
            HttpMethod.Get,
            $"images/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}/json",
            ct
        );
        return answer.Status == HttpStatusCode.NotFound
            ? null
            : http.Read<ImageDetails>(answer, $"inspect the image {name}");
    }

    /// <summary>Lists all containers with these labels, running or not.</summary>
    public async Task<IReadOnlyList<ContainerListed>> List(IEnumerable<string> labels, CancellationToken ct) =>
        http.Read<ContainerListed[]>(
            await http.Call(HttpMethod.Get, $"containers/json?all=1&filters={Filter(labels)}", ct),
            "list its containers"
        );

    /// <summary>Reads the details of a container; null when it does not exist.</summary>
    public async Task<ContainerDetails?> Inspect(string id, CancellationToken ct)
    {
        var answer = await http.Call(HttpMethod.Get, $"containers/{id}/json", ct);
        return answer.Status == HttpStatusCode.NotFound || IsGone(answer)
            ? null
            : http.Read<ContainerDetails>(answer, $"inspect the container {id}");
    }

    /// <summary>Creates a container.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> Create(string name, object body, CancellationToken ct) =>
        http.Read<CreatedContainer>(
            await http.Call(
                HttpMethod.Post,
                $"containers/create?name={Uri.EscapeDataString(name)}",
                ct,
                body,
                LongPatience
            ),
            $"create the container {name}"
        ).Id;

    public async Task Start(string id, CancellationToken ct)
    {
        var answer = await http.Call(HttpMethod.Post, $"containers/{id}/start", ct, patience: LongPatience);
        if (answer.Status != HttpStatusCode.NotModified)
            http.Must(answer, "start the container");
    }

    /// <summary>Sends a signal to a container's first process.</summary>
    /// <returns>False when the daemon refused: the container does not run, or it is paused.</returns>
    public async Task<bool> Signal(string id, string signal, CancellationToken ct) =>
        (await http.Call(HttpMethod.Post, $"containers/{id}/kill?signal={signal}", ct)).IsSuccess;

    /// <summary>Resumes a paused container; does nothing when it is not paused.</summary>
    public Task Unpause(string id, CancellationToken ct) => http.Call(HttpMethod.Post, $"containers/{id}/unpause", ct);

    /// <summary>Waits until a container has ended.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> Wait(string id, TimeSpan patience, CancellationToken ct) =>
        http.Read<ContainerExit>(
            await http.Call(HttpMethod.Post, $"containers/{id}/wait", ct, patience: patience),
            "wait for the container"
        ).StatusCode;

    /// <summary>Ends a container and removes it with its own volumes; does nothing when it does not exist.</summary>
    public async Task Remove(string id, CancellationToken ct)
    {
        // Docker kills at once; podman would first ask the container to end, and wait.
        await Signal(id, "KILL", ct);
        var answer = await http.Call(HttpMethod.Delete, $"containers/{id}?force=1&v=1", ct, patience: LongPatience);
        if (answer.Status != HttpStatusCode.NotFound)
            http.Must(answer, "remove the container");
    }

    /// <summary>Opens the output of a container, in the daemon's frames (<see cref="OutputDecoder"/>).</summary>
    /// <param name="id">The container.</param>
    /// <param name="query">The part to read.</param>
    /// <param name="ct">Ends the reading, too.</param>
    public Task<Stream> Logs(string id, string query, CancellationToken ct) =>
        http.Open($"containers/{id}/logs?stdout=1&stderr=1&{query}", "read the output of a container", ct);

    /// <summary>Reads the events of the containers with a label, from a moment of the daemon's time on, until the
    /// daemon ends or the token is cancelled.</summary>
    public async IAsyncEnumerable<ContainerEvent> Events(
        string label,
        DateTimeOffset since,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var from = since.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        // Podman sends nothing, not even a header, before the first event.
        await using var stream = await http.Open($"events?since={from}&filters={Filter([label])}", "send events", ct);
        await foreach (
            var happened in JsonSerializer.DeserializeAsyncEnumerable<ContainerEvent>(
                stream,
                topLevelValues: true,
                DaemonHttp.Json,
                ct
            )
        )
        {
            if (happened is not null)
                yield return happened;
        }
    }

    public void Dispose() => http.Dispose();

    // Podman's answer about a container that is removed while it reads it (seen with 4.3).
    private static bool IsGone(DaemonAnswer answer) =>
        answer.Status == HttpStatusCode.InternalServerError
        && Encoding.UTF8.GetString(answer.Body).Contains("no such container", StringComparison.Ordinal);

    private static string Filter(IEnumerable<string> labels) =>
        Uri.EscapeDataString(JsonSerializer.Serialize(new { label = labels }));
}
