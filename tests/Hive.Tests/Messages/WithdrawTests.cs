using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Messages that other slices send and withdraw within writes of their own.</summary>
public sealed class WithdrawTests
{
    [Fact]
    public async Task A_message_of_another_slice_has_an_id_and_may_be_an_answer()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var question = await (await hive.Connect("alice")).Send("bob");
        var outbox = hive.Services.GetRequiredService<IOutbox>();
        var (sent, nowhere) = await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                (
                    outbox.Append(write, "system", "bob", "this belongs to it", inReplyTo: question),
                    outbox.Append(write, "system", "carol", "nobody of that name")
                )
            );
        Assert.Null(nowhere);
        var messages = await (await hive.Connect("bob")).Receive();
        Assert.Equal([(question, null), (sent!.Value, question)], messages.Select(m => (m.Id, m.InReplyTo)));
    }

    [Fact]
    public async Task A_waiting_a_delayed_and_a_parked_message_can_be_withdrawn()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var (parked, delayed, waiting) = (await alice.Send("bob"), await alice.Send("bob"), await alice.Send("bob"));
        await Nack(bob, parked, delayed);
        foreach (var seconds in new[] { 5, 20 })
        {
            hive.Clock.Advance(TimeSpan.FromSeconds(seconds));
            await hive.Settled();
            await Nack(bob, parked, seconds == 20 ? delayed : null);
        }

        Assert.Equal((2, 0, 1), await bob.Status());
        var cursor = await hive.Cursor();
        foreach (var id in new[] { parked, delayed, waiting })
        {
            Assert.True(await Withdraw(hive, id));
            Assert.False(await Withdraw(hive, id));
        }

        Assert.Equal(["dropped", "dropped", "dropped"], await hive.Kinds(cursor));
        Assert.Equal((0, 0, 0), await bob.Status());
        hive.Clock.Advance(TimeSpan.FromMinutes(5));
        await hive.Settled();
        Assert.Empty(await bob.Receive());
        await hive.Restart();
        Assert.Empty(await (await hive.Connect("bob")).Receive());
    }

    [Fact]
    public async Task A_message_that_somebody_holds_or_has_done_is_not_withdrawn()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var bob = await hive.Connect("bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        await bob.Receive();
        Assert.False(await Withdraw(hive, id));
        Assert.Equal((0, 1, 0), await bob.Status());
        await bob.CallAsync("ack", new { ids = new[] { id } });
        Assert.False(await Withdraw(hive, id));
        Assert.False(await Withdraw(hive, id + 1000));
    }

    [Fact]
    public async Task A_write_that_fails_withdraws_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        var inflight = hive.Services.GetRequiredService<IInflight>();
        await Assert.ThrowsAsync<InvalidDataException>(() =>
            hive
                .Services.GetRequiredService<IStore>()
                .Write<bool>(write =>
                    inflight.Withdraw(write, id) ? throw new InvalidDataException("after the withdrawal") : false
                )
        );
        Assert.Equal(id, Assert.Single(await (await hive.Connect("bob")).Receive()).Id);
    }

    private static Task<bool> Withdraw(HiveFixture hive, long id) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Write(write => hive.Services.GetRequiredService<IInflight>().Withdraw(write, id));

    // Receives what is ready, and nacks these; the rest is put back unseen.
    private static async Task Nack(LineClient bob, params long?[] which)
    {
        var ids = (await bob.Receive()).Select(m => m.Id).ToArray();
        var failed = ids.Where(id => which.Contains(id)).ToArray();
        await bob.CallAsync("nack", new { ids = failed, error = "cannot" });
        if (ids.Except(failed).ToArray() is { Length: > 0 } rest)
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = rest,
                    delay_seconds = 0,
                    unseen = true,
                }
            );
    }
}
