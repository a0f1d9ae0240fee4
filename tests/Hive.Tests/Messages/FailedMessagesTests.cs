using System.Net;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

public sealed class FailedMessagesTests
{
    [Fact]
    public async Task Delayed_and_parked_messages_are_counted_on_the_row_and_listed()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        long[] ids =
        [
            await alice.Send("bob", "later"),
            await alice.Send("bob", "never"),
            await alice.Send("bob", "new"),
        ];
        await bob.Receive(max: 2);
        await bob.CallAsync("nack", new { ids = ids[..1], error = "not yet" });
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = ids[1..2],
                    delay_seconds = 0,
                    error = "cannot",
                }
            );
            await bob.Receive(max: 1);
        }

        // The third nack parked it, and the next message was delivered.
        var row = await Row(host, "bob");
        Assert.Equal((1, 1, 1), (row.Unread, row.Delayed, row.Parked));
        var all = await Open(host, new { name = "bob" });
        Assert.Equal(ids, all.Select(m => m.Id));
        Assert.Equal(hive.Clock.GetUtcNow().AddSeconds(5), all[0].NextAttemptAt);
        Assert.Equal(("not yet", 1), (all[0].LastError, all[0].Attempts));
        Assert.Equal(
            (true, false, true),
            (all[1].ParkedAt is not null, all[2].ParkedAt is not null, all[2].DeliveredAt is not null)
        );
        Assert.Equal(ids[..2], (await Open(host, new { failed = true })).Select(m => m.Id));
        Assert.Empty(await Open(host, new { name = "alice", failed = true }));
        await Talk.Refused(() => host.CallAsync("open_messages", new { name = "nobody" }), "not_found");
        await Talk.Refused(() => host.CallAsync("open_messages", new { name = "../x" }), "invalid");
        var some = await host.CallAsync("open_messages", new { name = "bob", limit = 2 });
        Assert.Equal((2, true), (some.GetProperty("messages").GetArrayLength(), some.GetProperty("more").GetBoolean()));
        var rest = await hive.Http().GetAsync(new Uri("/api/open-messages?name=bob&failed=true", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, rest.StatusCode);
        Assert.Contains("not yet", await rest.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_in_backoff_is_retried_at_once_or_dropped()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, http, host) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            hive.Http(),
            await hive.Operator()
        );
        long[] ids = [await alice.Send("bob", "one"), await alice.Send("bob", "two"), await alice.Send("bob", "three")];
        await bob.Receive();
        await bob.CallAsync("nack", new { ids, error = "not yet" });
        Assert.Equal((3, 0, 0), await bob.Status());

        var cursor = await hive.Cursor();
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.PostAsync(new Uri($"/retry-message/{ids[0]}", UriKind.Relative), null)).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.PostAsync(new Uri($"/drop-message/{ids[1]}", UriKind.Relative), null)).StatusCode
        );
        await host.CallAsync("drop_message", new { id = ids[2] });
        Assert.Equal(["requeued", "dropped", "dropped"], await hive.Kinds(cursor));
        Assert.Equal((1, 0, 0), await bob.Status());
        var again = Assert.Single(await bob.Receive());
        Assert.Equal(
            (ids[0], (int?)null, (string?)null, (DateTimeOffset?)null),
            (again.Id, again.Attempts, again.LastError, again.NextAttemptAt)
        );

        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        await hive.Settled();
        Assert.Empty(await bob.Receive());
        await hive.Restart();
        Assert.Equal((0, 1, 0), await (await hive.Connect("bob")).Status());
    }

    [Fact]
    public async Task A_failed_message_that_is_leased_again_is_neither_retried_nor_dropped()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        var (id, other) = (await alice.Send("bob"), await alice.Send("bob"));
        await bob.Receive(max: 1);
        await bob.CallAsync("nack", new { ids = new[] { id }, delay_seconds = 0 });
        // Its back-off is over, and it is not leased yet.
        await host.CallAsync("retry_message", new { id });
        await bob.Receive(max: 1);
        await bob.CallAsync("nack", new { ids = new[] { id }, delay_seconds = 0 });
        await bob.Receive(max: 1);
        var cursor = await hive.Cursor();
        Assert.Contains(
            "nacks it",
            (await Talk.Refused(() => host.CallAsync("drop_message", new { id }), "conflict")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => host.CallAsync("retry_message", new { id }), "conflict");
        // A message that has not failed is neither retried nor dropped.
        Assert.Contains(
            "hive parked lists those",
            (await Talk.Refused(() => host.CallAsync("drop_message", new { id = other }), "not_found")).Message,
            StringComparison.Ordinal
        );
        Assert.Empty(await hive.Kinds(cursor));
    }

    private static async Task<Message[]> Open(LineClient host, object asked) =>
        (await host.CallAsync("open_messages", asked))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;

    private static async Task<ContainerView> Row(LineClient host, string name) =>
        (await host.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .Deserialize<ContainerView[]>(WireJson.Options)!
            .Single(r => r.Name == name);
}
