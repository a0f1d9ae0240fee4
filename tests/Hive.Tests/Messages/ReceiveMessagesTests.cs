using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

public sealed class ReceiveMessagesTests
{
    [Theory]
    [InlineData(100_000L, 180)]
    [InlineData(null, 30)]
    [InlineData(1L, 1)]
    public async Task An_empty_receive_waits_as_long_as_asked_within_its_limits(long? asked, int waits)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var cursor = await hive.Cursor();
        var bob = await hive.Connect("bob");
        var set = hive.Clock.SetNext(hive.Clock.GetUtcNow().AddSeconds(waits));
        var receiving = bob.CallAsync("recv", new { wait_seconds = asked });
        await set;
        hive.Clock.Advance(TimeSpan.FromSeconds(waits) - TimeSpan.FromMilliseconds(1));
        await hive.Settled();
        Assert.False(receiving.IsCompleted);
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty((await receiving).GetProperty("messages").EnumerateArray());
        Assert.Empty(await hive.Kinds(cursor));
    }

    [Fact]
    public async Task A_wait_or_max_out_of_range_is_clamped_and_a_non_number_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        Assert.Empty(await bob.Receive(max: 1, wait: -5));
        var first = await alice.Send("bob");
        await alice.Send("bob");
        var cursor = await hive.Cursor();
        Assert.Equal(first, Assert.Single(await bob.Receive(max: -3)).Id);
        Assert.Equal(["delivered"], await hive.Kinds(cursor));
        await Talk.Refused(() => bob.CallAsync("recv", new { max = "many" }), "invalid");
    }

    [Fact]
    public async Task A_paused_agent_gets_nothing_until_it_is_resumed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (bob, host) = (await hive.Connect("bob"), await hive.Operator());
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        var receiving = await hive.Waiting(bob);
        var cursor = await hive.Cursor();
        var id = await (await hive.Connect("alice")).Send("bob");
        Assert.Equal(["sent"], await hive.Kinds(cursor));
        await host.CallAsync("set_paused", new { name = "bob", paused = false });
        Assert.Equal(id, Assert.Single(await receiving).Id);
    }

    [Fact]
    public async Task Recent_shows_the_latest_first_and_leases_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        long[] ids = [await alice.Send("bob"), await alice.Send("bob"), await alice.Send("bob")];
        var cursor = await hive.Cursor();
        var rows = (await bob.CallAsync("recent", new { limit = 2 }))
            .GetProperty("rows")
            .EnumerateArray()
            .Select(r => r.GetProperty("id").GetInt64());
        Assert.Equal([ids[2], ids[1]], rows);
        Assert.Single((await bob.CallAsync("recent", new { limit = 0 })).GetProperty("rows").EnumerateArray());
        Assert.Equal(3, (await bob.CallAsync("recent", new { limit = 5000 })).GetProperty("rows").GetArrayLength());
        Assert.Empty(await hive.Kinds(cursor));
        Assert.Equal((3, 0, 0), await bob.Status());
    }
}
