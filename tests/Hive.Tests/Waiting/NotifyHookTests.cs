using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Threading.Channels;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Waiting;

public sealed class NotifyHookTests
{
    private const string Topic = "/topic-with-a-token?auth=more-of-it";

    // No other timer of the host is set for this many seconds, so a test can wait for the hook's own.
    private const int After = 47;

    [Fact]
    public async Task Each_urgent_thing_is_told_once_after_its_time_also_over_a_restart()
    {
        await using var receiver = await Receiver.Start();
        await using var hive = await Start(receiver);
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        var events = await hive.Events();
        var decided = await alice.Ask("decided in time?");
        var start = hive.Clock.GetUtcNow();
        await hive.Clock.Set(start.AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(11));
        var told = await alice.Ask("the secret plan?");
        var snoozed = await alice.Ask("later?");
        Assert.Null(await hive.Snooze($"question-{snoozed}", TimeSpan.FromHours(5)));
        await alice.Send("operator", "nothing urgent");
        await host.Answer(decided);

        // The time of what was decided passes, and nothing is sent.
        hive.Clock.Advance(TimeSpan.FromSeconds(After - 11));
        await hive.Clock.Set(start.AddSeconds(11 + After));
        Assert.Equal(0, receiver.Received);
        hive.Clock.Advance(TimeSpan.FromSeconds(11));
        var body = (await receiver.Next()).Json;
        Assert.Equal($"question-{told}", body.Member("key"));
        Assert.Equal("question of alice waits for you", body.Member("title"));
        Assert.Equal($"{hive.Url}/waiting/question-{told}", body.Member("url"));
        Assert.DoesNotContain("secret", body.ToString(), StringComparison.Ordinal);
        var sent = await events.NextHook();
        Assert.Equal(new NotifyHookView(NotifyHookState.Ready, hive.Clock.GetUtcNow()), sent);
        Assert.Equal($"last sent at {sent.LastSentAt:u}", (await hive.Doctor()).Text);

        await hive.Restart();
        Assert.Equal(sent, await hive.Hook());
        events = await hive.Events();
        var (first, second) = (await hive.Connect("alice"), await hive.Connect("manager"));
        var next = await first.Ask("another?");
        var approval = await second.RequestSpawn("bob");
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(After));
        await events.NextHook();
        await events.NextHook();
        string[] keys = [(await receiver.Next()).Json.Member("key"), (await receiver.Next()).Json.Member("key")];
        Assert.Equal([$"approval-{approval}", $"question-{next}"], keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, receiver.Received);
    }

    [Fact]
    public async Task A_thing_is_told_again_only_when_its_snooze_has_run_out()
    {
        await using var receiver = await Receiver.Start();
        await using var hive = await Start(receiver);
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var events = await hive.Events();
        var key = $"question-{await alice.Ask("well?")}";
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(After));
        await events.NextHook();

        // A snooze that is taken back changes nothing; one that runs out does.
        Assert.Null(await hive.Snooze(key, TimeSpan.FromHours(1)));
        Assert.Null(await hive.Mark(key, "unsnooze"));
        Assert.Null(await hive.Snooze(key, TimeSpan.FromHours(1)));
        hive.Clock.Advance(TimeSpan.FromHours(1));
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        Assert.Equal(1, receiver.Received);
        hive.Clock.Advance(TimeSpan.FromSeconds(After));
        await events.NextHook();
        Assert.Equal(key, (await receiver.Next()).Json.Member("key"));
        Assert.Equal(key, (await receiver.Next()).Json.Member("key"));

        // Told after the snooze, so not again, also by the next host.
        await hive.Restart();
        events = await hive.Events();
        await (await hive.Connect("alice")).Ask("another?");
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(After));
        await events.NextHook();
        Assert.Equal("question-2", (await receiver.Next()).Json.Member("key"));
        Assert.Equal(3, receiver.Received);
    }

    [Fact]
    public async Task The_things_of_a_muted_agent_are_told_once_it_is_muted_no_longer()
    {
        await using var receiver = await Receiver.Start();
        await using var hive = await Start(receiver);
        await hive.Spawn("alice", "bob");
        Assert.Null(await hive.Http().Post("/api/preferences", new { muted = new[] { "alice" } }));
        await hive.Restart();
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var events = await hive.Events();
        var quiet = await alice.Ask("of a muted agent?");
        var loud = await bob.Ask("of another?");
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(After));
        await events.NextHook();
        Assert.Equal($"question-{loud}", (await receiver.Next()).Json.Member("key"));
        Assert.Null(await hive.Http().Post("/api/preferences", new { muted = Array.Empty<string>() }));
        await events.NextHook();
        Assert.Equal($"question-{quiet}", (await receiver.Next()).Json.Member("key"));
        Assert.Equal(2, receiver.Received);
    }

    [Fact]
    public async Task A_failure_is_warned_of_once_and_retried_with_growing_pauses()
    {
        await using var receiver = await Receiver.Start();
        await using var hive = await Start(receiver);
        var log = hive.Log();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var events = await hive.Events();
        receiver.Answers.Enqueue(http =>
        {
            http.Response.Redirect($"{receiver.Url}/elsewhere");
            return Task.CompletedTask;
        });
        receiver.Answers.Enqueue(http =>
        {
            http.Response.StatusCode = 500;
            return http.Response.WriteAsync("an answer with a token");
        });
        receiver.Answers.Enqueue(Hang);
        var key = $"question-{await alice.Ask("the secret plan?")}";
        var since = hive.Clock.GetUtcNow().AddSeconds(After);
        string[] reasons =
        [
            "it answered 302, a redirect, which is not followed; set Notify:Url to the final address",
            "it answered 500",
            "it did not answer within 10 s",
        ];
        int[] pauses = [5, 10, 20];
        var due = since;
        foreach (var (reason, pause) in reasons.Zip(pauses))
        {
            await hive.Clock.Set(due);
            hive.Clock.Advance(due - hive.Clock.GetUtcNow());
            Assert.Equal(Topic, (await receiver.Next()).Path);
            if (pause == pauses[^1])
            {
                // A hanging address is in nobody's way.
                Assert.Contains(key, await hive.Keys());
                hive.Clock.Advance(TimeSpan.FromSeconds(10));
            }

            var failing = await events.NextHook();
            due = hive.Clock.GetUtcNow().AddSeconds(pause);
            Assert.Equal(new NotifyHookView(NotifyHookState.Failing, null, since, reason, due), failing);
            var finding = await hive.Doctor();
            Assert.Equal(FindingState.Failed, finding.State);
            Assert.Equal($"failing since {since:u}: {reason}; next attempt at {due:u}", finding.Text);
        }

        await hive.Clock.Set(due);
        hive.Clock.Advance(due - hive.Clock.GetUtcNow());
        Assert.Equal(new NotifyHookView(NotifyHookState.Ready, due), await events.NextHook());
        Assert.Equal(FindingState.Ok, (await hive.Doctor()).State);
        Assert.Equal(4, receiver.Received);
        var lines = log.Taken();
        Assert.Contains(
            reasons[0],
            Assert.Single(lines, line => line.Contains("Notify:Url")),
            StringComparison.Ordinal
        );
        string[] secrets = ["token", "secret", receiver.Url];
        Assert.DoesNotContain(lines, line => secrets.Any(line.Contains));
    }

    [Fact]
    public async Task A_self_signed_certificate_is_refused_until_the_thing_is_decided()
    {
        await using var receiver = await Receiver.Start(selfSigned: true);
        await using var hive = await Start(receiver);
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        var events = await hive.Events();
        var id = await alice.Ask();
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(After));

        var failing = await events.NextHook();
        Assert.Equal("its certificate is not valid, or it does not speak TLS", failing.Reason);
        await host.Answer(id);
        await hive.Clock.Set(failing.NextAttemptAt!.Value);
        hive.Clock.Advance(failing.NextAttemptAt.Value - hive.Clock.GetUtcNow());
        Assert.Equal(failing with { NextAttemptAt = null }, await events.NextHook());
        Assert.EndsWith("; next attempt with the next thing that waits", (await hive.Doctor()).Text);
        Assert.Equal(0, receiver.Received);
    }

    [Fact]
    public async Task An_address_at_which_nothing_listens_is_retried()
    {
        // A port that is taken, so that no other test listens at it.
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var hive = await Start($"http://{taken.LocalEndPoint}");
        await hive.Spawn("alice");
        var events = await hive.Events();
        await (await hive.Connect("alice")).Ask();
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(After));
        hive.Clock.Advance(TimeSpan.FromSeconds(After));
        Assert.Equal("no connection to it is possible", (await events.NextHook()).Reason);
    }

    [Theory]
    [InlineData("ntfy", false, null, "question of alice waits for you")]
    [InlineData("ntfy", true, "question of alice waits for you", "<b>⟨U+202E⟩ which?\n&one | two")]
    [InlineData("slack", false, null, "<http://hive.lan:7000/waiting/question-1|question of alice waits for you>")]
    [InlineData(
        "slack",
        true,
        null,
        "<http://hive.lan:7000/waiting/question-1|question of alice waits for you>"
            + "\n&lt;b&gt;⟨U+202E⟩ which?\n&amp;one | two"
    )]
    [InlineData("json", false, null, null)]
    [InlineData("json", true, null, "<b>⟨U+202E⟩ which?")]
    public async Task Each_format_has_its_form_and_texts_of_agents_only_with_bodies(
        string format,
        bool bodies,
        string? title,
        string? text
    )
    {
        const string Link = "http://hive.lan:7000/waiting/question-1";
        await using var receiver = await Receiver.Start();
        await using var hive = await HiveFixture.Start(
            "--Notify:Url",
            receiver.Url + Topic,
            "--Notify:Format",
            format,
            "--Notify:Bodies",
            bodies ? "true" : "false",
            "--Notify:After",
            "0",
            "--Notify:Page",
            "http://hive.lan:7000/"
        );
        await hive.Spawn("alice");
        await (await hive.Connect("alice")).Ask("<b>\u202e which?", options: ["&one", "two"]);
        var (path, body, headers) = await receiver.Next();

        Assert.Equal(Topic, path);
        Assert.Equal(title, headers["Title"].FirstOrDefault());
        Assert.Equal(format == "ntfy" ? Link : null, headers["Click"].FirstOrDefault());
        if (format == "ntfy")
        {
            Assert.Equal(text, body);
            return;
        }

        Assert.StartsWith("application/json", headers.ContentType, StringComparison.Ordinal);
        var json = JsonElement.Parse(body);
        string[] members =
            format == "slack" ? ["text"]
            : bodies ? ["key", "kind", "id", "agent", "since_at", "title", "url", "body", "detail"]
            : ["key", "kind", "id", "agent", "since_at", "title", "url"];
        Assert.Equal(members, json.EnumerateObject().Select(m => m.Name));
        if (format == "slack")
            Assert.Equal(text, json.Member("text"));
        else
            Assert.Equal(("question-1", "question", "1", "alice", Link), Row(json));
        if (format == "json" && bodies)
            Assert.Equal((text, "&one | two"), (json.Member("body"), json.Member("detail")));

        static (string, string, string, string, string) Row(JsonElement json) =>
            (json.Member("key"), json.Member("kind"), json.Member("id"), json.Member("agent"), json.Member("url"));
    }

    [Fact]
    public async Task Without_an_address_the_hook_is_off()
    {
        await using var hive = await HiveFixture.Start();
        Assert.Equal(new NotifyHookView(NotifyHookState.Off), await hive.Hook());
        var finding = await hive.Doctor();
        Assert.Equal(FindingState.Absent, finding.State);
        Assert.StartsWith("off: ", finding.Text, StringComparison.Ordinal);
    }

    private static Task<HiveFixture> Start(Receiver receiver) => Start(receiver.Url);

    private static Task<HiveFixture> Start(string url) =>
        HiveFixture.Start("--Notify:Url", url + Topic, "--Notify:After", $"{After}");

    private static async Task Hang(HttpContext http)
    {
        var gone = new TaskCompletionSource();
        await using var registration = http.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }
}

