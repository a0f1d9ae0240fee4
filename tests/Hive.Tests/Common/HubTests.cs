using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Hive.Common.Notifications;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

public sealed class HubTests
{
    [Fact]
    public void Events_are_numbered_in_their_order()
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
    public void Every_subscriber_gets_the_same_bytes()
    {
        var hub = new EventHub();
        var one = hub.Head;
        var other = one;
        Publish(hub, 1, 10);
        ArrayBufferWriter<byte> first = new(),
            second = new();
        hub.Read(ref one, first);
        hub.Read(ref other, second);
        Assert.Equal(first.WrittenSpan, second.WrittenSpan);
    }

    [Fact]
    public void Only_cursors_from_the_oldest_kept_event_on_are_reachable()
    {
        var hub = new EventHub(capacity: 8);
        _ = hub.Head;
        Publish(hub, 1, 20);
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 11)));
        var cursor = new Cursor(hub.Epoch, 11);
        var output = new ArrayBufferWriter<byte>();
        Assert.False(hub.Read(ref cursor, output));
        Assert.Equal(0, output.WrittenCount);
        Assert.Equal(11, cursor.Seq);
        cursor = new Cursor(hub.Epoch, 12);
        Assert.True(hub.Reaches(cursor));
        Assert.Equal(Enumerable.Range(13, 8), ReadAll(hub, ref cursor).Select(e => e.Value));
    }

    [Fact]
    public void Cursors_of_another_run_or_of_the_future_are_unreachable()
    {
        var hub = new EventHub();
        _ = hub.Head;
        Publish(hub, 1, 5);
        Assert.False(hub.Reaches(new Cursor(new EventHub().Epoch, 3)));
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 6)));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 5)));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 0)));
    }

    [Fact]
    public void The_limit_on_bytes_holds_and_an_event_over_it_clears_the_ring()
    {
        var hub = new EventHub(capacity: 1000, maxBytes: 10_000);
        _ = hub.Head;
        for (var i = 1; i <= 100; i++)
            hub.Publish(new DashboardEvent("sent", "value", new string('x', 900)));
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 90)));
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 89)));
        hub.Publish(new DashboardEvent("sent", "value", new string('x', 10_000)));
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 100)));
        var cursor = hub.Head;
        Publish(hub, 102, 1);
        Assert.Equal(102, Assert.Single(ReadAll(hub, ref cursor)).Value);
    }

    [Fact]
    public void Published_rows_are_not_kept_alive()
    {
        var hub = new EventHub();
        _ = hub.Head;
        var row = PublishOne(hub);
        GC.Collect();
        Assert.False(row.IsAlive);
        Assert.True(hub.Reaches(new Cursor(hub.Epoch, 0)));
    }

    [Fact]
    public void Events_are_kept_while_a_stream_is_open_and_ten_minutes_after()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var hub = new EventHub(clock: clock);
        Publish(hub, 1, 2);
        Assert.False(hub.Reaches(new Cursor(hub.Epoch, 1)));
        var cursor = hub.Head;
        Assert.Equal(2, cursor.Seq);
        var listener = hub.Listen();
        clock.Advance(TimeSpan.FromHours(1));
        Publish(hub, 3, 1);
        listener.Dispose();
        listener.Dispose();
        clock.Advance(EventHub.KeptUnheard - TimeSpan.FromSeconds(1));
        Publish(hub, 4, 1);
        Assert.Equal([3, 4], ReadAll(hub, ref cursor).Select(e => e.Value));
        clock.Advance(TimeSpan.FromSeconds(1));
        Publish(hub, 5, 1);
        Assert.False(hub.Reaches(cursor));
        cursor = hub.Head;
        Publish(hub, 6, 1);
        Assert.Equal((6L, 6), Assert.Single(ReadAll(hub, ref cursor)));
    }

    [Fact, Sampled]
    public void Frames_of_all_sizes_are_read_whole_anywhere_in_the_ring()
    {
        var random = Ring.Random();
        var hub = new EventHub(capacity: 300, maxBytes: 200_000);
        var cursor = hub.Head;
        for (var round = 0; round < 200; round++)
        {
            var rows = Enumerable
                .Range(0, random.Next(1, 20))
                .Select(_ => new string(
                    (char)('a' + random.Next(26)),
                    random.Next(0, random.Next(2) == 0 ? 100 : 9_000)
                ))
                .ToArray();
            foreach (var row in rows)
                hub.Publish(new DashboardEvent("sent", "value", row));
            Assert.Equal(rows, Rows(hub, ref cursor).Select(e => e.GetProperty("value").GetString()));
        }
    }

    [Fact]
    public async Task A_subscriber_waits_for_the_next_event_only_when_it_is_not_behind()
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
    public void A_text_that_no_host_wrote_is_not_a_cursor(string? text)
    {
        // One of the texts looks like a cursor of an unknown epoch.
        if (Cursor.Parse(text) is { } cursor)
            Assert.False(new EventHub().Reaches(cursor));
    }

    [Fact]
    public void A_written_cursor_is_read_back()
    {
        var head = new EventHub().Head;
        Assert.Equal(head, Cursor.Parse(head.ToString()));
    }

    [Fact]
    [Sampled]
    public async Task A_hundred_readers_see_every_event_once_during_concurrent_publishing()
    {
        var count = Ring.Count(2_000, inLong: 10_000);
        var hub = new EventHub();
        var start = hub.Head;
        var readers = Enumerable
            .Range(0, 100)
            .Select(async _ =>
            {
                var cursor = start;
                List<int> seen = [];
                while (seen.Count < count)
                {
                    await hub.After(cursor);
                    seen.AddRange(ReadAll(hub, ref cursor).Select(e => e.Value));
                }

                return seen;
            })
            .ToArray();
        await Task.Run(() => Publish(hub, 1, count));
        Assert.All(await Task.WhenAll(readers), seen => Assert.Equal(Enumerable.Range(1, count), seen));
    }

    private static void Publish(EventHub hub, int from, int count)
    {
        for (var i = from; i < from + count; i++)
            hub.Publish(new DashboardEvent("sent", "value", i));
    }

    // Not inlined: the caller's stack frame would keep the row alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference PublishOne(EventHub hub)
    {
        var row = new Version(1, 2);
        hub.Publish(new DashboardEvent("sent", "value", row));
        return new WeakReference(row);
    }

    private static List<(long Seq, int Value)> ReadAll(EventHub hub, ref Cursor cursor) =>
        [.. Rows(hub, ref cursor).Select(e => (e.GetProperty("seq").GetInt64(), e.GetProperty("value").GetInt32()))];

    private static List<JsonElement> Rows(EventHub hub, ref Cursor cursor)
    {
        List<JsonElement> events = [];
        while (true)
        {
            var (before, output) = (cursor, new ArrayBufferWriter<byte>());
            Assert.True(hub.Read(ref cursor, output));
            if (cursor == before)
                return events;
            foreach (var frame in Encoding.UTF8.GetString(output.WrittenSpan).Split("\n\n")[..^1])
            {
                var lines = frame.Split('\n');
                var data = JsonElement.Parse(lines[1]["data: ".Length..]);
                Assert.Equal(2, lines.Length);
                Assert.Equal(lines[0], $"id: {hub.Epoch}-{data.GetProperty("seq").GetInt64()}");
                events.Add(data);
            }
        }
    }
}
