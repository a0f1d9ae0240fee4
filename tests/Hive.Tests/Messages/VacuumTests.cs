using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Turns;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

public sealed class VacuumTests
{
    [Fact]
    public async Task Only_acked_messages_are_deleted_after_30_days_and_ids_are_never_reused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        long[] ids =
        [
            await alice.Send("bob", "parked"),
            await alice.Send("bob", "acked"),
            await alice.Send("bob", "leased"),
            await alice.Send("bob", "waits"),
            await alice.Send("bob", "acked last"),
        ];
        for (var i = 0; i < 3; i++)
        {
            await bob.Receive(max: 1);
            await bob.CallAsync("nack", new { ids = ids[..1], delay_seconds = 0 });
        }

        await bob.Receive(max: 4);
        await bob.CallAsync("nack", new { ids = ids[3..4], delay_seconds = 86_400 });
        await bob.CallAsync("ack", new { ids = new[] { ids[1], ids[4] } });
        var acked = hive.Clock.GetUtcNow();

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromDays(29)));
        await hive.Restart();
        await hive.Settled();
        Assert.Equal(ids, await Ids(hive));
        var cursor = await hive.Cursor();
        var events = await hive.Events(cursor);
        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromDays(2)));
        var removed = (await events.Next("messages_removed"))
            .GetProperty("removed")
            .Deserialize<RemovedMessages>(WireJson.Options)!;
        Assert.Equal((null, null), (removed.To, removed.UpTo));
        // It runs once an hour, in any hour of these two days from the 30th on.
        Assert.InRange(removed.AckedBefore!.Value, acked, hive.Clock.GetUtcNow().AddDays(-30));

        Assert.Equal([ids[0], ids[2], ids[3]], await Ids(hive));
        Assert.DoesNotContain("dropped", await hive.Kinds(cursor));
        Assert.True(await (await hive.Connect("alice")).Send("bob") > ids[4]);
        Assert.Equal((3, 0, 1), await (await hive.Connect("bob")).Status());
    }

    [Fact]
    public async Task Ended_turns_are_deleted_after_30_days_and_running_ones_stay()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (ended, runs) = (await hive.Turned(alice, "alice"), (await hive.Turn(alice, "alice")).Turn);
        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromDays(31)));
        await hive.Restart();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await Turns(hive) is { Length: > 1 })
        {
            patience.Token.ThrowIfCancellationRequested();
            await hive.Settled();
        }

        Assert.Equal([runs], await Turns(hive));
        alice = await hive.Connect("alice");
        await Talk.Refused(() => alice.CallAsync("end_turn", new { turn = ended, result = "ok" }), "not_found");
        Assert.Equal(1, (await alice.CallAsync("end_turn", new { turn = runs, result = "ok" })).Int("acked"));
    }

    private static Task<long[]> Turns(HiveFixture hive) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Read(db => db.Query<long>("SELECT id FROM turns ORDER BY id").ToArray());

    private static async Task<long[]> Ids(HiveFixture hive)
    {
        using var bob = await Hive.Protocol.LineClient.ConnectAsync(hive.AgentSocket("bob"));
        return
        [
            .. (await bob.CallAsync("recent"))
                .GetProperty("rows")
                .EnumerateArray()
                .Select(r => r.GetProperty("id").GetInt64())
                .Reverse(),
        ];
    }
}
