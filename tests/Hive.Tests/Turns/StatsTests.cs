using System.Net;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.Turns;

public sealed class StatsTests
{
    [Fact]
    public async Task Turns_are_added_up_by_agent_and_by_bucket_of_time()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        await hive.Turned(
            alice,
            "alice",
            model: "claude-haiku-4-5-20251001",
            input: 1_000_000,
            output: 200_000,
            duration: 1_000
        );
        await hive.Turned(alice, "alice", "failed", model: "mine", input: 10, duration: 500);
        await hive.Turned(alice, "alice", "rate_limited");
        hive.Clock.Advance(TimeSpan.FromMinutes(30));
        await hive.Turned(bob, "bob", "prompt_too_long", model: "claude-haiku-4-5", output: 1_000_000, duration: 2_000);
        var stats = await hive.Get("/api/stats?window=24h");
        Assert.Equal(("24h", 1_800L), (stats.Word("window"), stats.Number("bucket_seconds")));
        Assert.Equal(
            ("2026-01-30T13:00:00.000Z", "2026-01-31T12:30:00.000Z"),
            (stats.Word("from_at"), stats.Word("to_at"))
        );
        Assert.Equal(["mine"], stats.GetProperty("unknown_models").EnumerateArray().Select(m => m.GetString()));
        var agents = stats.GetProperty("agents").EnumerateArray().ToArray();
        Assert.Equal(
            """{"name":"alice","turns":3,"failed":1,"input_tokens":1000010,"output_tokens":"""
                + """200000,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"cost_usd":2,"duration_ms":"""
                + """1500,"tool_call_count":0,"unpriced_turns":1}""",
            agents[0].ToString()
        );
        Assert.Equal(
            ("bob", 1L, 1L, 5.0),
            (
                agents[1].Word("name"),
                agents[1].Number("turns"),
                agents[1].Number("failed"),
                agents[1].GetProperty("cost_usd").GetDouble()
            )
        );
        var buckets = stats.GetProperty("buckets").EnumerateArray().ToArray();
        Assert.Equal(48, buckets.Length);
        Assert.Equal(
            """{"at":"2026-01-31T12:00:00.000Z","turns":3,"failed":1,"input_tokens":1000010,"output_tokens":"""
                + """200000,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"cost_usd":"""
                + """2,"duration_ms":1500}""",
            buckets[46].ToString()
        );
        Assert.Equal(("2026-01-31T12:30:00.000Z", 1L), (buckets[47].Word("at"), buckets[47].Number("turns")));
        Assert.All(buckets[..46], b => Assert.Equal(0, b.Number("turns")));
        // The hourly sums give the same.
        foreach (var window in new[] { "7d", "30d" })
        {
            var longer = await hive.Get($"/api/stats?window={window}");
            Assert.Equal(stats.GetProperty("agents").ToString(), longer.GetProperty("agents").ToString());
            Assert.Equal(
                stats.GetProperty("unknown_models").ToString(),
                longer.GetProperty("unknown_models").ToString()
            );
            Assert.Equal(4, longer.GetProperty("buckets").EnumerateArray().Sum(b => b.Number("turns")));
        }

        // The turn that took longest is named where the turns themselves are read.
        Assert.Equal(
            ("bob", 2_000L),
            (stats.GetProperty("slowest").Word("agent"), stats.GetProperty("slowest").Number("duration_ms"))
        );
        var ofAlice = (await hive.Get("/api/stats?window=1h&agent=alice")).GetProperty("slowest");
        Assert.Equal(("alice", 1_000L), (ofAlice.Word("agent"), ofAlice.Number("duration_ms")));
        Assert.False((await hive.Get("/api/stats?window=7d")).TryGetProperty("slowest", out _));

