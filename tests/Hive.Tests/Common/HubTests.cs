using System.Text;
using System.Text.Json;
using Hive.Common.Notifications;

namespace Hive.Tests.Common;

public sealed class HubTests
{
    [Fact]
    public void Gives_every_event_the_next_number_and_keeps_their_order()
    {
        var hub = new EventHub();
        var start = hub.Head;
        Publish(hub, 1, 1000);
        var seen = ReadAll(hub, ref start);
        Assert.Equal(Enumerable.Range(1, 1000), seen.Select(e => e.Value));
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => (long)i), seen.Select(e => e.Seq));
        Assert.Equal(hub.Head, start);
        Assert.Empty(ReadAll(hub, ref start));
    }

    [Fact]
    public void Everybody_gets_the_same_bytes()
    {
        var hub = new EventHub();
        Publish(hub, 1, 10);
        var (one, other) = (new Cursor(hub.Epoch, 0), new Cursor(hub.Epoch, 0));
        List<byte[]> first = [], second = [];
        hub.Read(ref one, first);
        hub.Read(ref other, second);
        Assert.All(first.Zip(second), pair => Assert.Same(pair.First, pair.Second));
    }

    [Fact]
    public void An_overtaken_cursor_is_out_of_reach_and_the_oldest_kept_one_is_not()
    {
        var hub = new EventHub(capacity: 8);
        Publish(hub, 1, 20);
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 11)));
        var cursor = new Cursor(hub.Epoch, 11);
        Assert.False(hub.Read(ref cursor, []));
        Assert.Equal(11, cursor.Seq);
        cursor = new Cursor(hub.Epoch, 12);
        Assert.True(hub.Reaches(cursor));
        Assert.Equal(Enumerable.Range(13, 8), ReadAll(hub, ref cursor).Select(e => e.Value));
    }

    [Fact]
    public void A_cursor_of_another_run_or_of_the_future_is_out_of_reach()
    {
        var hub = new EventHub();
        Publish(hub, 1, 5);
        Assert.False(hub.Reaches(new Cursor(new EventHub().Epoch, 3)));
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 6)));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 5)));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 0)));
    }

    [Fact]
    public void Keeps_no_more_bytes_than_it_may_and_always_the_newest_event()
    {
        var hub = new EventHub(capacity: 1000, maxBytes: 10_000);
        for (var i = 1; i <= 100; i++)
            hub.Publish(new DashboardEvent("sent", "value", i, Weight: 1000));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 90)));
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 89)));
        hub.Publish(new DashboardEvent("sent", "value", 101, Weight: 1_000_000));
        var cursor = new Cursor(hub.Epoch, 100);
        Assert.Equal(101, Assert.Single(ReadAll(hub, ref cursor)).Value);
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 99)));
        // Encoded, an event weighs what it is, not what was guessed.
        for (var i = 102; i <= 150; i++)
            hub.Publish(new DashboardEvent("sent", "value", i, Weight: 1000));
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 139)));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 140)));
    }

    [Fact]
    public async Task Who_waits_is_woken_by_the_next_event_and_who_is_behind_does_not_wait()
    {
        var hub = new EventHub();
        var cursor = hub.Head;
        var first = hub.After(cursor);
        var second = hub.After(cursor);
        Assert.False(first.IsCompleted);
        Publish(hub, 1, 1);
        await first;
        await second;
        await hub.After(cursor);
        Assert.False(hub.After(hub.Head).IsCompleted);
        await hub.After(new Cursor("another run", 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("-1")]
    [InlineData("abc")]
    [InlineData("abc-")]
    [InlineData("abc--1")]
    [InlineData("abc-+1")]
    [InlineData("abc- 1")]
    [InlineData("abc-1.0")]
    [InlineData("abc-99999999999999999999")]
    public void Reads_no_cursor_from_what_no_host_wrote(string? text)
    {
        // One of them looks like a cursor of an epoch that no host has.
        if (Cursor.Parse(text) is { } cursor)
            Assert.False(new EventHub().Reaches(cursor));
    }

    [Fact]
    public void Reads_back_the_cursor_it_wrote()
    {
        var head = new EventHub().Head;
        Assert.Equal(head, Cursor.Parse(head.ToString()));
    }

    [Fact]
    public async Task A_hundred_readers_see_everything_once_while_others_publish()
    {
        const int Events = 10_000;
        var hub = new EventHub();
        var start = hub.Head;
        var readers = Enumerable.Range(0, 100).Select(async _ =>
        {
            var cursor = start;
            List<int> seen = [];
            while (seen.Count < Events)
            {
                await hub.After(cursor);
                seen.AddRange(ReadAll(hub, ref cursor).Select(e => e.Value));
            }

            return seen;
        }).ToArray();
        await Task.Run(() => Publish(hub, 1, Events));
        Assert.All(await Task.WhenAll(readers), seen => Assert.Equal(Enumerable.Range(1, Events), seen));
    }

    private static void Publish(EventHub hub, int from, int count)
    {
        for (var i = from; i < from + count; i++)
            hub.Publish(new DashboardEvent("sent", "value", i));
    }

    private static List<(long Seq, int Value)> ReadAll(EventHub hub, ref Cursor cursor)
    {
        List<(long, int)> events = [];
        while (true)
        {
            List<byte[]> frames = [];
            Assert.True(hub.Read(ref cursor, frames, most: 7));
            if (frames.Count == 0)
                return events;
            foreach (var frame in frames)
            {
                var lines = Encoding.UTF8.GetString(frame).Split('\n');
                Assert.StartsWith($"id: {hub.Epoch}-", lines[0], StringComparison.Ordinal);
                var data = JsonElement.Parse(lines[1]["data: ".Length..]);
                Assert.Equal(["", ""], lines[2..]);
                Assert.Equal(lines[0], $"id: {hub.Epoch}-{data.GetProperty("seq").GetInt64()}");
                events.Add((data.GetProperty("seq").GetInt64(), data.GetProperty("value").GetInt32()));
            }
        }
    }
}
