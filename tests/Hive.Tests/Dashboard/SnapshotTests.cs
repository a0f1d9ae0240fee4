using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Notifications;
using Hive.Features.Dashboard;
using Hive.Tests.Fixture;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Dashboard;

public sealed class SnapshotTests
{
    [Fact]
    public async Task A_snapshot_and_the_later_events_give_the_final_state_whenever_it_was_taken()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var http = hive.Http();
        List<Task<Page>> pages = [];
        var writing = Write(hive);
        for (var taken = 0; !writing.IsCompleted; taken++)
        {
            var state = await http.GetFromJsonAsync<JsonElement>("/api/state");
            if (taken % 8 == 0)
                pages.Add(Page.Open(hive, state));
        }

        await writing;
        Assert.True(pages.Count > 1);
        var last = (await (await hive.Connect("alice")).CallAsync("send", new { to = "operator", body = "the end" }))
            .GetProperty("id")
            .GetInt64();
        var final = await hive.State();
        foreach (var page in pages)
            await (await page).MustBecome(hive, final, last);
    }

    [Fact]
    public async Task The_page_the_snapshot_the_stream_and_the_health_name_the_same_build()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        var build = (await hive.State()).GetProperty("hive_version").GetString()!;
        Assert.Matches("^0\\.1\\.0\\+[0-9a-f]{12}$", build);
        Assert.Equal(
            build,
            (await http.GetFromJsonAsync<JsonElement>("/health")).GetProperty("hive_version").GetString()
        );
        using var stream = await http.GetAsync("/dashboard/stream", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync());
        var ready = "";
        while (!ready.StartsWith("data:", StringComparison.Ordinal))
            ready = (await lines.ReadLineAsync())!;
        Assert.Equal(build, JsonElement.Parse(ready["data:".Length..]).GetProperty("hive_version").GetString());
        foreach (var path in new[] { "/", "/index.html", "/stats", "/agents/manager" })
        {
            var page = await http.GetStringAsync(path);
            Assert.Contains($"<meta name=\"hive-version\" content=\"{build}\">", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Each_section_is_sent_before_the_next_is_written()
    {
        await using var hive = await HiveFixture.Start();
        await using var body = new FlushedStream();
        var http = new DefaultHttpContext { Response = { Body = body } };
        await hive.Services.GetRequiredService<Snapshot>().Write(http);
        await http.Response.CompleteAsync();
        var sections = hive.Services.GetServices<IDashboardSection>().Count();
        Assert.True(body.Flushes >= sections, $"{body.Flushes} flushes for {sections} sections");
        var members = JsonElement.Parse(body.ToArray()).EnumerateObject().Select(member => member.Name);
        Assert.Equal((await hive.State()).EnumerateObject().Select(member => member.Name), members);
    }

    [Fact]
    public async Task The_history_has_no_gap()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var marks = await hive.Connect("carol");
        var writing = Write(hive);
        while (!writing.IsCompleted)
        {
            var page = await hive.Http().GetFromJsonAsync<JsonElement>("/dashboard/history");
            using var events = await hive.Events(page.GetProperty("cursor").GetString());
            var known = page.GetProperty("messages")
                .EnumerateArray()
                .Select(m => m.GetProperty("id").GetInt64())
                .ToHashSet();
            var sent = (await marks.CallAsync("send", new { to = "operator", body = "mark" }))
                .GetProperty("id")
                .GetInt64();
            var newest = known.DefaultIfEmpty(0).Max();
            // No message between the newest of the snapshot and the mark is missing.
            while (newest < sent)
            {
                var id = (await events.Next("sent")).GetProperty("message").GetProperty("id").GetInt64();
                if (!known.Add(id))
                    continue;
                Assert.Equal(newest + 1, id);
                newest = id;
            }
        }

        await writing;
    }

    [Fact]
    public async Task Pages_of_the_history_reach_back_to_the_first_message()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 450; i++)
            await alice.CallAsync("send", new { to = "bob", body = $"{i}" });
        List<int> seen = [];
        for (long? before = null; ; )
        {
            var page = (
                await hive.Http()
                    .GetFromJsonAsync<JsonElement>($"/dashboard/history{(before is null ? "" : $"?before={before}")}")
            )
                .GetProperty("messages")
                .EnumerateArray()
                .ToArray();
            if (page.Length == 0)
                break;
            Assert.True(page.Length <= 200);
            seen.InsertRange(
                0,
                page.Select(m =>
                    int.Parse(m.GetProperty("body").GetString()!, System.Globalization.CultureInfo.InvariantCulture)
                )
            );
            before = page[0].GetProperty("id").GetInt64();
        }

        Assert.Equal(Enumerable.Range(0, 450), seen);
    }

    [Fact]
    public async Task Lists_hold_the_fifty_newest()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 60; i++)
            await alice.CallAsync("send", new { to = "operator", body = $"{i}" });
        var state = await hive.State();
        Assert.Equal(
            Enumerable.Range(10, 50).Reverse().Select(i => $"{i}"),
            state.GetProperty("inbox").EnumerateArray().Select(m => m.GetProperty("body").GetString())
        );
        Assert.Equal(60, state.GetProperty("inbox_unread").GetInt32());
    }

    // Makes all kinds of changes from several connections at once.
    private static async Task Write(HiveFixture hive)
    {
        var host = await hive.Operator();
        await Task.WhenAll(
            Sends("alice", "bob", 300),
            Sends("alice", "operator", 100),
            Sends("carol", "bob", 100),
            Statuses(),
            Receives(),
            Reads()
        );

        async Task Sends(string from, string to, int count)
        {
            var connection = await hive.Connect(from);
            for (var i = 0; i < count; i++)
                await connection.CallAsync("send", new { to, body = $"{from} {i}" });
        }

        async Task Statuses()
        {
            var carol = await hive.Connect("carol");
            for (var i = 0; i < 50; i++)
                await carol.CallAsync("set_status", new { text = $"at {i}" });
        }

        async Task Receives()
        {
            var bob = await hive.Connect("bob");
            for (var received = 0; received < 200; received++)
            {
                var id = (await bob.CallAsync("recv", new { wait_seconds = 180 }))
                    .GetProperty("messages")[0]
                    .GetProperty("id")
                    .GetInt64();
                for (var nacks = received % 20 == 0 ? 3 : 0; nacks > 0; nacks--)
                {
                    // The third nack parks it.
                    await bob.CallAsync(
                        "nack",
                        new
                        {
                            ids = new[] { id },
                            delay_seconds = 0,
                            error = "no",
                        }
                    );
                    if (
                        nacks > 1
                        && (await bob.CallAsync("recv", new { wait_seconds = 180 }))
                            .GetProperty("messages")[0]
                            .GetProperty("id")
                            .GetInt64()
                            is var next
                        && next != id
                    )
                        id = next;
                }

                await bob.CallAsync("ack", new { all = true });
            }
        }

        async Task Reads()
        {
            for (var i = 0; i < 20; i++)
                await host.CallAsync("ack_messages", new { all = true });
        }
    }

    /// <summary>Applies a snapshot and the later events, as a browser does.</summary>
    private sealed class Page
    {
        private const int Shown = 50;
        private readonly Dictionary<string, string> agents = [];
        private readonly SortedDictionary<long, JsonElement> inbox = [];
        private readonly SortedDictionary<long, JsonElement> parked = [];
        private readonly EventReader events;

        private Page(JsonElement state, EventReader events)
        {
            this.events = events;
            foreach (var agent in state.GetProperty("agents").EnumerateArray())
                agents[agent.GetProperty("name").GetString()!] = agent.ToString();
            foreach (var message in state.GetProperty("inbox").EnumerateArray())
                inbox[Id(message)] = message;
            foreach (var message in state.GetProperty("parked").EnumerateArray())
                parked[Id(message)] = message;
        }

        public static async Task<Page> Open(HiveFixture hive, JsonElement state) =>
            new(state, await hive.Events(state.GetProperty("cursor").GetString()));

        public async Task MustBecome(HiveFixture hive, JsonElement final, long last)
        {
            while (!inbox.ContainsKey(last))
                Apply(await events.Next());
            Assert.Equal(Newest(final.GetProperty("inbox")), Newest(inbox));
            Assert.Equal(Newest(final.GetProperty("parked")), Newest(parked));
            var rows = final.GetProperty("agents").EnumerateArray().Select(a => a.ToString()).ToArray();
            // Rows are published at most four times a second by the clock, which stands still.
            while (!rows.SequenceEqual(rows.Select(r => agents[JsonElement.Parse(r).GetProperty("name").GetString()!])))
            {
                var next = events.Next();
                await hive.Clock.AdvanceUntil(next, TimeSpan.FromMilliseconds(250));
                Apply(await next);
            }

            events.Dispose();
        }

        private void Apply(JsonElement item)
        {
            if (item.TryGetProperty("container", out var row))
                agents[row.GetProperty("name").GetString()!] = row.ToString();
            if (!item.TryGetProperty("message", out var message))
                return;
            if (message.GetProperty("to").GetString() == "operator")
                inbox[Id(message)] = message;
            if (message.TryGetProperty("parked_at", out _) && !message.TryGetProperty("acked_at", out _))
                parked[Id(message)] = message;
            else
                parked.Remove(Id(message));
        }

        private static long Id(JsonElement message) => message.GetProperty("id").GetInt64();

        private static IEnumerable<string> Newest(JsonElement messages) =>
            messages.EnumerateArray().Select(m => m.ToString());

        private static IEnumerable<string> Newest(SortedDictionary<long, JsonElement> messages) =>
            messages.Values.Reverse().Take(Shown).Select(m => m.ToString());
    }

    private sealed class FlushedStream : MemoryStream
    {
        public int Flushes { get; private set; }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Flushes++;
            return base.FlushAsync(cancellationToken);
        }
    }
}
