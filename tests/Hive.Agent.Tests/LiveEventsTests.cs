using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Tests.Fixture;

namespace Hive.Agent.Tests;

public sealed class LiveEventsTests
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    [Fact(Timeout = 60_000)]
    public async Task Long_events_are_limited_and_paced_like_many_short_ones()
    {
        await using var h = await Harnessed.StartAsync();
        // A clock of its own, on which nobody else waits.
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var log = new Log(TextWriter.Null, clock);
        await using var calls = new HostCalls(new HostConnector(h.Front.Socket, log, clock), "test");
        var live = new LiveEvents(calls, log, clock);
        for (var i = 0; i < 500; i++)
            live.Text(new string('x', 30_000));
        using var stop = new CancellationTokenSource();

        var running = live.RunAsync(stop.Token, CancellationToken.None);

        // Two events make one call, and no other call is made until the clock moves.
        for (var sent = 2; sent <= 20; sent += 2)
        {
            await clock.Set(clock.GetUtcNow() + Between);
            Assert.Equal(sent, Texts(h).Length);
            clock.Advance(Between);
        }

        // After the stop it sends the rest, which is limited, and the count of dropped events.
        await stop.CancelAsync();
        await running;
        var left = h.Front.Events.Single(e => (string?)e["kind"] == "dropped");
        var shown = Texts(h);
        Assert.Equal(500, shown.Length + (int)left["count"]!);
        Assert.InRange(
            shown.Sum(e => (long)JsonSerializer.SerializeToUtf8Bytes(e).Length),
            1,
            (4 << 20) + LiveEvents.EventBytes
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task Pieces_of_a_text_become_one_event_per_batch_and_the_whole_text_follows()
    {
        await using var h = await Harnessed.StartAsync();
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var log = new Log(TextWriter.Null, clock);
        await using var calls = new HostCalls(new HostConnector(h.Front.Socket, log, clock), "test");
        var live = new LiveEvents(calls, log, clock);
        using var stop = new CancellationTokenSource();
        for (var i = 0; i < 10_000; i++)
            live.TextPart("word ");

        var running = live.RunAsync(stop.Token, CancellationToken.None);
        await clock.Set(clock.GetUtcNow() + (2 * Between));
        clock.Advance(2 * Between);
        var first = await h.Front.EventAsync("text_part");
        Assert.Equal(4096, ((string)first["text"]!).Length);

        // The whole text replaces pieces that were not sent yet.
        live.TextPart("more ");
        live.Text("all of it");
        live.TextPart("the next");
        await stop.CancelAsync();
        await running;

        Assert.Equal(["text_part", "text", "text_part"], h.Front.Events.Select(e => (string?)e["kind"]));
        Assert.Equal("the next", (string?)h.Front.Events[^1]["text"]);
    }

    private static JsonObject[] Texts(Harnessed h) => [.. h.Front.Events.Where(e => (string?)e["kind"] == "text")];
}
