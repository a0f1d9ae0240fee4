using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hive.Tests.Waiting;

public sealed class NotifyHookTests
{
    private const string Topic = "/topic-with-a-token";

    [Fact]
    public async Task What_waits_for_a_minute_is_told_once_and_retried_without_leaking_secrets()
    {
        await using var receiver = await Receiver.Start();
        await using var hive = await HiveFixture.Start("--Notify:Url", receiver.Url + Topic);
        var log = hive.Log();
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        receiver.Answers.Enqueue(context => context.Response.Redirect(receiver.Url + "/elsewhere"));
        receiver.Answers.Enqueue(context => context.Response.StatusCode = 500);
        var id = await alice.Ask("the secret plan?");
        await alice.Send("operator", "nothing urgent");
        var later = await alice.Ask("later?");
        Assert.Null(await hive.Snooze($"question-{later}", TimeSpan.FromHours(5)));

        var (path, body, _) = await Moved(hive, receiver);
        Assert.Equal(Topic, path);
        Assert.Equal("question of alice waits for you", body.GetProperty("text").GetString());
        Assert.EndsWith($"/waiting/question-{id}", body.GetProperty("url").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", body.ToString(), StringComparison.Ordinal);
        Assert.True(hive.Clock.GetUtcNow() >= new DateTimeOffset(2026, 1, 31, 12, 1, 0, TimeSpan.Zero));
        // A redirect and an error are retried at the same address.
        Assert.Equal(Topic, (await Moved(hive, receiver)).Path);
        var warned = await log.Next("Notify:Url");
        Assert.Contains("it answered 302, a redirect, which is not followed", warned, StringComparison.Ordinal);
        Assert.DoesNotContain(Topic, warned, StringComparison.Ordinal);
        Assert.DoesNotContain("secret plan", warned, StringComparison.Ordinal);
        var finding = await Finding(host);
        Assert.Equal(FindingState.Failed, finding.State);
        Assert.DoesNotContain(Topic, finding.Text, StringComparison.Ordinal);
        Assert.Equal(Topic, (await Moved(hive, receiver)).Path);

        // Told once, also over a restart; the next thing is told for itself.
        await hive.Restart();
        var next = await (await hive.Connect("alice")).Ask("another?");
        (_, body, _) = await Moved(hive, receiver);
        Assert.EndsWith($"/waiting/question-{next}", body.GetProperty("url").GetString(), StringComparison.Ordinal);
        Assert.Equal(FindingState.Ok, (await Finding(await hive.Operator())).State);
    }

    [Theory]
    [InlineData("ntfy", "false", "approval of bob waits for you", "approval of bob waits for you")]
    [InlineData("ntfy", "true", "approval of bob waits for you", "spawn bob")]
    [InlineData(
        "slack",
        "true",
        null,
        "approval of bob waits for you: spawn bob <http://hive.lan:7000/waiting/approval-1>"
    )]
    public async Task Ntfy_and_slack_get_their_own_form(string format, string bodies, string? title, string text)
    {
        await using var receiver = await Receiver.Start();
        await using var hive = await HiveFixture.Start(
            "--Notify:Url",
            receiver.Url + Topic,
            "--Notify:Format",
            format,
            "--Notify:Bodies",
            bodies,
            "--Notify:After",
            "0",
            "--Notify:Page",
            "http://hive.lan:7000/"
        );
        await (await hive.Connect("manager")).CallAsync("request_spawn", new { name = "bob" });
        var (_, body, headers) = await Moved(hive, receiver);
        Assert.Equal(title, headers["Title"].FirstOrDefault());
        Assert.Equal(text, format == "ntfy" ? body.GetString() : body.GetProperty("text").GetString());
        if (format == "ntfy")
            Assert.Equal("http://hive.lan:7000/waiting/approval-1", headers["Click"].ToString());
    }

    private static async Task<Finding> Finding(LineClient host) =>
        (await host.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Single(f => f.Topic == "notifications");

    private static async Task<(string Path, JsonElement Body, IHeaderDictionary Headers)> Moved(
        HiveFixture hive,
        Receiver receiver
    )
    {
        var next = receiver.Requests.ReadAsync().AsTask();
        while (!next.IsCompleted)
        {
            hive.Clock.Advance(TimeSpan.FromSeconds(1));
            await hive.Settled();
        }

        return await next;
    }

    /// <summary>A program that somebody runs to be told.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly Channel<(string, JsonElement, IHeaderDictionary)> requests = Channel.CreateUnbounded<(
            string,
            JsonElement,
            IHeaderDictionary
        )>();
        private readonly WebApplication app;

        private Receiver(WebApplication app) => this.app = app;

        public string Url => app.Urls.First();

        public ChannelReader<(string Path, JsonElement Body, IHeaderDictionary Headers)> Requests => requests.Reader;

        /// <summary>What the next requests get; after that, all are accepted.</summary>
        public System.Collections.Concurrent.ConcurrentQueue<Action<HttpContext>> Answers { get; } = new();

        public static async Task<Receiver> Start()
        {
            var builder = WebApplication.CreateSlimBuilder();
            var app = builder.Build();
            app.Urls.Add($"http://{IPAddress.Loopback}:0");
            var receiver = new Receiver(app);
            app.Run(receiver.Receive);
            await app.StartAsync();
            return receiver;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private async Task Receive(HttpContext http)
        {
            using var reader = new StreamReader(http.Request.Body);
            var text = await reader.ReadToEndAsync();
            var body = text.StartsWith('{')
                ? JsonElement.Parse(text)
                : JsonSerializer.SerializeToElement(text, WireJson.Options);
            if (Answers.TryDequeue(out var answer))
                answer(http);
            // Copied, because the request's own headers end with it.
            var headers = new HeaderDictionary(http.Request.Headers.ToDictionary(h => h.Key, h => h.Value));
            requests.Writer.TryWrite((http.Request.Path, body, headers));
        }
    }
}
