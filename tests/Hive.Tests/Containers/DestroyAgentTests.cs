using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Containers;

public sealed class DestroyAgentTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_destroyed_agents_inbox_survives_a_restart_but_not_a_purge(bool purge)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        long[] ids = [await alice.Send("bob", "held"), await alice.Send("bob", "unread")];
        Assert.Equal(ids[0], Assert.Single(await bob.Receive(max: 1)).Id);
        await (await hive.Operator()).CallAsync("destroy", new { name = "bob", purge });
        await Talk.Refused(() => alice.Send("bob"), "not_found");
        await hive.Restart();
        await hive.Spawn("bob");
        bob = await hive.Connect("bob");
        var kept = await bob.Receive();
        Assert.Equal(purge ? [] : ids, kept.Select(m => m.Id));
        Assert.Equal(purge ? [] : [true, false], kept.Select(m => m.Redelivered == true));
        await (await hive.Connect("alice")).Send("bob", "new");
        Assert.Equal("new", Assert.Single(await bob.Receive()).Body);
    }
}
