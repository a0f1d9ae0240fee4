using System.Net;
using System.Net.Sockets;
using System.Text;
using Hive.Tests.Fixture;

namespace Hive.Tests.Doors;

/// <summary>Requests that anybody who reaches the port can send: none of them may write to the log or be answered with
/// an internal error.</summary>
public sealed class BeforeTheKeyTests(BeforeTheKeyTests.Running running) : IClassFixture<BeforeTheKeyTests.Running>
{
    private const string Form = "application/x-www-form-urlencoded";

    public static TheoryData<string, string> Requests =>
        new()
        {
            { "form in UTF-7", Post("/api/session", $"{Form}; charset=utf-7", "code=x") },
            { "form in an unknown charset", Post("/api/session", $"{Form}; charset=no-such", "code=x") },
            { "form in UTF-32", Post("/api/session", $"{Form}; charset=utf-32", "code=x") },
            {
                "part in UTF-7",
                Post(
                    "/api/session",
                    "multipart/form-data; boundary=b",
                    "--b\r\nContent-Disposition: form-data; name=\"code\"\r\n"
                        + "Content-Type: text/plain; charset=utf-7\r\n\r\nx\r\n--b--\r\n"
                )
            },
            { "multipart without a boundary", Post("/api/session", "multipart/form-data", "x") },
            {
                "multipart with an endless boundary",
                Post("/api/session", $"multipart/form-data; boundary={new string('b', 1000)}", "x")
            },
            {
                "multipart that is cut",
                Post(
                    "/api/session",
                    "multipart/form-data; boundary=b",
                    "--b\r\nContent-Disposition: form-data; name=\"co"
                )
            },
            {
                "part with bad headers",
                Post("/api/session", "multipart/form-data; boundary=b", "--b\r\nno colon\r\n\r\nx\r\n--b--\r\n")
            },
            {
                "too many fields",
                Post("/api/session", Form, string.Join('&', Enumerable.Range(0, 1100).Select(i => $"f{i}=x")))
            },
            { "field with a long name", Post("/api/session", Form, new string('n', 3000) + "=x") },
            { "percent signs in a form", Post("/api/session", Form, "code=%zz%&%=%00") },
            { "JSON in UTF-7", Post("/api/session", "application/json; charset=utf-7", "{\"code\":\"x\"}") },
            { "invalid JSON", Post("/api/session", "application/json", "{\"code\":") },
            { "JSON of another type", Post("/api/session", "application/json", "{\"code\":{}}") },
            { "JSON without an end of depth", Post("/api/session", "application/json", new string('[', 5000)) },
            { "an unpaired surrogate", Post("/api/session", "application/json", "{\"code\":\"\\ud800\"}") },
            { "malformed content type", Post("/api/session", ";;a/b/c==,", "x") },
            { "wrong code", Post("/api/session", Form, "code=wrong") },
            { "code that is too long", Post("/api/session", Form, "code=" + new string('c', 5000)) },
            {
                "body that is too large",
                Raw("/api/session", "code=x", $"Content-Type: {Form}", "Content-Length: 2000000")
            },
            { "form that is cut", Raw("/api/session", "code=x", $"Content-Type: {Form}", "Content-Length: 100") },
            { "JSON that is cut", Raw("/api/session", "{", "Content-Type: application/json", "Content-Length: 100") },
            { "bad chunk", Raw("/api/session", "zz\r\n", $"Content-Type: {Form}", "Transfer-Encoding: chunked") },
            {
                "chunk that is cut",
                Raw("/api/session", "ff\r\nx", $"Content-Type: {Form}", "Transfer-Encoding: chunked")
            },
            {
                "chunks that are too large",
                Raw(
                    "/api/session",
                    $"200000\r\n{new string('x', 0x200000)}\r\n0\r\n\r\n",
                    $"Content-Type: {Form}",
                    "Transfer-Encoding: chunked"
                )
            },
            { "unknown transfer coding", Raw("/api/session", "", "Transfer-Encoding: gzip") },
            { "negative length", Raw("/api/session", "", "Content-Length: -1") },
            { "two lengths", Raw("/api/session", "", "Content-Length: 1", "Content-Length: 2") },
            {
                "unknown expectation",
                Raw(
                    "/api/session",
                    "code=x",
                    "Connection: close",
                    "Expect: nonsense",
                    $"Content-Type: {Form}",
                    "Content-Length: 6"
                )
            },
            { "webhook without a signature", Post("/forge/webhook", "application/json", "{}") },
            {
                "webhook with a wrong signature",
                Raw(
                    "/forge/webhook",
                    "{}",
                    "Connection: close",
                    $"X-Forgejo-Signature: {new string('0', 64)}",
                    "Content-Length: 2"
                )
            },
            { "webhook that is cut", Raw("/forge/webhook", "{", "Content-Length: 100") },
            { "webhook that is too large", Raw("/forge/webhook", "{", "Content-Length: 2000000") },
            { "foreign host", Get("/", "evil.example") },
            { "malformed host", Get("/", "a b") },
            { "empty host", Get("/", "") },
            { "no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n" },
            { "two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n" },
            { "foreign origin", Get("/", "localhost", "Origin: http://evil.example") },
            { "malformed origin", Get("/", "localhost", "Origin: http://[") },
            { "no key", Get("/api/state") },
            { "wrong key", Get("/api/state", "localhost", "Authorization: Bearer wrong") },
            { "key that is not ASCII", Get("/api/state", "localhost", "Authorization: Bearer \u00ff\u00fe") },
            { "another scheme of keys", Get("/api/state", "localhost", "Authorization: Basic eDp5") },
            { "unknown route", Get("/nowhere") },
            { "unknown asset", Get("/assets/nothing.js") },
            { "unknown method", "BREW / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" },
            { "OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" },
            { "CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n" },
            { "malformed percent sign", Get("/%zz/%") },
            { "percent zero", Get("/%00") },
            { "percent zero among assets", Get("/assets/%00.js") },
            { "overlong UTF-8", Get("/%c0%ae%c0%ae/%ff") },
            { "dots", Get("/..%2f..%2f..%2fetc/passwd") },
            { "page with a bad name", Get("/agents/%0a") },
            { "malformed query", Get("/health?%zz=%&&==") },
            {
                "malformed absolute address",
                "GET http://[::/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            },
            { "malformed range", Get("/index.html", "localhost", "Range: bytes=9-1,x") },
            { "malformed date", Get("/index.html", "localhost", "If-Modified-Since: yesterday", "If-None-Match: x") },
            { "long address", Get("/" + new string('a', 10_000)) },
            { "long header", Get("/", "localhost", "X: " + new string('a', 40_000)) },
            { "many headers", Get("/", "localhost", [.. Enumerable.Range(0, 200).Select(i => $"X-{i}: x")]) },
            { "header without a colon", Get("/", "localhost", "no colon") },
            {
                "upgrade",
                Get(
                    "/dashboard/stream",
                    "localhost",
                    "Upgrade: websocket",
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
                )
            },
            { "another version", "GET / HTTP/9.9\r\n\r\n" },
            { "HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
            { "TLS", "\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1\u0003\u0003" },
            { "bytes", "\u0000\u00ff\u0001\r\n\r\n" },
            { "nothing", "" },
        };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Logs_nothing_and_is_not_an_internal_error(string what, string request)
    {
        running.Log.Taken();
        // More wrong keys than the limit.
        for (var i = 0; i < 12; i++)
        {
            var answer = await Answer(
                request,
                leaves: i % 2 == 1 || !request.Contains("Connection: close", StringComparison.Ordinal)
            );
            Assert.False(answer.StartsWith("HTTP/1.1 500", StringComparison.Ordinal), $"{what}: {answer}");
        }

        // The next answer shows that the host has dealt with the request.
        Assert.Equal(HttpStatusCode.OK, (await running.Hive.Http(signedIn: false).GetAsync("/health")).StatusCode);
        Assert.Empty(running.Log.Taken());
    }

    private static string Get(string path, string host = "localhost", params string[] headers) =>
        $"GET {path} HTTP/1.1\r\n{Lines([$"Host: {host}", "Connection: close", .. headers])}\r\n";

    private static string Post(string path, string type, string body) =>
        Raw(path, body, "Connection: close", $"Content-Type: {type}", $"Content-Length: {body.Length}");

    private static string Raw(string path, string body, params string[] headers) =>
        $"POST {path} HTTP/1.1\r\n{Lines(["Host: localhost", .. headers])}\r\n{body}";

    private static string Lines(string[] headers) => string.Concat(headers.Select(header => header + "\r\n"));

    private async Task<string> Answer(string request, bool leaves)
    {
        var url = new Uri(running.Hive.Url);
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port);
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
            if (leaves)
                client.Client.Shutdown(SocketShutdown.Send);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            return await new StreamReader(stream, Encoding.Latin1).ReadToEndAsync(patience.Token);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The host closed the connection before it read everything, which counts as an answer.
            return "";
        }
    }

    /// <summary>One host for all requests, with the log of an ordinary host.</summary>
    public sealed class Running : IAsyncLifetime
    {
        public HiveFixture Hive { get; private set; } = null!;

        public LoggedLines Log { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Hive = await HiveFixture.Start("--Logging:LogLevel:Default", "Information");
            Log = Hive.Log();
        }

        public ValueTask DisposeAsync() => Hive.DisposeAsync();
    }
}
