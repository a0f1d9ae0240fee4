using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Steps over many messages are several small writes, so that no other write waits for all of them.</summary>
public sealed class ChunksTests
{
    private const int Many = (2 * Chunks.UsualSize) + 100;

    [Fact]
    public async Task Acking_many_leases_takes_several_writes()
    {
        await using var hive = await HiveFixture.Start();
        var (bob, ids) = await Lease(hive);
        var before = Writes(hive);
        Assert.Equal(Many, (await bob.CallAsync("ack", new { all = true })).Int("acked"));
        Assert.InRange(Writes(hive) - before, 3, 10);
        Assert.Equal((0, 0, 0), await bob.Status());
        Assert.Equal(0, (await bob.CallAsync("ack", new { ids = ids.Take(3) })).Int("acked"));
    }

    [Fact]
    public async Task Many_leases_of_a_closed_connection_are_requeued_in_several_writes_in_order()
    {
        await using var hive = await HiveFixture.Start();
        var (gone, ids) = await Lease(hive);
        var bob = await hive.Connect("bob");
        gone.Dispose();
        var before = Writes(hive);
        // The host may note the close after this; it then requeues them on its own.
        await bob.CallAsync("requeue_inflight");
        List<Message> again = [];
        while (again.Count < Many)
            again.AddRange(await bob.Receive(wait: 30));
        Assert.Equal(ids, again.Select(m => m.Id));
        Assert.All(again, message => Assert.True(message.Redelivered));
        Assert.InRange(Writes(hive) - before, 3 + (Many / 32), long.MaxValue);
        Assert.Equal((0, Many, 0), await bob.Status());
    }

    [Theory]
    [InlineData("ok", 0, 0)]
    [InlineData("failed", Many, Many)]
    public async Task A_turn_with_many_messages_ends_in_several_writes(string result, int requeued, int unread)
    {
        await using var hive = await HiveFixture.Start();
        var (bob, ids) = await Lease(hive);
        var turn = (await bob.CallAsync("begin_turn", new { ids = ids.Take(1), wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        var before = Writes(hive);
        await bob.CallAsync("hello", new { turn });
        Assert.InRange(Writes(hive) - before, 3, 10);
        before = Writes(hive);
        var ended = await bob.CallAsync("end_turn", new { turn, result });
        Assert.InRange(Writes(hive) - before, 3, 10);
        Assert.Equal((Many - requeued, requeued, 0), (ended.Int("acked"), ended.Int("requeued"), ended.Int("parked")));
        Assert.Equal((unread, 0, 0), await bob.Status());
        Assert.Equal(ended.Int("acked"), (await bob.CallAsync("end_turn", new { turn, result })).Int("acked"));
    }

    [Fact]
    public async Task A_lost_turn_with_many_messages_ends_in_several_writes()
    {
        await using var hive = await HiveFixture.Start();
        var (bob, ids) = await Lease(hive);
        var turn = (await bob.CallAsync("begin_turn", new { ids = ids.Take(1), wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        await bob.CallAsync("hello", new { turn });
        await bob.CallAsync("requeue_inflight");
        // One of them is somebody else's by now.
        var given = await hive.Connect("bob");
        Assert.Equal(ids[0], Assert.Single(await given.Receive(max: 1)).Id);
        var before = Writes(hive);
        var ended = await bob.CallAsync("end_turn", new { turn, result = "ok" });
        Assert.InRange(Writes(hive) - before, 3, 10);
        Assert.Equal(Many - 1, ended.Int("acked"));
        Assert.Equal((0, 1, 0), await bob.Status());
    }

    [Fact]
    public async Task A_failed_turn_with_many_messages_counts_each_failure_once()
    {
        await using var hive = await HiveFixture.Start();
        var (bob, ids) = await Lease(hive);
        var turn = (await bob.CallAsync("begin_turn", new { ids = ids.Take(1), wake_from = "alice" }))
            .GetProperty("turn")
            .GetInt64();
        await bob.CallAsync("hello", new { turn });
        // A tool inside the turn waits while the turn is ended in several writes.
        var tool = await hive.Connect("bob");
        await tool.CallAsync("hello", new { turn });
        var receiving = await hive.Waiting(tool);
        var ended = await bob.CallAsync(
            "end_turn",
            new
            {
                turn,
                result = "failed",
                delay_seconds = 0,
            }
        );
        Assert.Equal(Many, ended.Int("requeued"));
        var again = Assert.Single(await receiving);
        Assert.Equal((ids[0], 1), (again.Id, again.Attempts));
        Assert.Equal((Many - 1, 1, 0), await bob.Status());
    }

    [Fact]
    public async Task The_operator_reads_many_messages_in_several_writes()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < Many; i++)
            await alice.Send("operator");
        var before = Writes(hive);
        Assert.Equal(Many, (await (await hive.Operator()).CallAsync("ack_messages", new { all = true })).Int("acked"));
        Assert.InRange(Writes(hive) - before, 3, 10);
        Assert.Equal(0, (await hive.State()).GetProperty("inbox_unread").GetInt32());
    }

    private static long Writes(HiveFixture hive) => ((SqliteStore)hive.Services.GetRequiredService<IStore>()).Writes;

    private static async Task<(LineClient Bob, long[] Ids)> Lease(HiveFixture hive)
    {
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < Many; i++)
            await alice.Send("bob");
        var bob = await hive.Connect("bob");
        List<long> ids = [];
        while (ids.Count < Many)
            ids.AddRange((await bob.Receive()).Select(m => m.Id));
        return (bob, [.. ids]);
    }
}
