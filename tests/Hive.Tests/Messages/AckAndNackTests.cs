using System.Net;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

public sealed class AckAndNackTests
{
    [Fact]
    public async Task Acking_counts_leased_messages_and_ignores_the_rest()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, other) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Connect("bob"));
        long[] ids = [await alice.Send("bob"), await alice.Send("bob"), await alice.Send("bob")];
        await bob.Receive(max: 2);
        var cursor = await hive.Cursor();
        // Another agent's, unknown, not leased, and all of another connection's.
        Assert.Equal(0, (await alice.CallAsync("ack", new { ids })).Int("acked"));
        Assert.Equal(0, (await bob.CallAsync("ack", new { ids = new[] { ids[2], 12345 } })).Int("acked"));
        Assert.Equal(0, (await other.CallAsync("ack", new { all = true })).Int("acked"));
        await Talk.Refused(() => bob.CallAsync("ack"), "invalid");
        await Talk.Refused(() => bob.CallAsync("ack", new { ids, all = true }), "invalid");
        Assert.Empty(await hive.Kinds(cursor));

        cursor = await hive.Cursor();
        Assert.Equal(1, (await other.CallAsync("ack", new { ids = new[] { ids[0], ids[0] } })).Int("acked"));
        Assert.Equal(1, (await bob.CallAsync("ack", new { all = true })).Int("acked"));
        Assert.Equal(["acked", "acked"], await hive.Kinds(cursor));
        Assert.Equal((1, 0, 0), await bob.Status());
    }

    [Fact]
    public async Task A_nacked_message_is_redelivered_after_5_and_20_seconds_and_then_parked()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var bob = await hive.Connect("bob");
        var id = await (await hive.Connect("alice")).Send("bob");
        var cursor = await hive.Cursor();
        Assert.Equal(id, Assert.Single(await bob.Receive()).Id);
        foreach (var seconds in new[] { 5, 20 })
        {
            var nacked = await bob.CallAsync("nack", new { ids = new[] { id }, error = "cannot" });
            Assert.Equal((1, 0), (nacked.Int("requeued"), nacked.Int("parked")));
            Assert.Equal((1, 0, 0), await bob.Status());
            hive.Clock.Advance(TimeSpan.FromMilliseconds((1000 * seconds) - 1));
            await hive.Settled();
            Assert.Empty(await bob.Receive());
            hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
            await hive.Settled();
            var again = Assert.Single(await bob.Receive());
            Assert.Equal((id, true, "cannot"), (again.Id, again.Redelivered == true, again.LastError));
        }

        var last = await bob.CallAsync("nack", new { ids = new[] { id }, error = "never" });
        Assert.Equal((0, 1), (last.Int("requeued"), last.Int("parked")));
        Assert.Equal((0, 0, 1), await bob.Status());
        Assert.Equal(
            ["delivered", "requeued", "delivered", "requeued", "delivered", "parked"],
            await hive.Kinds(cursor)
        );
    }

    [Fact]
    public async Task A_delay_is_at_most_a_day()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var bob = await hive.Connect("bob");
        await Talk.Refused(() => bob.CallAsync("nack", new { ids = new[] { 1 }, delay_seconds = -1 }), "invalid");
        Assert.Contains(
            "86400",
            (
                await Talk.Refused(
                    () => bob.CallAsync("nack", new { ids = new[] { 1 }, delay_seconds = 86_401 }),
                    "invalid"
                )
            ).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_operator_sees_parked_messages_and_retries_or_drops_them()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, http) = (await hive.Connect("alice"), await hive.Connect("bob"), hive.Http());
        long[] ids = [await alice.Send("bob", "one"), await alice.Send("bob", "two")];
        for (var i = 0; i < 3; i++)
        {
            await bob.Receive();
            await bob.CallAsync(
                "nack",
                new
                {
                    ids,
                    delay_seconds = 0,
                    error = $"failure {i}",
                }
            );
        }

        var parked = (await hive.State()).GetProperty("parked").Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(ids.Reverse(), parked.Select(m => m.Id));
        Assert.All(
            parked,
            m => Assert.Equal((3, "failure 2", true), (m.Attempts, m.LastError, m.ParkedAt is not null))
        );

        var cursor = await hive.Cursor();
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.PostAsync(new Uri($"/retry-message/{ids[0]}", UriKind.Relative), null)).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.PostAsync(new Uri($"/drop-message/{ids[1]}", UriKind.Relative), null)).StatusCode
        );
        Assert.Equal(["requeued", "dropped"], await hive.Kinds(cursor));
        cursor = await hive.Cursor();
        foreach (var (verb, id) in new[] { ("retry", ids[0]), ("drop", ids[1]), ("retry", ids[1]), ("retry", 777) })
            Assert.Equal(
                HttpStatusCode.NotFound,
                (await http.PostAsync(new Uri($"/{verb}-message/{id}", UriKind.Relative), null)).StatusCode
            );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await http.PostAsync(new Uri("/retry-message/0", UriKind.Relative), null)).StatusCode
        );
        Assert.Empty(await hive.Kinds(cursor));

        Assert.Empty((await hive.State()).GetProperty("parked").EnumerateArray());
        var again = Assert.Single(await bob.Receive());
        Assert.Equal((ids[0], true, (int?)null), (again.Id, again.Redelivered == true, again.Attempts));
    }
}
