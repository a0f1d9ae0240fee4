using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

public sealed class SendMessageTests
{
    [Fact]
    public async Task A_sent_message_reaches_a_waiting_receiver_and_shows_on_the_stream()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var events = await hive.Events();
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var receiving = bob.CallAsync("recv", new { wait_seconds = 180 });
        var sent = await alice.CallAsync("send", new { to = "bob", body = "hello" });
        var message = (await receiving).GetProperty("messages")[0];
        Assert.Equal(sent.GetProperty("id").GetInt64(), message.GetProperty("id").GetInt64());
        Assert.False(message.GetProperty("redelivered").GetBoolean());
        Assert.Equal("hello", (await events.Next("sent")).GetProperty("message").GetProperty("body").GetString());
        await events.Next("delivered");
        Assert.Equal(1, (await bob.CallAsync("ack", new { all = true })).GetProperty("acked").GetInt32());
        await events.Next("acked");
    }

    [Fact]
    public async Task Rejects_a_body_over_the_cap_and_stores_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var refused = await Assert.ThrowsAsync<HiveException>(() => alice.CallAsync("send", new { to = "*", body = new string('x', 4097) }));
        Assert.Equal("too_large", refused.Code);
        Assert.Contains("4097", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await (await hive.Connect("bob")).CallAsync("status")).GetProperty("unread").GetInt32());
    }
}
