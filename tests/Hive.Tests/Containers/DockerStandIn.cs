using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Containers;

/// <summary>Answers at a unix socket as Docker does where it differs from podman: in its version and its words for
/// events and states. Its containers run nothing; a test ends them.</summary>
internal sealed class DockerStandIn : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Dictionary<string, JsonObject> containers = [];
    private readonly List<JsonObject> events = [];
    private readonly List<string> asked = [];
    private readonly DirectoryInfo folder;
    private TaskCompletionSource happened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool isEnding;
    private int created;

    private DockerStandIn(WebApplication app, DirectoryInfo folder) => (this.app, this.folder) = (app, folder);

    public string Socket => SocketIn(folder);

    /// <summary>The requested paths, without queries.</summary>
    public string[] Asked
    {
        get
        {
            lock (asked)
                return [.. asked];
        }
    }

    /// <summary>The agents that have a container.</summary>
    public string[] Agents
    {
        get
        {
            lock (containers)
                return
                [
                    .. containers
                        .Values.Select(c => c["Config"]!["Labels"]!["hive.agent"]?.GetValue<string>())
                        .OfType<string>(),
                ];
        }
    }

    public JsonObject Info { get; } =
        new()
        {
            ["MemoryLimit"] = true,
            ["SwapLimit"] = false,
            ["CpuCfsQuota"] = true,
            ["PidsLimit"] = true,
            ["SecurityOptions"] = new JsonArray("name=seccomp,profile=builtin"),
        };

    /// <summary>Its refusal to create a container of a request; null to create it.</summary>
    public Func<JsonObject, string?> Refuses { get; set; } = _ => null;

    /// <summary>The exit code of the container of a trial, by the request that created it.</summary>
    public Func<JsonObject, int> TrialEnds { get; set; } = _ => 0;

    /// <summary>True for a request for the events of trials that it cannot answer.</summary>
    public Func<bool> LacksEvents { get; set; } = () => false;

    /// <summary>Its refusal to start a container; null to start it.</summary>
    public string? Refusal { get; set; }

    public static async Task<DockerStandIn> Start()
    {
        var folder = Directory.CreateTempSubdirectory("hive-docker-");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(SocketIn(folder)));
        var standIn = new DockerStandIn(builder.Build(), folder);
        standIn.app.Run(standIn.Answer);
        await standIn.app.StartAsync();
        return standIn;
    }

    /// <summary>The request that created an agent's container.</summary>
    public JsonObject Container(string agent)
    {
        lock (containers)
            return containers.Values.Single(c => c["Config"]!["Labels"]!["hive.agent"]?.GetValue<string>() == agent);
    }

    /// <summary>Lets an agent's container end.</summary>
    public void End(string agent, int exitCode, bool outOfMemory)
    {
        lock (containers)
            Exit(Container(agent), exitCode, outOfMemory);
    }

    /// <summary>Begins to end an agent's container, as podman answers then.</summary>
    public void BeginStop(string agent)
    {
        lock (containers)
        {
            var state = Container(agent)["State"]!;
            (state["Running"], state["Status"]) = (false, "stopping");
        }
    }

    /// <summary>Kills an agent's container and begins to remove it, as podman answers then.</summary>
    public void BeginRemoval(string agent)
    {
        lock (containers)
        {
            var container = Container(agent);
            container["State"] = State(running: false);
            container["State"]!["Status"] = "removing";
            Happens("die", container, ("exitCode", "137"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (containers)
        {
            isEnding = true;
            happened.TrySetResult();
        }

        await app.StopAsync();
        await app.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static string SocketIn(DirectoryInfo folder) => Path.Combine(folder.FullName, "docker.sock");

    private static JsonObject State(bool running, int exitCode = 0, bool outOfMemory = false) =>
        new()
        {
            ["Running"] = running,
            ["Status"] = running ? "running" : "exited",
            ["ExitCode"] = exitCode,
            ["OOMKilled"] = outOfMemory,
            ["StartedAt"] = "2026-01-31T12:00:00.123456789Z",
        };

    private async Task Answer(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        lock (asked)
            asked.Add(path);
        http.Response.Headers["Api-Version"] = "1.52";
        if (path == "/_ping")
        {
            await http.Response.WriteAsync("OK");
            return;
        }

        var parts = path.Split('/')[2..];
        if (parts[0] == "events")
        {
            if (
                http.Request.Query["filters"].ToString().Contains("hive.trial", StringComparison.Ordinal)
                && LacksEvents()
            )
            {
                http.Response.StatusCode = 500;
                return;
            }

            await SendEvents(http);
            return;
        }

        var body =
            http.Request.ContentLength > 0 || http.Request.Headers.TransferEncoding.Count > 0
                ? (await JsonSerializer.DeserializeAsync<JsonObject>(http.Request.Body))!
                : [];
        (int Status, JsonNode? Body) answer;
        lock (containers)
            answer = Answer(http.Request, parts, body);
        http.Response.StatusCode = answer.Status;
        if (answer.Body is not null)
            await http.Response.WriteAsync(answer.Body.ToJsonString());
    }

    // All events of the containers with the label, old ones first.
    private async Task SendEvents(HttpContext http)
    {
        var label = Labels(http.Request).Single();
        for (var next = 0; ; )
        {
            JsonObject[] some;
            Task more;
            lock (containers)
            {
                if (isEnding)
                    return;
                (some, more, next) = ([.. events[next..]], happened.Task, events.Count);
            }

            foreach (var e in some.Where(e => e["Actor"]!["Attributes"]![label[0]]?.GetValue<string>() == label[1]))
                await http.Response.WriteAsync($"{e.ToJsonString()}\n");
            // Docker sends the header at once.
            await http.Response.Body.FlushAsync();
            await more.WaitAsync(http.RequestAborted);
        }
    }

    private static IEnumerable<string[]> Labels(HttpRequest request) =>
        JsonNode.Parse(request.Query["filters"].ToString())!["label"]!
            .AsArray()
            .Select(l => l!.GetValue<string>().Split('=', 2));

    private (int Status, JsonNode? Body) Answer(HttpRequest request, string[] parts, JsonObject body)
    {
        switch (request.Method, parts)
        {
            case ("GET", ["info"]):
                return (200, Info.DeepClone());
            case ("GET", ["images", ..]):
                return (200, new JsonObject { ["Id"] = "sha256:0123" });
            case ("GET", ["containers", "json"]):
                var labels = Labels(request);
                return (
                    200,
                    new JsonArray([
                        .. containers
                            .Values.Where(c =>
                                labels.All(l => c["Config"]!["Labels"]![l[0]]?.GetValue<string>() == l[1])
                            )
                            .Select(c => new JsonObject
                            {
                                ["Id"] = c["Id"]!.DeepClone(),
                                ["State"] = c["State"]!["Status"]!.DeepClone(),
                                ["Labels"] = c["Config"]!["Labels"]!.DeepClone(),
                            }),
                    ])
                );
            case ("POST", ["containers", "create"]) when Refuses(body) is { } refused:
                return (400, new JsonObject { ["message"] = refused });
            case ("POST", ["containers", "create"]):
                var id = $"{++created:d12}";
                containers[id] = new JsonObject
                {
                    ["Id"] = id,
                    ["Config"] = body.DeepClone(),
                    ["HostConfig"] = body["HostConfig"]!.DeepClone(),
                    ["State"] = State(running: false),
                };
                return (201, new JsonObject { ["Id"] = id, ["Warnings"] = new JsonArray() });
            case (_, ["containers", var of, ..]) when !containers.ContainsKey(of):
                return (404, new JsonObject { ["message"] = $"No such container: {of}" });
            case ("GET", ["containers", var of, "json"]):
                return (200, containers[of].DeepClone());
            case ("POST", ["containers", _, "start"]) when Refusal is not null:
                return (500, new JsonObject { ["message"] = Refusal });
            case ("POST", ["containers", var of, "start"]):
                containers[of]["State"] = State(running: true);
                Happens("start", containers[of]);
                // A trial ends on its own.
                if (containers[of]["Config"]!["Labels"]!["hive.trial"] is not null)
                    Exit(containers[of], TrialEnds(containers[of]["Config"]!.AsObject()), outOfMemory: false);
                return (204, null);
            case ("POST", ["containers", var of, "wait"]):
                return (200, new JsonObject { ["StatusCode"] = containers[of]["State"]!["ExitCode"]!.DeepClone() });
            case ("GET", ["containers", _, "logs"]):
                return (200, null);
            case ("POST", ["containers", var of, "kill"]) when containers[of]["State"]!["Running"]!.GetValue<bool>():
                Exit(containers[of], 137, outOfMemory: false);
                return (204, null);
            case ("POST", ["containers", var of, "kill"]):
                return (409, new JsonObject { ["message"] = $"container {of} is not running" });
            case ("DELETE", ["containers", var of]):
                Happens("destroy", containers[of]);
                containers.Remove(of);
                return (204, null);
            default:
                return (404, new JsonObject { ["message"] = "page not found" });
        }
    }

    private void Exit(JsonObject container, int exitCode, bool outOfMemory)
    {
        container["State"] = State(running: false, exitCode, outOfMemory);
        Happens("die", container, ("exitCode", $"{exitCode}"));
    }

    private void Happens(string action, JsonObject container, params (string Name, string Value)[] more)
    {
        var attributes = container["Config"]!["Labels"]!.DeepClone().AsObject();
        foreach (var (name, value) in more)
            attributes[name] = value;
        events.Add(
            new JsonObject
            {
                ["Type"] = "container",
                ["Action"] = action,
                ["Actor"] = new JsonObject { ["ID"] = container["Id"]!.DeepClone(), ["Attributes"] = attributes },
            }
        );
        happened.TrySetResult();
        happened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
