using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

public sealed class AwaitMessagesTests
{
    [Fact]
    public async Task A_message_ends_the_wait_and_stays_for_the_receiver()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var waiting = await Waiting(hive, 0);
        var first = await alice.Send("bob");
        Assert.Equal((1, first), Told(await waiting));
        Assert.Equal((1, 0, 0), await bob.Status());

        // Only a newer message ends the next wait.
        waiting = await Waiting(hive, first);
        Assert.False(waiting.IsCompleted);
        var second = await alice.Send("bob");
        Assert.Equal((2, second), Told(await waiting));
        Assert.Equal([first, second], (await bob.Receive()).Select(m => m.Id));
    }

    [Fact]
    public async Task A_wait_that_times_out_or_finds_only_leased_messages_answers_with_none()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var held = await alice.Send("bob");
        await bob.Receive();
        var waiting = await Waiting(hive, 0);
        // A message handed to a receiver does not end the wait.
        var receiving = await hive.Waiting(await hive.Connect("bob"));
        await alice.Send("bob");
        await receiving;
        await hive.Settled();
        Assert.False(waiting.IsCompleted);
        hive.Clock.Advance(TimeSpan.FromSeconds(180));
        Assert.Equal((0, null), Told(await waiting));

        // A nacked message does.
        waiting = await Waiting(hive, 0);
        await bob.CallAsync("nack", new { ids = new[] { held }, delay_seconds = 0 });
        Assert.Equal((1, held), Told(await waiting));
    }

    [Fact]
    public async Task A_paused_agent_has_no_unread_messages_until_it_is_resumed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var host = await hive.Operator();
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        var id = await (await hive.Connect("alice")).Send("bob");
        Assert.Equal((0, null), Told(await (await hive.Connect("bob")).CallAsync("wait", new { wait_seconds = 0 })));
        var waiting = await Waiting(hive, 0);
        await host.CallAsync("set_paused", new { name = "bob", paused = false });
        Assert.Equal((1, id), Told(await waiting));
    }

    // Waits, and returns once the host has noted the wait.
    private static async Task<Task<JsonElement>> Waiting(HiveFixture hive, long after)
    {
        // At a time of its own, as in Talk.Waiting.
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var waiting = (await hive.Connect("bob")).CallAsync("wait", new { wait_seconds = 180, after });
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddSeconds(180));
        return waiting;
    }

    private static (int Ready, long? Newest) Told(JsonElement answer) =>
        (answer.Int("ready"), answer.TryGetProperty("newest", out var newest) ? newest.GetInt64() : null);
}
