using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using MediatR;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using CommandDoors = Hive.Common.Doors.Doors;

namespace Hive.Tests.Doors;

/// <summary>
/// Sends every registered command on every kind of socket, and every registered route with every kind of key, and
/// compares what is let through with what docs/protocol.md promises. A request that is let through ends before its
/// handler.
/// </summary>
public sealed partial class AuthorisationTests(AuthorisationTests.Running running)
    : IClassFixture<AuthorisationTests.Running>
{
    [Theory]
    [InlineData("bob", CallerKind.Agent, Duty.None)]
    [InlineData("alice", CallerKind.Agent, Duty.Worker)]
    [InlineData("vera", CallerKind.Agent, Duty.Validator)]
    [InlineData("manager", CallerKind.Manager, Duty.Manager)]
    [InlineData("operator", CallerKind.Operator, Duty.None)]
    public async Task Each_socket_has_the_promised_commands_and_no_other(string name, CallerKind kind, Duty duty)
    {
        var hive = running.Hive;
        var promised = Promised(kind, duty);
        var commands = running.Modules.SelectMany(m => m.Commands).ToLookup(c => c.Name);
        var door = kind switch
        {
            CallerKind.Operator => CommandDoors.Host,
            CallerKind.Manager => CommandDoors.Manager,
            _ => CommandDoors.Agent,
        };
        using var line = await LineClient.ConnectAsync(
            kind == CallerKind.Operator ? hive.HostSocket : hive.AgentSocket(name)
        );
        List<string> wrong = [];
        foreach (var command in commands.Select(c => c.Key).Union(promised))
        {
            var registered = commands[command].FirstOrDefault(c => c.Doors.HasFlag(door)) ?? commands[command].First();
            var fields = Example(registered.Request);
            // The door alone says who sends a request.
            fields["caller"] = new JsonObject { ["kind"] = "operator", ["name"] = "operator" };
            running.Stop.Taken();
            var refused = await Assert.ThrowsAsync<HiveException>(() => line.CallAsync(command, fields));
            var reached = running.Stop.Taken().Where(r => r.GetType() == registered.Request).ToArray();
            if (promised.Contains(command) && reached.Length != 1)
                wrong.Add($"{command} is refused to {name}: {refused.Message}");
            if (!promised.Contains(command) && (reached.Length > 0 || refused.Code != "unknown_command"))
                wrong.Add($"{command} is not for {name}, and answers {refused.Code}: {refused.Message}");
            foreach (var sender in reached.Select(CallerOf).Where(c => c is not null))
            {
                if ((sender!.Kind, sender.Name) != (kind, name))
                    wrong.Add($"{command} of {name} counts as a request of {sender.Kind} {sender.Name}");
            }
        }

        Assert.True(commands.Count > 100, "the registry was not read");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("the access token", Opens.All)]
    [InlineData("a session key", Opens.All)]
    [InlineData("a session key and the page's own origin", Opens.All)]
    [InlineData("a session key over the network", Opens.All)]
    [InlineData("no key", Opens.OpenRoutes)]
    [InlineData("an empty key", Opens.OpenRoutes)]
    [InlineData("a wrong key", Opens.OpenRoutes)]
    [InlineData("a login code", Opens.OpenRoutes)]
    [InlineData("the key of an ended session", Opens.OpenRoutes)]
    [InlineData("a session key in the address", Opens.OpenRoutes)]
    [InlineData("a session key as a cookie", Opens.OpenRoutes)]
    [InlineData("the access token over the network", Opens.OpenRoutes, HttpStatusCode.Forbidden)]
    [InlineData("the webhook's secret as a key", Opens.OpenRoutes)]
    [InlineData("the webhook's signature", Opens.OpenAndSignedRoutes)]
    [InlineData("a wrong signature", Opens.OpenRoutes)]
    [InlineData("a session key and a foreign origin", Opens.Nothing, HttpStatusCode.Forbidden)]
    [InlineData("a session key and no page's origin", Opens.Nothing, HttpStatusCode.Forbidden)]
    [InlineData("a session key and a foreign host", Opens.Nothing, HttpStatusCode.MisdirectedRequest)]
    public async Task Each_key_opens_the_promised_routes_and_no_other(
        string key,
        Opens opens,
        HttpStatusCode refusal = HttpStatusCode.Unauthorized
    )
    {
        var open = Documented(OpenRoutes());
        var signed = Documented(SignedRoutes());
        List<string> wrong = [];
        foreach (var route in running.Routes)
        {
            var isPromised = signed.Contains(route.Name)
                ? opens == Opens.OpenAndSignedRoutes
                : opens == Opens.All || (opens != Opens.Nothing && open.Contains(route.Name));
            using var request = Request(route);
            var (status, reached) = await running.Send(key, request, route.Request);
            var isLetThrough = !IsRefusal(status) && (reached || route.Request is null);
            // The signature's check answers by itself.
            var expected = signed.Contains(route.Name) && opens != Opens.Nothing ? HttpStatusCode.Forbidden : refusal;
            if (isPromised && !isLetThrough)
                wrong.Add($"{route.Name} is refused with {key}: {status}");
            if (!isPromised && (reached || !(status == expected || status == HttpStatusCode.TooManyRequests)))
                wrong.Add($"{route.Name} is not opened by {key}, and answers {status}");
        }

        Assert.Equal([], open.Concat(signed).Except(running.Routes.Select(r => r.Name)));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task No_spelling_of_an_address_opens_a_route_without_a_key()
    {
        var open = Documented(OpenRoutes()).Union(Documented(SignedRoutes())).ToHashSet();
        (string Name, Func<string, string> Of)[] spellings =
        [
            ("capital letters", path => path.ToUpperInvariant()),
            ("a slash at its end", path => path + "/"),
            ("two slashes", path => "/" + path),
            ("a percent sign", path => $"/%{(int)path[1]:x2}{path[2..]}"),
            ("a dot", path => "/." + path),
            ("dots", path => "/health/.." + path),
        ];
        List<string> wrong = [];
        foreach (var route in running.Routes.Where(r => !open.Contains(r.Name)))
        foreach (var (name, spelled) in spellings)
        {
            using var request = Request(route, spelled);
            var (status, reached) = await running.Send("no key", request, route.Request);
            if (reached || !(IsRefusal(status) || status == HttpStatusCode.NotFound))
                wrong.Add($"{route.Name} with {name} answers {status}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Another_method_of_a_route_needs_a_key_as_well()
    {
        var routes = running.Routes.Select(r => r.Name).ToHashSet();
        List<string> wrong = [];
        foreach (var path in running.Routes.DistinctBy(r => r.Path))
        foreach (var method in (string[])["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
        {
            if (routes.Contains($"{method} {path.Path}") || (method == "HEAD" && path.Verb == "GET"))
                continue;
            using var request = Request(path, method: method);
            var (status, reached) = await running.Send("no key", request, path.Request);
            // Without a key, any path can be read as one of the page, or posted to as a login.
            if (reached || !(IsRefusal(status) || status is HttpStatusCode.MethodNotAllowed))
                wrong.Add($"{method} of {path.Path} answers {status}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void No_endpoint_exists_besides_the_registered_routes()
    {
        var endpoints = running
            .Hive.Services.GetServices<EndpointDataSource>()
            .SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .SelectMany(e =>
                (e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["any"])
                    // A route that reads answers HEAD with the head of its answer.
                    .Where(method => method != "HEAD")
                    .Select(method => $"{method} /{e.RoutePattern.RawText!.TrimStart('/')}")
            );

        Assert.Equal(running.Routes.Select(r => r.Name).Order(), endpoints.Distinct().Order());
    }

    // The commands that docs/protocol.md promises to a kind of caller.
    private static HashSet<string> Promised(CallerKind kind, Duty duty)
    {
        if (kind == CallerKind.Operator)
            return Commands("### Commands of the host socket");
        HashSet<string> promised =
        [
            .. Commands("### Commands of every agent"),
            .. ProtocolDocumentTests
                .Tables("### Commands by duty", "command")
                .Where(row => duty != Duty.None && row[4].Split(", ").Contains(duty.Words()))
                .SelectMany(row => ProtocolDocumentTests.Names(row[0])),
        ];
        if (kind == CallerKind.Manager)
            promised.UnionWith(Commands("### Commands of the manager"));
        return promised;
    }

    private static HashSet<string> Commands(string heading) =>
        [
            .. ProtocolDocumentTests
                .Tables(heading, "command")
                .Select(row => ProtocolDocumentTests.Names(row[0]).Single()),
        ];

    // The sentence of docs/protocol.md on routes without a key ends with the signed one.
    [GeneratedRegex("These need no key: (?<open>.*), and the signed (?<signed>`[^`]+`)\\.")]
    private static partial Regex Keyless();

    private static string OpenRoutes() => Sentence().Groups["open"].Value;

    private static string SignedRoutes() => Sentence().Groups["signed"].Value;

    private static Match Sentence() => Keyless().Match(string.Join(' ', ProtocolDocumentTests.Lines));

    private static HashSet<string> Documented(string sentence) =>
        [.. ProtocolDocumentTests.Names(sentence).Select(n => n.StartsWith('/') ? $"GET {n}" : n)];

    private static bool IsRefusal(HttpStatusCode status) =>
        status
            is HttpStatusCode.Unauthorized
                or HttpStatusCode.Forbidden
                or HttpStatusCode.MisdirectedRequest
                or HttpStatusCode.TooManyRequests;

    private static Caller? CallerOf(object request) =>
        request.GetType().GetProperties().SingleOrDefault(p => p.PropertyType == typeof(Caller))?.GetValue(request)
        as Caller;

    private static HttpRequestMessage Request(
        Address route,
        Func<string, string>? spelled = null,
        string? method = null
    )
    {
        var path = Parameter().Replace(route.Path, "1");
        var options = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        Assert.True(Uri.TryCreate($"http://localhost{spelled?.Invoke(path) ?? path}", options, out var address));
        var body = route.Request is { } request ? Example(request).ToJsonString() : "{}";
        var sent = new HttpRequestMessage(new HttpMethod(method ?? route.Verb), address);
        if (sent.Method != HttpMethod.Trace)
            sent.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return sent;
    }

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Parameter();

    // The members that a request needs, with values of their types.
    private static JsonObject Example(Type request) => (JsonObject)Example(WireSchemas.ForRequest(request))!;

    private static JsonNode? Example(JsonNode? node)
    {
        var schema = node as JsonObject ?? [];
        if (schema["enum"] is JsonArray words)
            return words[0]!.DeepClone();
        var types = schema["type"] is JsonArray several ? several[0]!.ToString() : schema["type"]?.ToString();
        switch (types)
        {
            case "object":
                var made = new JsonObject();
                foreach (var name in (schema["required"] as JsonArray ?? []).Select(n => n!.ToString()))
                    made[name] = Example(schema["properties"]![name]);
                return made;
            case "array":
                return new JsonArray();
            case "integer" or "number":
                return 1;
            case "boolean":
                return false;
            default:
                return schema["format"]?.ToString() == "date-time" ? "2026-02-01T12:00:00Z" : "x";
        }
    }

    /// <summary>The routes that a key opens.</summary>
    public enum Opens
    {
        Nothing,
        OpenRoutes,
        OpenAndSignedRoutes,
        All,
    }

    internal sealed record Address(string Verb, string Path, Type? Request)
    {
        public string Name => $"{Verb} {Path}";
    }

    /// <summary>Notes each request that comes from a door and ends it before its handler.</summary>
    internal sealed class Stopping
    {
        private readonly ConcurrentQueue<object> reached = [];

        /// <summary>The requests of the doors; none before the host is prepared.</summary>
        public HashSet<Type> Types { get; set; } = [];

        public void Meet(object request)
        {
            if (!Types.Contains(request.GetType()))
                return;
            reached.Enqueue(request);
            throw new Problem(ErrorCode.Conflict, "the request came through the door");
        }

        public object[] Taken()
        {
            List<object> taken = [];
            while (reached.TryDequeue(out var request))
                taken.Add(request);
            return [.. taken];
        }
    }

    internal sealed class StopBehavior<TRequest, TResponse>(Stopping stop) : IPipelineBehavior<TRequest, TResponse>
        where TRequest : notnull
    {
        public Task<TResponse> Handle(
            TRequest request,
            CancellationToken cancellationToken,
            RequestHandlerDelegate<TResponse> next
        )
        {
            stop.Meet(request);
            return next();
        }
    }

    /// <summary>One host for all requests, with an agent of each duty.</summary>
    public sealed class Running : IAsyncLifetime
    {
        private readonly Dictionary<string, Action<HttpRequestMessage>> keys = [];
        private HttpClient http = null!;
        private string? far;

        public HiveFixture Hive { get; private set; } = null!;

        internal Stopping Stop { get; } = new();

        internal IEnumerable<FeatureModule> Modules => Hive.Services.GetServices<FeatureModule>();

        internal Address[] Routes { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            var address = NetworkInterface
                .GetAllNetworkInterfaces()
                .SelectMany(i => i.GetIPProperties().UnicastAddresses)
                .Select(a => a.Address)
                .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
            Hive = await HiveFixture.StartWith(
                services =>
                {
                    services.AddSingleton(Stop);
                    // Before the validation of the requests.
                    services.Insert(
                        0,
                        ServiceDescriptor.Singleton(typeof(IPipelineBehavior<,>), typeof(StopBehavior<,>))
                    );
                },
                "--urls",
                address is null ? "http://127.0.0.1:0" : $"http://127.0.0.1:0;http://{address}:0"
            );
            far = Hive
                .Services.GetRequiredService<IServer>()
                .Features.Get<IServerAddressesFeature>()!
                .Addresses.SingleOrDefault(a => new Uri(a).Host == address?.ToString());
            http = new HttpClient(new SocketsHttpHandler { UseCookies = false });
            await Hive.SpawnAs("alice", "duty: worker\n");
            await Hive.SpawnAs("vera", "duty: validator\n");
            await Hive.Spawn("bob");
            Routes =
            [
                .. Modules.SelectMany(m => m.Routes).Select(r => new Address(r.Verb, r.Path, r.Request)),
                new Address("GET", "/openapi/v1.json", null),
            ];
            await MakeKeys();
            Stop.Types =
            [
                .. Modules.SelectMany(m => m.Commands).Select(c => c.Request),
                .. Routes.Select(r => r.Request).OfType<Type>(),
            ];
        }

        public ValueTask DisposeAsync()
        {
            http.Dispose();
            return Hive.DisposeAsync();
        }

        /// <summary>Sends a request with a kind of key.</summary>
        /// <returns>The status, and whether the request passed the door.</returns>
        internal async Task<(HttpStatusCode Status, bool Reached)> Send(
            string key,
            HttpRequestMessage request,
            Type? type
        )
        {
            var isFar = key.EndsWith("over the network", StringComparison.Ordinal);
            Requires.That(!isFar || far is not null, "needs an address besides the loopback");
            var options = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
            request.RequestUri = new Uri((isFar ? far : Hive.Url) + request.RequestUri!.PathAndQuery, options);
            keys[key](request);
            Stop.Taken();
            // The head alone: a stream does not end.
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return (answer.StatusCode, Stop.Taken().Any(r => r.GetType() == type));
        }

        private async Task MakeKeys()
        {
            var session = await SessionTests.Exchange(Hive, await SessionTests.Code(Hive));
            var ended = await SessionTests.Exchange(Hive, await SessionTests.Code(Hive));
            using (var bye = await SessionTests.SignedIn(Hive, ended).DeleteAsync("/api/session"))
                Assert.Equal(HttpStatusCode.OK, bye.StatusCode);
            var code = await SessionTests.Code(Hive);
            var (token, secret) = (Hive.Token, new string('5', 64));
            await File.WriteAllTextAsync(Path.Combine(Hive.DataDir, "forge-webhook-secret"), secret);

            keys["no key"] = _ => { };
            keys["an empty key"] = request => request.Headers.TryAddWithoutValidation("Authorization", "Bearer ");
            keys["a wrong key"] = request => Bear(request, new string('0', session.Length));
            keys["the access token"] = request => Bear(request, token);
            keys["the access token over the network"] = request => Bear(request, token);
            keys["a session key"] = request => Bear(request, session);
            keys["a session key over the network"] = request => Bear(request, session);
            keys["a login code"] = request => Bear(request, code);
            keys["the key of an ended session"] = request => Bear(request, ended);
            keys["a session key as a cookie"] = request => request.Headers.Add("Cookie", $"key={session}");
            keys["a session key in the address"] = request =>
                request.RequestUri = new Uri($"{request.RequestUri}?key={session}&access_token={session}");
            keys["the webhook's secret as a key"] = request => Bear(request, secret);
            keys["the webhook's signature"] = request => Sign(request, secret);
            keys["a wrong signature"] = request => Sign(request, new string('6', 64));
            keys["a session key and the page's own origin"] = request => Bear(request, session, Hive.Url);
            keys["a session key and a foreign origin"] = request => Bear(request, session, "http://evil.example");
            keys["a session key and no page's origin"] = request => Bear(request, session, "null");
            keys["a session key and a foreign host"] = request =>
            {
                Bear(request, session);
                request.Headers.Host = "evil.example";
            };
        }

        private static void Bear(HttpRequestMessage request, string key, string? origin = null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            if (origin is not null)
                request.Headers.Add("Origin", origin);
        }

        private static void Sign(HttpRequestMessage request, string secret)
        {
            using var body = request.Content!.ReadAsStream();
            request.Headers.Add("X-Forgejo-Event", "push");
            request.Headers.Add(
                "X-Forgejo-Signature",
                Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(secret), body))
            );
        }
    }
}
