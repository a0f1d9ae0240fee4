using System.Net;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text.Json;
using Hive.Common.Notifications;
using Hive.Tests.Doors;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Common;

public sealed class StreamTests
{
    [Fact]
    [Sampled]
    public async Task Subscribers_that_reconnect_at_random_see_each_message_once_in_order()
    {
        var messages = Ring.Count(2_000, inLong: 10_000);
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var start = (await hive.State()).GetProperty("cursor").GetString()!;
        var sending = Enumerable.Range(0, 4).Select(_ => SendThrough(hive, messages / 4)).ToArray();
        var subscribers = Enumerable
            .Range(0, 6)
            .Select(part => Follow(hive, start, messages, reconnects: messages / 100, Ring.Random(part)))
            .ToArray();
        var sent = (await Task.WhenAll(sending)).SelectMany(ids => ids).Order().ToArray();
        Assert.Equal(messages, sent.Length);
        // Ids are in commit order.
        Assert.All(await Task.WhenAll(subscribers), seen => Assert.Equal(sent, seen));
    }

    [Theory]
    [InlineData("Last-Event-ID")]
    [InlineData("cursor")]
    public async Task A_cursor_of_another_run_gets_a_resync_and_the_stream_continues(string by)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var old = (await hive.State()).GetProperty("cursor").GetString()!;
        await hive.Restart();
        await MustResync(hive, by, old);
    }

    [Fact]
    public async Task A_cursor_of_the_future_gets_a_resync()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var head = hive.Services.GetRequiredService<EventHub>().Head;
        await MustResync(hive, "Last-Event-ID", (head with { Seq = head.Seq + 100 }).ToString());
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("-")]
    [InlineData("1-2-3")]
    public async Task A_cursor_that_no_host_wrote_gets_a_resync(string cursor)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        await MustResync(hive, "cursor", cursor);
    }

    [Fact]
    public async Task Without_a_cursor_the_stream_starts_now()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("send", new { to = "bob", body = "before" });
        using var stream = await Subscription.Open(hive, null);
        Assert.Equal("ready", (await stream.Next())!.Value.EventType);
        await alice.CallAsync("send", new { to = "bob", body = "after" });
        Assert.Equal("after", Body(await stream.NextOf("sent")));
    }

    [Fact]
    public async Task Last_Event_ID_overrides_the_query()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var early = (await hive.State()).GetProperty("cursor").GetString()!;
        await alice.CallAsync("send", new { to = "bob", body = "one" });
        var late = (await hive.State()).GetProperty("cursor").GetString()!;
        await alice.CallAsync("send", new { to = "bob", body = "two" });
        using var stream = await Subscription.Open(hive, late, $"?cursor={early}");
        Assert.Equal("two", Body(await stream.NextOf("sent")));
        using var other = await Subscription.Open(hive, early, $"?cursor={late}");
        Assert.Equal("one", Body(await other.NextOf("sent")));
    }

    [Fact]
    public async Task Ready_names_the_live_cursor_and_its_id_resumes_the_stream()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var cursor = (await hive.State()).GetProperty("cursor").GetString()!;
        await (await hive.Connect("alice")).CallAsync("send", new { to = "bob", body = "missed" });
        using var stream = await Subscription.Open(hive, cursor);
        var ready = (await stream.Next())!.Value;
        // A client that reconnects with the id of `ready` must get the events between its cursor and the newest.
        Assert.Equal(cursor, ready.EventId);
        var data = JsonElement.Parse(ready.Data);
        Assert.True(Cursor.Parse(data.GetProperty("cursor").GetString())!.Value.Seq > Cursor.Parse(cursor)!.Value.Seq);
        Assert.Equal(
            (await hive.State()).GetProperty("hive_version").GetString(),
            data.GetProperty("hive_version").GetString()
        );
        using var again = await Subscription.Open(hive, ready.EventId);
        Assert.Equal("missed", Body(await again.NextOf("sent")));
    }

    [Fact]
    public async Task Pings_by_the_clock_beside_a_busy_agent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("whoami");
        using var stream = await Subscription.Open(hive, null);
        Assert.Equal("ready", (await stream.Next())!.Value.EventType);
        for (var pings = 0; pings < 3; )
        {
            var next = stream.Next();
            while (!next.IsCompleted)
            {
                hive.Clock.Advance(TimeSpan.FromSeconds(1));
                await alice.CallAsync("whoami");
            }

            if ((await next)!.Value.EventType == "ping")
                pings++;
        }
    }

    [Fact]
    public async Task An_overtaken_reader_gets_a_resync_continues_and_delays_nobody()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        using var slow = await Subscription.Open(hive, null);
        Assert.Equal("ready", (await slow.Next())!.Value.EventType);
        var overtaken = 0;
        var hub = hive.Services.GetRequiredService<EventHub>();
        var begin = hub.Head;
        // Until the ring has moved further than all buffers between the host and this reader can hold.
        while (hub.Head.Seq - begin.Seq < 8_000 || hub.Reaches(begin with { Seq = begin.Seq + 4_000 }))
        {
            // To several, since what waits for one is limited.
            await SendThrough(hive, 1_000, new string('x', 4096), overtaken % 2 == 0 ? "bob" : "carol");
            Assert.True(++overtaken < 30, "the ring keeps more events than its limit");
        }

        var last = begin.Seq;
        while (true)
        {
            var frame = (await slow.Next())!.Value;
            var id = Cursor.Parse(frame.EventId)!.Value;
            if (frame.EventType == "resync")
            {
                Assert.True(id.Seq > last);
                Assert.Equal(frame.EventId, JsonElement.Parse(frame.Data).GetProperty("cursor").GetString());
                break;
            }

            Assert.Equal(++last, id.Seq);
        }

        await (await hive.Connect("alice")).CallAsync("send", new { to = "bob", body = "still here" });
        while (Body(await slow.NextOf("sent")) != "still here") { }
    }

    [Fact]
    public async Task The_stream_ends_when_the_host_stops()
    {
        await using var hive = await HiveFixture.Start();
        using var stream = await Subscription.Open(hive, null);
        await stream.Next();
        await hive.Restart();
        while (await stream.Next() is not null) { }
    }

    private static string? Body(JsonElement sent) => sent.GetProperty("message").GetProperty("body").GetString();

    private static async Task MustResync(HiveFixture hive, string by, string cursor)
    {
        using var stream =
            by == "cursor"
                ? await Subscription.Open(hive, null, $"?cursor={cursor}")
                : await Subscription.Open(hive, cursor);
        Assert.Equal("ready", (await stream.Next())!.Value.EventType);
        var resync = (await stream.Next())!.Value;
        Assert.Equal("resync", resync.EventType);
        Assert.Equal(resync.EventId, JsonElement.Parse(resync.Data).GetProperty("cursor").GetString());
        Assert.NotEqual(cursor, resync.EventId);
        await (await hive.Connect("alice")).CallAsync("send", new { to = "bob", body = "on" });
        Assert.Equal("on", Body(await stream.NextOf("sent")));
    }

    // Sends on one pipelined connection; returns the ids in their order.
    private static async Task<List<long>> SendThrough(HiveFixture hive, int count, string body = "x", string to = "bob")
    {
        using var peer = RawPeer.Connect(hive.AgentSocket("alice"));
        var line = $$"""{"cmd":"send","to":"{{to}}","body":"{{body}}"}""" + "\n";
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < count; i++)
                await peer.Send(line);
        });
        List<long> ids = [];
        for (var i = 0; i < count; i++)
            ids.Add((await peer.Accepted()).GetProperty("id").GetInt64());
        await sending;
        return ids;
    }

    private static async Task<List<long>> Follow(
        HiveFixture hive,
        string cursor,
        int messages,
        int reconnects,
        Random random
    )
    {
        var cuts = new Queue<int>(Enumerable.Range(0, reconnects).Select(_ => random.Next(messages)).Order());
        List<long> seen = [];
        var last = Cursor.Parse(cursor)!.Value.Seq;
        while (seen.Count < messages)
        {
            using var stream = await Subscription.Open(hive, cursor);
            // Sometimes it closes before the first event.
            for (
                var untilGone = random.Next(20) == 0 ? random.Next(2) : int.MaxValue;
                untilGone > 0 && seen.Count < messages;
                untilGone--
            )
            {
                var frame = (await stream.Next())!.Value;
                if (frame.EventId is { Length: > 0 } id)
                    cursor = id;
                if (frame.EventType != "message")
                {
                    Assert.NotEqual("resync", frame.EventType);
                    continue;
                }

                var data = JsonElement.Parse(frame.Data);
                Assert.Equal(++last, data.GetProperty("seq").GetInt64());
                if (data.GetProperty("kind").GetString() != "sent")
                    continue;
                seen.Add(data.GetProperty("message").GetProperty("id").GetInt64());
                if (cuts.TryPeek(out var cut) && seen.Count >= cut)
                {
                    cuts.Dequeue();
                    break;
                }
            }
        }

        Assert.Empty(cuts);
        return seen;
    }

    /// <summary>One connection to the stream, on a socket with a small receive buffer.</summary>
    private sealed class Subscription : IDisposable
    {
        private readonly HttpClient http;
        private HttpResponseMessage? response;
        private IAsyncEnumerator<SseItem<string>>? frames;

        private Subscription(HiveFixture hive)
        {
            var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, ct) =>
                {
                    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
                    await socket.ConnectAsync(context.DnsEndPoint, ct);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            };
            http = new HttpClient(handler) { BaseAddress = new Uri(hive.Url), Timeout = TimeSpan.FromMinutes(2) };
            http.DefaultRequestHeaders.Authorization = new("Bearer", hive.Token);
        }

        public static async Task<Subscription> Open(HiveFixture hive, string? lastEventId, string query = "")
        {
            var subscription = new Subscription(hive);
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/dashboard/stream{query}");
            if (lastEventId is not null)
                request.Headers.Add("Last-Event-ID", lastEventId);
            subscription.response = await subscription.http.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead
            );
            Assert.Equal(HttpStatusCode.OK, subscription.response.StatusCode);
            subscription.frames = SseParser
                .Create(await subscription.response.Content.ReadAsStreamAsync())
                .EnumerateAsync()
                .GetAsyncEnumerator();
            return subscription;
        }

        /// <summary>The next frame; null when the stream has ended.</summary>
        public async Task<SseItem<string>?> Next()
        {
            try
            {
                return await frames!.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60))
                    ? frames.Current
                    : null;
            }
            catch (IOException)
            {
                return null;
            }
        }

        public async Task<JsonElement> NextOf(string kind)
        {
            while (true)
            {
                var frame = await Next() ?? throw new EndOfStreamException("the stream ended");
                if (frame.EventType != "message")
                    continue;
                var data = JsonElement.Parse(frame.Data);
                if (data.GetProperty("kind").GetString() == kind)
                    return data;
            }
        }

        public void Dispose()
        {
            response?.Dispose();
            http.Dispose();
        }
    }
}
