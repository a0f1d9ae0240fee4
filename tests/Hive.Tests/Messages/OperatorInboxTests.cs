using System.Data.Common;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

public sealed class OperatorInboxTests
{
    [Fact]
    public async Task Messages_to_the_operator_are_unread_until_acked_at_either_door()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host, http) = (await hive.Connect("alice"), await hive.Operator(), hive.Http());
        long[] ids =
        [
            await alice.Send("operator", "one"),
            await alice.Send("operator", "two"),
            await alice.Send("operator", "three"),
        ];
        var inbox = await host.CallAsync("inbox", new { limit = 2 });
        Assert.Equal(
            [ids[2], ids[1]],
            inbox.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("id").GetInt64())
        );
        Assert.Equal(3, inbox.Int("unread"));
        Assert.Equal(3, (await hive.State()).Int("inbox_unread"));
        var cursor = await hive.Cursor();

        Assert.Equal(
            1,
            (await host.CallAsync("ack_messages", new { ids = new[] { ids[0], ids[0], 4711 } })).Int("acked")
        );
        Assert.Equal(["acked"], await hive.Kinds(cursor));
        using var form = new FormUrlEncodedContent([new("ids", $"{ids[1]},{ids[2]}")]);
        var acked = await (
            await http.PostAsync(new Uri("/ack-messages", UriKind.Relative), form)
        ).Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(2, acked.Int("acked"));
        // The message that closed the list of events.
        Assert.Equal(1, (await host.CallAsync("ack_messages", new { all = true })).Int("acked"));
        var state = await hive.State();
        Assert.Equal(0, state.Int("inbox_unread"));
        Assert.All(state.GetProperty("inbox").EnumerateArray(), m => Assert.True(m.TryGetProperty("acked_at", out _)));
        await Talk.Refused(() => host.CallAsync("ack_messages"), "invalid");
        await Talk.Refused(() => host.CallAsync("ack_messages", new { all = true, ids }), "invalid");
    }

    [Fact]
    public async Task An_acked_message_of_the_operator_becomes_unread_again()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        long[] ids = [await alice.Send("operator", "one"), await alice.Send("operator", "two")];
        var toBob = await alice.Send("bob");
        await host.CallAsync("ack_messages", new { all = true });
        var before = (await hive.State()).GetProperty("inbox")[1].GetRawText();
        var cursor = await hive.Cursor();
        // Twice is the same as once.
        foreach (var _ in Enumerable.Range(0, 2))
        {
            using var answer = await hive.Http().PostAsync($"/api/messages/{ids[0]}/unread", null);
            var message = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message");
            Assert.False(message.TryGetProperty("acked_at", out var _));
        }

        foreach (var other in new[] { toBob, 999 })
        {
            using var refused = await hive.Http().PostAsync($"/api/messages/{other}/unread", null);
            Assert.Equal(System.Net.HttpStatusCode.NotFound, refused.StatusCode);
        }

        Assert.Equal(["requeued"], await hive.Kinds(cursor));
        await hive.Restart();
        // With the message that closed the list of events.
        Assert.Equal(2, (await hive.State()).Int("inbox_unread"));
        host = await hive.Operator();
        Assert.Equal(1, (await host.CallAsync("ack_messages", new { ids = new[] { ids[0] } })).Int("acked"));
        Assert.Equal(before, (await hive.State()).GetProperty("inbox")[2].GetRawText());
    }

    [Fact]
    public async Task The_unread_number_of_a_snapshot_is_that_of_its_own_rows()
    {
        await using var hive = await HiveFixture.Start();
        // A pair of messages is many.
        hive.Services.GetRequiredService<Chunks>().Size = 2;
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        var store = hive.Services.GetRequiredService<IStore>();
        var reads = 0;
        var changes = Change();
        do
        {
            await store.Read(Compare);
            Interlocked.Increment(ref reads);
        } while (!changes.IsCompleted);
        await changes;

        var unread = await store.Read(Compare);
        Assert.Equal(8, unread);
        // A write that is rolled back leaves the number as it was.
        var leases = hive.Services.GetRequiredService<Leases>();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            store.Write<int>(write =>
                leases.AckRead(write, leases.UnreadByOperator()) == unread
                    ? throw new InvalidOperationException()
                    : throw new Xunit.Sdk.XunitException("not all were acknowledged")
            )
        );
        Assert.Equal(unread, await store.Read(Compare));
        Assert.Equal(unread, (await host.CallAsync("inbox")).Int("unread"));
        await hive.Restart();
        Assert.Equal(unread, await hive.Services.GetRequiredService<IStore>().Read(Compare));
        Assert.Equal(unread, (await hive.State()).Int("inbox_unread"));

        async Task Change()
        {
            for (var round = 0; round < 10; round++)
            {
                List<long> ids = [];
                while (ids.Count < 20)
                    ids.Add(await alice.Send("operator"));
                // The one that may have begun before, and one that sees them.
                var before = Volatile.Read(ref reads);
                await Patience.Until(
                    () => Task.FromResult(Volatile.Read(ref reads) > before + 1),
                    "the messages of the round are counted"
                );
                await host.CallAsync("ack_messages", round % 2 == 0 ? new { ids } : (object)new { all = true });
                await host.CallAsync("unread_message", new { id = ids[round] });
            }

            for (var i = 0; i < 7; i++)
                await alice.Send("operator");
        }

        static long Compare(DbConnection db)
        {
            var told = (long)new InboxUnreadSection().Read(db);
            Assert.Equal(
                db.ExecuteScalar<long>(
                    "SELECT count(*) FROM messages WHERE recipient = 'operator' AND acked_at IS NULL"
                ),
                told
            );
            return told;
        }
    }

    [Fact]
    public async Task The_operator_writes_to_agents_and_not_to_itself()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        var id = await host.Send("alice");
        var message = Assert.Single(await alice.Receive());
        Assert.Equal((id, "operator"), (message.Id, message.From));
        await Talk.Refused(() => host.Send("operator"), "invalid");
        await Talk.Refused(() => host.Send("nobody"), "not_found");
        Assert.Equal(0, (await host.CallAsync("inbox")).Int("unread"));
    }

    [Fact]
    public async Task History_pages_back_200_at_a_time_without_a_gap()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, http) = (await hive.Connect("alice"), hive.Http());
        List<long> ids = [];
        for (var i = 0; i < 205; i++)
            ids.Add(await alice.Send("bob"));
        var page = await http.GetFromJsonAsync<JsonElement>("/dashboard/history");
        var newest = page.GetProperty("messages").Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(ids[5..], newest.Select(m => m.Id));
        var before = (await http.GetFromJsonAsync<JsonElement>($"/dashboard/history?before={newest[0].Id}"))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(ids[..5], before.Select(m => m.Id));
        Assert.Empty(
            (await http.GetFromJsonAsync<JsonElement>($"/dashboard/history?before={ids[0]}"))
                .GetProperty("messages")
                .EnumerateArray()
        );

        // The stream continues from the page's cursor without a gap.
        var next = await alice.Send("bob", "after the page");
        var events = await hive.Events(page.GetProperty("cursor").GetString());
        Assert.Equal(next, (await events.Next("sent")).GetProperty("message").GetProperty("id").GetInt64());
    }
}
