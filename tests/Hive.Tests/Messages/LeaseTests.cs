using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Holders of messages, and when messages are redelivered.</summary>
public sealed class LeaseTests
{
    [Fact]
    public async Task An_external_agents_closed_connection_is_requeued_after_60_seconds()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var id = await alice.Send("bob");
        using (var line = await RawLine.Connect(hive.AgentSocket("bob")))
        {
            await line.Call("recv", new { wait_seconds = 0 });
            line.Finish();
            Assert.Null(await line.Read());
        }

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromMilliseconds(59_999)));
        await hive.Settled();
        var bob = await hive.Connect("bob");
        Assert.Empty(await bob.Receive());
        Assert.Equal((0, 1, 0), await bob.Status());

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromMilliseconds(1)));
        await hive.Settled();
        var again = Assert.Single(await bob.Receive());
        Assert.Equal(id, again.Id);
        Assert.True(again.Redelivered);
    }

    [Fact]
    public async Task A_turn_of_an_absent_agent_is_lost_after_60_seconds_even_with_a_slow_disk()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        var store = hive.Services.GetRequiredService<IStore>();
        using var slow = new ManualResetEventSlim();
        Task blocked;
        using (var line = await RawLine.Connect(hive.AgentSocket("bob")))
        {
            await line.Call("recv", new { wait_seconds = 0 });
            await line.Call("begin_turn", new { ids = new[] { id }, wake_from = "alice" });
            blocked = store.Write<object?>(_ =>
            {
                slow.Wait();
                return null;
            });
            line.Finish();
            Assert.Null(await line.Read());
        }

        // A second later the disk works again.
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        slow.Set();
        await blocked;
        await hive.Settled();

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromSeconds(59)));
        await hive.Settled();
        var bob = await hive.Connect("bob");
        Assert.Equal(id, Assert.Single(await bob.Receive()).Id);
    }

    [Fact]
    public async Task A_turn_is_not_abandoned_while_another_connection_of_its_agent_is_open()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        var other = await hive.Connect("bob");
        using (var line = await RawLine.Connect(hive.AgentSocket("bob")))
        {
            await line.Call("recv", new { wait_seconds = 0 });
            await line.Call("begin_turn", new { ids = new[] { id }, wake_from = "alice" });
            line.Finish();
            Assert.Null(await line.Read());
        }

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromSeconds(120)));
        await hive.Settled();
        Assert.Equal((0, 1, 0), await other.Status());
    }

    [Fact]
    public async Task A_receiver_inside_a_turn_gets_requeued_messages_for_itself_when_the_turn_ends()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, harness, bridge) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("bob")
        );
        var id = await alice.Send("bob");
        await harness.Receive();
        var turn = (await harness.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        await bridge.CallAsync("hello", new { client = "bridge", turn });
        var receiving = await hive.Waiting(bridge);

        await harness.CallAsync(
            "end_turn",
            new
            {
                turn,
                result = "failed",
                delay_seconds = 0,
            }
        );

        // The receiver holds it on its own connection: the turn is over and must hold nothing.
        Assert.Equal(id, Assert.Single(await receiving).Id);
        Assert.Equal(0, (await harness.CallAsync("requeue_inflight")).Int("requeued"));
        Assert.Equal(1, (await bridge.CallAsync("ack", new { all = true })).Int("acked"));
    }

    [Fact]
    public async Task Requeue_closed_requeues_leases_of_closed_connections_only()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        long[] ids = [await alice.Send("bob"), await alice.Send("bob"), await alice.Send("bob")];
        var (bob, turn) = (await hive.Connect("bob"), await hive.Connect("bob"));
        await turn.Receive(max: 1);
        await turn.CallAsync("begin_turn", new { ids = new[] { ids[0] }, wake_from = "alice" });
        await bob.Receive(max: 1);
        using (var line = await RawLine.Connect(hive.AgentSocket("bob")))
        {
            await line.Call("recv", new { wait_seconds = 0 });
            line.Finish();
            Assert.Null(await line.Read());
        }

        Assert.Equal(1, (await bob.CallAsync("requeue_closed")).Int("requeued"));

        var again = Assert.Single(await bob.Receive());
        Assert.Equal((ids[2], true), (again.Id, again.Redelivered));
        Assert.Equal((0, 3, 0), await bob.Status());
    }

    [Fact]
    public async Task A_nack_of_an_unseen_message_does_not_count_as_an_attempt()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        var bob = await hive.Connect("bob");

        for (var time = 0; time <= Limits.NacksBeforeParking; time++)
        {
            Assert.Equal(id, Assert.Single(await bob.Receive()).Id);
            var answer = await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { id },
                    delay_seconds = 0,
                    unseen = true,
                }
            );
            Assert.Equal((1, 0), (answer.Int("requeued"), answer.Int("parked")));
        }
    }

    [Fact]
    public async Task Messages_of_a_destroyed_external_agent_are_redelivered_when_it_is_revived()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        Assert.Single(await (await hive.Connect("bob")).Receive());
        var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "bob" });
        await hive.Spawn("bob");

        var again = Assert.Single(await (await hive.Connect("bob")).Receive());

        Assert.Equal(id, again.Id);
        Assert.True(again.Redelivered);
    }

    [Fact]
    public async Task An_agent_spawned_again_after_a_purge_starts_with_an_empty_inbox()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        await (await hive.Connect("alice")).Send("bob");
        var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "bob", purge = true });
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        Assert.Equal((0, 0, 0), await bob.Status());
        Assert.Empty((await bob.CallAsync("recent")).GetProperty("rows").EnumerateArray());
    }

    [Fact]
    public async Task Leases_and_back_offs_outlive_the_host()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        long[] ids = [await alice.Send("bob"), await alice.Send("bob"), await alice.Send("bob")];
        var bob = await hive.Connect("bob");
        Assert.Equal(3, (await bob.Receive()).Length);
        await bob.CallAsync("nack", new { ids = ids[..1], delay_seconds = 3600 });
        var turn = (await bob.CallAsync("begin_turn", new { ids = ids[1..2], wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();

        await hive.Restart();

        bob = await hive.Connect("bob");
        Assert.Equal((1, 2, 0), await bob.Status());
        Assert.Equal(
            1,
            (await bob.CallAsync("requeue_inflight", new { except_turns = new[] { turn } })).Int("requeued")
        );
        Assert.Equal(ids[2], Assert.Single(await bob.Receive()).Id);
        Assert.Equal(1, (await bob.CallAsync("end_turn", new { turn, result = "ok" })).Int("acked"));

        // An hour is longer than the timer sleeps at once.
        for (var minute = 0; minute < 59; minute++)
        {
            hive.Clock.Advance(TimeSpan.FromMinutes(1));
            await hive.Settled();
        }

        hive.Clock.Advance(TimeSpan.FromMilliseconds(59_999));
        await hive.Settled();
        Assert.Empty(await bob.Receive());
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await hive.Settled();
        Assert.Equal(ids[0], Assert.Single(await bob.Receive()).Id);
    }
}
