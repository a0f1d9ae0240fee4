using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Turns;

public sealed class TurnTests
{
    [Theory]
    [InlineData("ok", "acked", 0, 0)]
    [InlineData("failed", "requeued", 1, 0)]
    [InlineData("cancelled", "parked", 0, 1)]
    [InlineData("rate_limited", "requeued", 1, 0)]
    [InlineData("prompt_too_long", "requeued", 1, 0)]
    public async Task The_end_of_a_turn_acks_parks_or_nacks_its_messages_once(
        string result,
        string kind,
        int unread,
        int parked
    )
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Send("bob");
        await bob.Receive();
        var cursor = await hive.Cursor();
        var turn = (await bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        Assert.Empty(await hive.Kinds(cursor));
        var end = new
        {
            turn,
            result,
            note = "so it was",
            duration_ms = 12,
            whatever = "later versions say more",
        };
        cursor = await hive.Cursor();
        var first = await bob.CallAsync("end_turn", end);
        Assert.Equal([kind, "turn_ended"], await hive.Kinds(cursor));
        cursor = await hive.Cursor();
        Assert.Equal(first.ToString(), (await bob.CallAsync("end_turn", end)).ToString());
        Assert.Empty(await hive.Kinds(cursor));
        Assert.Equal((unread, 0, parked), await bob.Status());
        var row = Assert.Single(
            (await bob.CallAsync("recent")).GetProperty("rows").Deserialize<Message[]>(WireJson.Options)!
        );
        Assert.Equal(result == "ok" ? null : "so it was", row.LastError);
    }

    [Fact]
    public async Task A_cancelled_turn_parks_its_messages_with_the_operator_as_the_reason()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Send("bob");
        await bob.Receive();
        var turn = (await bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        var ended = await bob.CallAsync(
            "end_turn",
            new
            {
                turn,
                result = "cancelled",
                delay_seconds = 0,
            }
        );
        Assert.Equal((0, 1), (ended.Int("requeued"), ended.Int("parked")));
        var row = Assert.Single(
            (await bob.CallAsync("recent")).GetProperty("rows").Deserialize<Message[]>(WireJson.Options)!
        );
        Assert.Equal(("cancelled by the operator", 1, true), (row.LastError, row.Attempts, row.ParkedAt is not null));
        hive.Clock.Advance(TimeSpan.FromDays(1));
        await hive.Settled();
        Assert.Empty(await bob.Receive());
    }

