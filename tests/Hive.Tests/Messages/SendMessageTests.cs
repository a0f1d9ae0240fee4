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
    public async Task A_body_over_the_limit_is_refused_and_not_stored()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var refused = await Assert.ThrowsAsync<HiveException>(() =>
            alice.CallAsync("send", new { to = "*", body = new string('x', 4097) })
        );
        Assert.Equal("too_large", refused.Code);
        Assert.Contains("4097", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await (await hive.Connect("bob")).CallAsync("status")).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task An_unknown_recipient_is_refused_with_similar_names()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var cursor = await hive.Cursor();
        Assert.Contains(
            "did you mean bob",
            (await Talk.Refused(() => alice.Send("bobb"), "not_found")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => alice.Send("../bob"), "not_found");
        await Talk.Refused(() => alice.Send(""), "invalid");
        await Talk.Refused(() => alice.Send("bob", ""), "invalid");
        await Talk.Refused(() => alice.Send("bob", "a\0b"), "invalid");
        var raw = await RawLine.Connect(hive.AgentSocket("alice"));
        await raw.Write("{\"cmd\":\"send\",\"to\":\"bob\",\"body\":\"half \\ud800 a pair\"}\n");
        Assert.Equal("invalid", (await raw.Read())!.Value.GetProperty("code").GetString());
        raw.Dispose();
        Assert.Empty(await hive.Kinds(cursor));
    }

    [Fact]
    public async Task A_reply_must_name_a_message_to_or_from_its_sender()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, bob, carol) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Connect("carol"));
        var id = await alice.Send("bob");
        await bob.CallAsync(
            "send",
            new
            {
                to = "alice",
                body = "yes",
                in_reply_to = id,
            }
        );
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "and more",
                in_reply_to = id,
            }
        );
        Assert.Equal(id, Assert.Single(await alice.Receive()).InReplyTo);
        var cursor = await hive.Cursor();
        await Talk.Refused(
            () =>
                carol.CallAsync(
                    "send",
                    new
                    {
                        to = "alice",
                        body = "me too",
                        in_reply_to = id,
                    }
                ),
            "not_found"
        );
        await Talk.Refused(
            () =>
                alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "what",
                        in_reply_to = 999,
                    }
                ),
            "not_found"
        );
        Assert.Empty(await hive.Kinds(cursor));
    }

    [Fact]
    public async Task A_key_sends_once_within_24_hours_also_across_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var cursor = await hive.Cursor();
        var alice = await hive.Connect("alice");
        var first = await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "once",
                key = "k",
            }
        );
        Assert.Equal(first.GetProperty("id").GetInt64(), (
                await alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "once",
                        key = "k",
                    }
                )
            ).GetProperty("id").GetInt64());
        Assert.Equal(["sent"], await hive.Kinds(cursor));

        await hive.Restart();
        alice = await hive.Connect("alice");
        Assert.Equal(first.GetProperty("id").GetInt64(), (
                await alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "once",
                        key = "k",
                    }
                )
            ).GetProperty("id").GetInt64());
        // Keys belong to their sender.
        Assert.NotEqual(first.GetProperty("id").GetInt64(), (
                await (await hive.Connect("bob")).CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "mine",
                        key = "k",
                    }
                )
            ).GetProperty("id").GetInt64());

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromHours(24)));
        Assert.NotEqual(first.GetProperty("id").GetInt64(), (
                await alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "once",
                        key = "k",
                    }
                )
            ).GetProperty("id").GetInt64());
        Assert.Equal((3, 0, 0), await (await hive.Connect("bob")).Status());
    }

    [Fact]
    public async Task A_broadcast_is_one_marked_message_for_each_other_agent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var cursor = await hive.Cursor();
        var sent = await (await hive.Connect("alice")).CallAsync(
            "send",
            new
            {
                to = "*",
                body = "all",
                key = "b",
            }
        );
        var ids = sent.GetProperty("ids").EnumerateArray().Select(i => i.GetInt64()).ToArray();
        Assert.Equal(3, ids.Length);
        Assert.False(sent.TryGetProperty("id", out _));
        Assert.Equal(["sent", "sent", "sent"], await hive.Kinds(cursor));
        var message = Assert.Single(await (await hive.Connect("carol")).Receive());
        Assert.True(message.Broadcast);
        Assert.Contains(message.Id, ids);
        Assert.Equal((0, 0, 0), await (await hive.Connect("alice")).Status());
        var host = await hive.Operator();
        // Only the message that closes the list of events is there.
        Assert.Equal(1, (await host.CallAsync("inbox")).GetProperty("messages").GetArrayLength());
        Assert.Equal(
            4,
            (await host.CallAsync("send", new { to = "*", body = "from the operator" }))
                .GetProperty("ids")
                .GetArrayLength()
        );
    }

    [Fact]
    public async Task The_answer_says_whether_the_recipient_receives_messages_now()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        Assert.Equal(
            "not connected",
            (await alice.CallAsync("send", new { to = "bob", body = "x" })).GetProperty("recipient_state").GetString()
        );
        await (await hive.Connect("bob")).CallAsync("whoami");
        Assert.Equal(
            "idle",
            (await alice.CallAsync("send", new { to = "bob", body = "x" })).GetProperty("recipient_state").GetString()
        );
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        Assert.Equal(
            "paused",
            (await alice.CallAsync("send", new { to = "bob", body = "x" })).GetProperty("recipient_state").GetString()
        );
    }
}
