using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Turns;

public sealed class EndTurnTests
{
    [Fact]
    public async Task The_figures_of_a_turn_are_stored_with_its_acks_and_published_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var (turn, _) = await hive.Turn(bob, "bob");
        using var events = await hive.Events();
        var end = new
        {
            turn,
            result = "ok",
            model = "claude-opus-4-5-20251101",
            started_at = "2026-01-31T11:59:50.000Z",
            ended_at = "2026-01-31T12:00:00.000Z",
            duration_ms = 9_999,
            input_tokens = 1_000_000,
            output_tokens = 100_000,
            cache_read_input_tokens = 2_000_000,
            cache_creation_input_tokens = 400_000,
            last_input_tokens = 5,
            last_output_tokens = 6,
            last_cache_read_input_tokens = 7,
            last_cache_creation_input_tokens = 8,
            tool_call_count = 3,
            tool_calls = new Dictionary<string, long> { ["Bash"] = 2, ["mcp__hive__send"] = 1 },
            open_loose_ends_count = 1,
            open_reminders_count = 0,
            cost_usd = 1.25,
        };
        var first = await bob.CallAsync("end_turn", end);
        Assert.Equal(1, first.Int("acked"));
        // A harness that got no answer ends the turn again; the second report is ignored.
        Assert.Equal(first.ToString(), (await bob.CallAsync("end_turn", end)).ToString());
        Assert.Equal(
            first.ToString(),
            (
                await bob.CallAsync(
                    "end_turn",
                    new
                    {
                        turn,
                        result = "failed",
                        duration_ms = 1,
                    }
                )
            ).ToString()
        );
        Assert.Equal("acked", (await events.Next("acked", "turn_ended")).Word("kind"));
        var told = (await events.Next("turn_ended")).GetProperty("turn");
        var row = Assert.Single(await hive.Turns("bob"));
        Assert.Equal(told.ToString(), row.ToString());
        foreach (
            var (name, value) in JsonSerializer
                .SerializeToElement(end)
                .EnumerateObject()
                .Select(m => (m.Name, m.Value))
                .Where(m => m.Name is not ("turn" or "cost_usd"))
        )
            Assert.Equal(value.ToString(), row.GetProperty(name).ToString());
        Assert.Equal((turn, "bob", "operator"), (row.Number("id"), row.Word("agent"), row.Word("wake_from")));
        Assert.Equal(1.25, row.GetProperty("reported_cost_usd").GetDouble());
        Assert.Equal(5 + 2.5 + 1 + 2.5, row.GetProperty("cost_usd").GetDouble(), 9);
        await hive.Turned(bob, "bob");
        Assert.Equal(turn + 1, (await events.Next("turn_ended")).GetProperty("turn").Number("id"));
    }

    [Fact]
    public async Task Figures_that_a_harness_does_not_report_are_absent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        await hive.Turned(bob, "bob", "failed");
        Assert.Equal(
            ["id", "agent", "wake_from", "result", "started_at", "ended_at"],
            Assert.Single(await hive.Turns("bob")).EnumerateObject().Select(m => m.Name)
        );
    }

    [Theory]
    [InlineData("duration_ms", "-1")]
    [InlineData("input_tokens", "1000000000001")]
    [InlineData("last_output_tokens", "1.5")]
    [InlineData("open_reminders_count", "\"2\"")]
    [InlineData("cost_usd", "-0.01")]
    [InlineData("started_at", "\"yesterday\"")]
    [InlineData("tool_calls", "{\"Bash\":-1}")]
    [InlineData("tool_calls", "{\"\":1}")]
    [InlineData("tool_calls", "[1]")]
    [InlineData("delay_seconds", "86401")]
    public async Task Invalid_figures_are_refused_and_the_turn_continues(string field, string json)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var (turn, _) = await hive.Turn(bob, "bob");
        var refused = await Talk.Refused(
            () =>
                bob.CallAsync(
                    "end_turn",
                    new Dictionary<string, object>
                    {
                        ["turn"] = turn,
                        ["result"] = "ok",
                        [field] = JsonElement.Parse(json),
                    }
                ),
            "invalid"
        );
        Assert.Contains(field, refused.Message, StringComparison.Ordinal);
        Assert.Empty(await hive.Turns("bob"));
        Assert.Equal((0, 1, 0), await bob.Status());
        Assert.Equal(1, (await bob.CallAsync("end_turn", new { turn, result = "ok" })).Int("acked"));
    }

    [Fact]
    public async Task The_number_and_length_of_tool_names_is_limited()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var (turn, _) = await hive.Turn(bob, "bob");
        var tools = Enumerable.Range(0, 200).ToDictionary(i => $"tool-{i}".PadRight(200, 'x'), i => (long)i);
        await Talk.Refused(
            () =>
                bob.CallAsync(
                    "end_turn",
                    new
                    {
                        turn,
                        result = "ok",
                        tool_calls = new Dictionary<string, long>(tools) { ["one more"] = 1 },
                    }
                ),
            "invalid"
        );
        await Talk.Refused(
            () =>
                bob.CallAsync(
                    "end_turn",
                    new
                    {
                        turn,
                        result = "ok",
                        tool_calls = new Dictionary<string, long> { [new string('x', 201)] = 1 },
                    }
                ),
            "invalid"
        );
        await bob.CallAsync(
            "end_turn",
            new
            {
                turn,
                result = "ok",
                tool_calls = tools,
            }
        );
        Assert.Equal(200, Assert.Single(await hive.Turns("bob")).GetProperty("tool_calls").EnumerateObject().Count());
    }

    [Fact]
    public async Task A_lost_turn_that_is_ended_with_ok_later_is_not_repeated()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var (turn, message) = await hive.Turn(await hive.Connect("bob"), "bob");
        using var events = await hive.Events();
        // The harness is started again, and does not name the turn.
        var again = await hive.Connect("bob");
        await again.CallAsync("requeue_inflight");
        Assert.Equal("lost", (await events.Next("turn_ended")).GetProperty("turn").Word("result"));
        Assert.Equal("lost", Assert.Single(await hive.Turns("bob")).Word("result"));
        Assert.Equal((1, 0, 0), await again.Status());
        // Also after a restart of the host.
        await hive.Restart();
        again = await hive.Connect("bob");
        Assert.Equal(
            1,
            (
                await again.CallAsync(
                    "end_turn",
                    new
                    {
                        turn,
                        result = "ok",
                        duration_ms = 5,
                    }
                )
            ).Int("acked")
        );
        Assert.Equal(
            1,
            (
                await again.CallAsync(
                    "end_turn",
                    new
                    {
                        turn,
                        result = "ok",
                        duration_ms = 5,
                    }
                )
            ).Int("acked")
        );
        Assert.Equal((0, 0, 0), await again.Status());
        Assert.Empty(await again.Receive());
        var row = Assert.Single(await hive.Turns("bob"));
        Assert.Equal(("ok", 5L, turn), (row.Word("result"), row.Number("duration_ms"), row.Number("id")));
        Assert.NotEqual(0, message);
    }

    [Fact]
    public async Task Messages_redelivered_before_a_late_end_stay_with_their_new_holder()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var (turn, message) = await hive.Turn(bob, "bob");
        await bob.CallAsync("requeue_inflight");
        Assert.True(Assert.Single(await bob.Receive()).Redelivered);
        Assert.Equal(
            0,
            (
                await bob.CallAsync(
                    "end_turn",
                    new
                    {
                        turn,
                        result = "ok",
                        input_tokens = 9,
                    }
                )
            ).Int("acked")
        );
        Assert.Equal((0, 1, 0), await bob.Status());
        Assert.Equal(9, Assert.Single(await hive.Turns("bob")).Number("input_tokens"));
        // Requeued by another turn, and not leased since.
        var second = (await bob.CallAsync("begin_turn", new { ids = new[] { message }, wake_from = "operator" }))
            .GetProperty("turn")
            .GetInt64();
        await bob.CallAsync("requeue_inflight");
        Assert.Equal(
            1,
            (
                await bob.CallAsync(
                    "end_turn",
                    new
                    {
                        turn = second,
                        result = "failed",
                        delay_seconds = 0,
                    }
                )
            ).Int("requeued")
        );
        Assert.Equal(1, Assert.Single(await bob.Receive()).Attempts);
    }

    [Fact]
    public async Task A_rate_limited_turn_does_not_count_against_its_messages()
    {
        const string result = "rate_limited";
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var (turn, id) = await hive.Turn(bob, "bob");
        for (var i = 0; i < 5; i++)
        {
            var ended = await bob.CallAsync(
                "end_turn",
                new
                {
                    turn,
                    result,
                    note = "a pause",
                    delay_seconds = 60,
                }
            );
            Assert.Equal((0, 1, 0), (ended.Int("acked"), ended.Int("requeued"), ended.Int("parked")));
            Assert.Empty(await bob.Receive());
            hive.Clock.Advance(TimeSpan.FromSeconds(60));
            var message = Assert.Single(await bob.Receive(wait: 10));
            Assert.Equal((id, (int?)null, "a pause"), (message.Id, message.Attempts, message.LastError));
            turn = (await bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "operator" }))
                .GetProperty("turn")
                .GetInt64();
        }

        Assert.Equal(5, (await hive.Turns("bob")).Length);
    }

    [Fact]
    public async Task Turns_are_paged_newest_first_and_an_unknown_agent_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "carol");
        var bob = await hive.Connect("bob");
        List<long> turns = [];
        for (var i = 0; i < 5; i++)
            turns.Add(await hive.Turned(bob, "bob"));
        turns.Reverse();
        async Task<long?[]> Page(string query) =>
            [
                .. (await hive.Get($"/api/agents/bob/turns{query}"))
                    .GetProperty("turns")
                    .EnumerateArray()
                    .Select(t => t.Number("id")),
            ];
        Assert.Equal(turns.Select(t => (long?)t), await Page(""));
        Assert.Equal([turns[0]], await Page("?limit=0"));
        Assert.Equal([turns[3], turns[4]], await Page($"?limit=1000&before={turns[2]}"));
        Assert.Empty(await hive.Turns("carol"));
        Assert.Equal(
            System.Net.HttpStatusCode.NotFound,
            (await hive.Http().GetAsync("/api/agents/nobody/turns")).StatusCode
        );
        Assert.Equal(
            System.Net.HttpStatusCode.BadRequest,
            (await hive.Http().GetAsync("/api/agents/No%20body/turns")).StatusCode
        );
        Assert.Equal(
            System.Net.HttpStatusCode.Unauthorized,
            (await hive.Http(signedIn: false).GetAsync("/api/agents/bob/turns")).StatusCode
        );
    }

    [Fact]
    public async Task A_destroyed_agent_keeps_its_turns_and_a_purged_one_keeps_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "carol");
        foreach (var name in new[] { "bob", "carol" })
        {
            var agent = await hive.Connect(name);
            await hive.Turned(agent, name);
            await agent.CallAsync(
                "emit",
                new
                {
                    events = new[]
                    {
                        new
                        {
                            kind = "text",
                            at = hive.Clock.GetUtcNow(),
                            text = "hello",
                        },
                    },
                }
            );
        }

        // Their figures of an earlier hour are deleted after the answer, in small writes.
        hive.Clock.Jump(TimeSpan.FromHours(2));
        var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "bob" });
        await host.CallAsync("destroy", new { name = "carol", purge = true });
        await UntilPurged(hive, "carol");
        Assert.Single(await hive.Turns("bob"));
        Assert.Single(await hive.AgentEvents("bob"));
        await host.CallAsync("purge_tombstone", new { name = "bob" });
        await UntilPurged(hive, "bob");
    }

    [Fact]
    public async Task Figures_are_deleted_after_400_days_and_events_after_7()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        var old = await hive.Turned(bob, "bob");
        // More than one write deletes.
        for (var i = 0; i < 3; i++)
            await bob.CallAsync(
                "emit",
                new
                {
                    events = Enumerable
                        .Range(0, 100)
                        .Select(n => new
                        {
                            kind = "text",
                            at = hive.Clock.GetUtcNow(),
                            text = $"{n}",
                        }),
                }
            );
        hive.Clock.Jump(TimeSpan.FromDays(8));
        await bob.CallAsync(
            "emit",
            new
            {
                events = new[]
                {
                    new
                    {
                        kind = "text",
                        at = hive.Clock.GetUtcNow(),
                        text = "young",
                    },
                },
            }
        );
        hive.Clock.Advance(TimeSpan.FromHours(1));
        await Until(hive, 2, "bob");
        Assert.Equal("young", Assert.Single(await hive.AgentEvents("bob")).Word("text"));
        Assert.Equal(old, Assert.Single(await hive.Turns("bob")).Number("id"));
        hive.Clock.Jump(TimeSpan.FromDays(393));
        var young = await hive.Turned(bob, "bob");
        hive.Clock.Advance(TimeSpan.FromHours(1));
        await Until(hive, 1, "bob");
        Assert.Equal(young, Assert.Single(await hive.Turns("bob")).Number("id"));
    }

    private static Task UntilPurged(HiveFixture hive, string agent)
    {
        var store = hive.Services.GetRequiredService<IStore>();
        return Patience.Until(
            async () =>
                await store.Read(db =>
                    db.ExecuteScalar<long>(
                        """
                        SELECT (SELECT count(*) FROM turns WHERE agent = @agent)
                             + (SELECT count(*) FROM turn_stats WHERE agent = @agent)
                             + (SELECT count(*) FROM turn_hours WHERE agent = @agent)
                             + (SELECT count(*) FROM agent_events WHERE agent = @agent)
                             + (SELECT count(*) FROM turn_purges WHERE agent = @agent)
                        """,
                        new { agent }
                    )
                ) == 0,
            $"{agent}'s turns, figures and events are deleted"
        );
    }

    // Waits until that many rows of an agent's turns and events are left.
    private static async Task Until(HiveFixture hive, long rows, string agent)
    {
        var store = hive.Services.GetRequiredService<IStore>();
        await Patience.Until(
            async () =>
                await store.Write(write =>
                    write.Db.ExecuteScalar<long>(
                        "SELECT (SELECT count(*) FROM turn_stats WHERE agent = @agent) "
                            + "+ (SELECT count(*) FROM agent_events WHERE agent = @agent)",
                        new { agent }
                    )
                ) == rows,
            $"{rows} rows of {agent}"
        );
    }
}
