using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Tests.Fixture;
using Hive.Tests.Turns;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>An agent that the host holds, which is a pause of the host's own.</summary>
public sealed class HeldAgentTests
{
    private const string Reason = "quarantined: it failed too often";

    [Fact]
    public async Task A_held_agent_gets_its_messages_when_the_hold_ends()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        await Hold(hive, Reason);
        var receiving = await hive.Waiting(bob);
        var cursor = await hive.Cursor();
        var id = await alice.Send("bob");
        Assert.Equal(["sent"], await hive.Kinds(cursor));
        Assert.Empty(await (await hive.Connect("bob")).Receive());
        Assert.Equal(0, (await (await hive.Connect("bob")).CallAsync("wait", new { wait_seconds = 0 })).Int("ready"));

        await Hold(hive, null);
        Assert.Equal(id, Assert.Single(await receiving).Id);
    }

    [Fact]
    public async Task A_pause_and_a_hold_end_separately()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (bob, host) = (await hive.Connect("bob"), await hive.Operator());
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        await Hold(hive, Reason);
        var receiving = await hive.Waiting(bob);
        var id = await (await hive.Connect("alice")).Send("bob");
        var cursor = await hive.Cursor();
        await host.CallAsync("set_paused", new { name = "bob", paused = false });
        await hive.Settled();
        Assert.Empty(await hive.Kinds(cursor));
        await Hold(hive, null);
        Assert.Equal(id, Assert.Single(await receiving).Id);
    }

    [Fact]
    public async Task A_hold_is_stored()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        await Hold(hive, Reason);
        await hive.Restart();
        Assert.Equal(Reason, hive.Services.GetRequiredService<IRoster>().Require("bob").Held);
        await Hold(hive, null);
        await hive.Restart();
        Assert.True(hive.Services.GetRequiredService<IRoster>().Require("bob").MayReceive);
    }

    [Fact]
    public async Task No_turn_begins_while_the_agent_is_held_or_paused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (bob, host) = (await hive.Connect("bob"), await hive.Operator());
        var (running, _) = await hive.Turn(bob, "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        await bob.Receive();

        await Hold(hive, Reason);
        var refused = await Talk.Refused(Begin, "conflict");
        Assert.Contains(Reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal((1, 1, 0), await bob.Status());
        await Hold(hive, null);
        await Received();
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        refused = await Talk.Refused(Begin, "conflict");
        Assert.Contains("paused", refused.Message, StringComparison.Ordinal);
        // A turn that runs ends as ever.
        Assert.Equal(1, (await bob.CallAsync("end_turn", new { turn = running, result = "ok" })).Int("acked"));
        await host.CallAsync("set_paused", new { name = "bob", paused = false });
        await Received();
        await Begin();

        async Task Received()
        {
            var again = Assert.Single(await bob.Receive());
            Assert.Equal((id, false), (again.Id, again.Redelivered));
        }

        Task Begin() => bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" });
    }

    private static Task Hold(HiveFixture hive, string? reason) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                hive.Services.GetRequiredService<IRoster>().Change(write, "bob", agent => agent with { Held = reason })
            );
}