        // The snapshot has the same sums for a day.
        Assert.Equal(stats.GetProperty("agents").ToString(), (await hive.State()).GetProperty("stats").ToString());
        var alone = await hive.Get("/api/stats?window=24h&agent=bob");
        Assert.Equal("bob", Assert.Single(alone.GetProperty("agents").EnumerateArray()).Word("name"));
        Assert.Equal(1, alone.GetProperty("buckets").EnumerateArray().Sum(b => b.Number("turns")));
    }

    [Theory]
    [InlineData("24h")]
    [InlineData("30d")]
    public async Task A_lost_turn_counts_once_and_with_the_figures_reported_later(string window)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var (turn, _) = await hive.Turn(bob, "bob");
        await bob.CallAsync("requeue_inflight");
        async Task<(long?, long?, long?)> Sums()
        {
            var sums = Assert.Single(
                (await hive.Get($"/api/stats?window={window}")).GetProperty("agents").EnumerateArray()
            );
            return (sums.Number("turns"), sums.Number("failed"), sums.Number("input_tokens"));
        }

        Assert.Equal((1, 1, 0), await Sums());
        hive.Clock.Advance(TimeSpan.FromHours(3));
        for (var i = 0; i < 2; i++)
        {
            await bob.CallAsync(
                "end_turn",
                new
                {
                    turn,
                    result = "failed",
                    model = "opus",
                    input_tokens = 7,
                }
            );
            Assert.Equal((1, 1, 7), await Sums());
        }

        var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "bob", purge = true });
        await hive.Spawn("bob");
        Assert.Empty((await hive.Get("/api/stats?window=30d")).GetProperty("agents").EnumerateArray());
    }

    [Theory]
    [InlineData("1h", 60, 60)]
    [InlineData("24h", 1_800, 48)]
    [InlineData("7d", 10_800, 56)]
    [InlineData("30d", 43_200, 60)]
    public async Task Every_window_has_its_buckets_and_no_older_turns(string window, int seconds, int count)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        await hive.Turned(bob, "bob");
        async Task<(long, int, long?)> Stats()
        {
            var stats = await hive.Get($"/api/stats?window={window}");
            var buckets = stats.GetProperty("buckets").EnumerateArray().ToArray();
            return (stats.Number("bucket_seconds")!.Value, buckets.Length, buckets.Sum(b => b.Number("turns")));
        }

        Assert.Equal((seconds, count, 1), await Stats());
        hive.Clock.Jump(TimeSpan.FromSeconds((count - 1) * (double)seconds));
        Assert.Equal((seconds, count, 1), await Stats());
        hive.Clock.Jump(TimeSpan.FromSeconds(seconds));
        Assert.Equal((seconds, count, 0), await Stats());
    }

    [Theory]
    [InlineData("window=2h")]
    [InlineData("window=")]
    [InlineData("agent=No%20body")]
    public async Task An_unknown_window_is_refused(string query)
    {
        var hive = await AllRows.Share([]);
        Assert.Equal(HttpStatusCode.BadRequest, (await hive.Http().GetAsync($"/api/stats?{query}")).StatusCode);
    }

    [Fact]
    public async Task A_turn_counts_at_its_reported_end_within_the_hosts_own_times()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        List<long> turns = [];
        for (var i = 0; i < 3; i++)
            turns.Add((await hive.Turn(bob, "bob")).Turn);
        hive.Clock.Advance(TimeSpan.FromMinutes(20));
        // Reported when the host is back, by a clock that is right, behind, and ahead.
        foreach (
            var (turn, ended) in turns.Zip(["2026-01-31T12:05:30Z", "1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
        )
            await bob.CallAsync(
                "end_turn",
                new
                {
                    turn,
                    result = "ok",
                    ended_at = ended,
                }
            );
        var buckets = (await hive.Get("/api/stats?window=1h")).GetProperty("buckets").EnumerateArray();
        Assert.Equal(
            ["2026-01-31T12:00:00.000Z", "2026-01-31T12:05:00.000Z", "2026-01-31T12:20:00.000Z"],
            buckets.Where(b => b.Number("turns") > 0).Select(b => b.Word("at"))
        );
        Assert.Equal("1999-01-01T00:00:00.000Z", (await hive.Turns("bob"))[1].Word("ended_at"));
    }
}