    [Fact]
    public async Task A_turn_begins_only_with_leased_messages_and_ends_only_for_its_agent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Send("bob");
        await Talk.Refused(
            () => bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }),
            "conflict"
        );
        await bob.Receive();
        await Talk.Refused(
            () => alice.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }),
            "conflict"
        );
        var turn = (await bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        Assert.Contains(
            $"turn {turn}",
            (
                await Talk.Refused(
                    () => bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }),
                    "conflict"
                )
            ).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => alice.CallAsync("end_turn", new { turn, result = "ok" }), "not_found");
        await Talk.Refused(() => alice.CallAsync("hello", new { turn }), "not_found");
        Assert.Contains(
            "rate_limited",
            (await Talk.Refused(() => bob.CallAsync("end_turn", new { turn, result = "great" }), "invalid")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal((0, 1, 0), await bob.Status());
    }

    [Fact]
    public async Task Requeue_inflight_ends_the_turns_that_are_not_named()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        long[] ids = [await alice.Send("bob"), await alice.Send("bob")];
        await bob.Receive();
        var kept = (await bob.CallAsync("begin_turn", new { ids = ids[..1], wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        var lost = (await bob.CallAsync("begin_turn", new { ids = ids[1..], wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        var cursor = await hive.Cursor();
        Assert.Equal(
            1,
            (await bob.CallAsync("requeue_inflight", new { except_turns = new[] { kept } })).Int("requeued")
        );
        Assert.Equal(["turn_ended", "requeued"], await hive.Kinds(cursor));
        Assert.Equal((1, 1, 0), await bob.Status());
        Assert.Equal(1, (await bob.CallAsync("end_turn", new { turn = kept, result = "ok" })).Int("acked"));
        Assert.Equal((1, 0, 0), await bob.Status());
    }

    [Fact]
    public async Task A_connection_that_joins_a_turn_acks_and_holds_for_it()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, harness, bridge) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("bob")
        );
        var first = await alice.Send("bob");
        await harness.Receive();
        var turn = (await harness.CallAsync("begin_turn", new { ids = new[] { first }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        await bridge.CallAsync("hello", new { client = "bridge", turn });
        await alice.Send("bob");
        Assert.Single(await bridge.Receive());
        Assert.Equal(2, (await harness.CallAsync("end_turn", new { turn, result = "ok" })).Int("acked"));
    }

    [Theory]
    [InlineData("ok")]
    [InlineData("failed")]
    public async Task Ending_a_turn_after_a_restart_leaves_unseen_messages_unacked(string result)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, harness, bridge) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("bob")
        );
        var wake = await alice.Send("bob");
        await harness.Receive();
        var turn = (await harness.CallAsync("begin_turn", new { ids = new[] { wake }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        await bridge.CallAsync("hello", new { client = "bridge", turn });
        var (seen, inside) = (await alice.Send("bob"), await alice.Send("bob"));
        // This answer may or may not be read before the host ends.
        Assert.Equal(2, (await bridge.Receive()).Length);
        await hive.Restart();

        (harness, bridge) = (await hive.Connect("bob"), await hive.Connect("bob"));
        await harness.CallAsync("requeue_inflight", new { except_turns = new[] { turn } });
        await bridge.CallAsync("hello", new { client = "bridge", turn });
        Assert.Equal(1, (await bridge.CallAsync("ack", new { ids = new[] { seen } })).Int("acked"));
        Assert.Equal(1, (await bridge.CallAsync("ack", new { all = true })).Int("acked"));
        Assert.Equal((0, 1, 0), await harness.Status());
        var ended = await harness.CallAsync("end_turn", new { turn, result });
        Assert.Equal((0, 1), (ended.Int("acked"), ended.Int("requeued")));
        var again = Assert.Single(await harness.Receive());
        Assert.Equal((inside, true, null), (again.Id, again.Redelivered, again.Attempts));
    }

    [Fact]
    public async Task After_a_restart_a_receive_inside_the_turn_redelivers_unseen_messages()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, harness, bridge) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("bob")
        );
        var wake = await alice.Send("bob");
        await harness.Receive();
        var turn = (await harness.CallAsync("begin_turn", new { ids = new[] { wake }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        await bridge.CallAsync("hello", new { client = "bridge", turn });
        var inside = await alice.Send("bob");
        Assert.Single(await bridge.Receive());
        await hive.Restart();

        (harness, bridge) = (await hive.Connect("bob"), await hive.Connect("bob"));
        await bridge.CallAsync("hello", new { client = "bridge", turn });
        var again = Assert.Single(await bridge.Receive());
        Assert.Equal((inside, true), (again.Id, again.Redelivered));
        Assert.Equal(2, (await harness.CallAsync("end_turn", new { turn, result = "ok" })).Int("acked"));
    }

    [Fact]
    public async Task A_connection_that_closes_after_requeue_inflight_is_requeued_at_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, before, after) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("bob")
        );
        var id = await alice.Send("bob");
        await before.Receive();
        Assert.Equal(0, (await after.CallAsync("requeue_inflight")).Int("requeued"));
        var waiting = await hive.Waiting(after);
        before.Dispose();
        Assert.Equal(id, Assert.Single(await waiting).Id);
    }

    [Fact]
    public async Task The_number_of_running_turns_is_limited_with_a_way_out()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        for (var i = 0; i < 32; i++)
        {
            var id = await alice.Send("bob");
            await bob.Receive();
            await bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" });
        }

        var last = await alice.Send("bob");
        await bob.Receive();
        Assert.Contains(
            "requeue_inflight",
            (
                await Talk.Refused(
                    () => bob.CallAsync("begin_turn", new { ids = new[] { last }, wake_from = "alice" }),
                    "conflict"
                )
            ).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(32, (await bob.CallAsync("requeue_inflight")).Int("requeued"));
        await bob.CallAsync("begin_turn", new { ids = new[] { last }, wake_from = "alice" });
    }
}