/// <summary>Reads the hook's state at each door.</summary>
internal static class NotifyHookDoors
{
    public static async Task<NotifyHookView> NextHook(this EventReader events) =>
        View((await events.Next("notify_hook_changed")).GetProperty("notify_hook"));

    public static async Task<NotifyHookView> Hook(this HiveFixture hive) =>
        View((await hive.State()).GetProperty("notify_hook"));

    public static async Task<Finding> Doctor(this HiveFixture hive) =>
        (await (await hive.Operator()).CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Single(f => f.Topic == "notifications");

    public static string Member(this JsonElement json, string member) => json.GetProperty(member).GetString()!;

    private static NotifyHookView View(JsonElement json) => json.Deserialize<NotifyHookView>(WireJson.Options)!;
}

/// <summary>A program that somebody runs to be told.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly Channel<Request> requests = Channel.CreateUnbounded<Request>();
    private readonly WebApplication app;
    private int received;

    private Receiver(WebApplication app) => this.app = app;

    public string Url { get; private set; } = "";

    /// <summary>How many requests came.</summary>
    public int Received => Volatile.Read(ref received);

    /// <summary>The answers to the next requests; later ones are accepted.</summary>
    public ConcurrentQueue<Func<HttpContext, Task>> Answers { get; } = new();

    public static async Task<Receiver> Start(bool selfSigned = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                IPAddress.Loopback,
                0,
                listen =>
                {
                    if (selfSigned)
                        listen.UseHttps(Certificate());
                }
            )
        );
        var app = builder.Build();
        var receiver = new Receiver(app);
        app.Run(receiver.Receive);
        await app.StartAsync();
        receiver.Url = app.Urls.First();
        return receiver;
    }

    public async Task<Request> Next()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await requests.Reader.ReadAsync(patience.Token);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private async Task Receive(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var body = await reader.ReadToEndAsync();
        Interlocked.Increment(ref received);
        // Copied, because the request's own headers end with it.
        var headers = new HeaderDictionary(http.Request.Headers.ToDictionary(h => h.Key, h => h.Value));
        requests.Writer.TryWrite(new Request($"{http.Request.Path}{http.Request.QueryString}", body, headers));
        if (Answers.TryDequeue(out var answer))
            await answer(http);
    }

    public sealed record Request(string Path, string Body, IHeaderDictionary Headers)
    {
        public JsonElement Json => JsonElement.Parse(Body);
    }
}
