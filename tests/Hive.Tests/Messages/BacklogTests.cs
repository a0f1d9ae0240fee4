using System.Globalization;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Limits on what waits for a recipient: a refusal stores nothing, and ends when something was dealt
/// with.</summary>
public sealed class BacklogTests
{
    [Fact]
    public async Task A_sender_with_too_many_waiting_messages_is_refused_and_others_are_not()
    {
        await using var hive = await Full("alice", "bob", Limits.MessagesOfSender);
        var (alice, carol) = (await hive.Connect("alice"), await hive.Connect("carol"));
        var refused = await Talk.Refused(() => alice.Send("bob"), "limited");
        Assert.Equal(
            "10000 messages of alice wait for bob or are parked, and the limit is 10000; try again when bob has dealt "
                + "with some, or put the rest into a file under /shared",
            refused.Message
        );
        Assert.Null(refused.RetryAfter);
        // For everybody or for nobody.
        await Talk.Refused(() => alice.CallAsync("send", new { to = "*", body = "all" }), "limited");
        Assert.Empty(await carol.Receive());
        await alice.Send("carol");
        await carol.Send("bob");
        await (await hive.Operator()).Send("bob");
        Assert.Equal(Limits.MessagesOfSender + 2, (await (await hive.Connect("bob")).Status()).Unread);
    }

    [Fact]
    public async Task There_is_room_again_after_an_ack_and_when_a_parked_message_is_dropped()
    {
        await using var hive = await Full("alice", "bob", Limits.MessagesOfSender);
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var first = Assert.Single(await bob.Receive(max: 1));
        // Received messages still wait for bob.
        await Talk.Refused(() => alice.Send("bob"), "limited");
        await bob.CallAsync("ack", new { ids = new[] { first.Id } });
        await alice.Send("bob");
        await Talk.Refused(() => alice.Send("bob"), "limited");

        var second = Assert.Single(await bob.Receive(max: 1));
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            await bob.CallAsync("nack", new { ids = new[] { second.Id }, delay_seconds = 0 });
            if (i < Limits.NacksBeforeParking - 1)
                Assert.Equal(second.Id, Assert.Single(await bob.Receive(max: 1)).Id);
        }

        // A parked message waits for the operator, and for bob again after a retry; a dropped one does not.
        await Talk.Refused(() => alice.Send("bob"), "limited");
        var host = await hive.Operator();
        await host.CallAsync("retry_message", new { id = second.Id });
        Assert.Equal(second.Id, Assert.Single(await bob.Receive(max: 1)).Id);
        await bob.CallAsync("nack", new { ids = new[] { second.Id }, delay_seconds = 5 });
        await Talk.Refused(() => alice.Send("bob"), "limited");
        await host.CallAsync("drop_message", new { id = second.Id });
        await alice.Send("bob");
        await Talk.Refused(() => alice.Send("bob"), "limited");
    }

    [Fact]
    public async Task A_reminder_is_refused_when_too_many_delivered_ones_wait()
    {
        await using var hive = await Full("reminder", "bob", Limits.MessagesOfSender);
        var bob = await hive.Connect("bob");
        var refused = await Talk.Refused(Remind, "limited");
        Assert.Equal(
            "10000 reminders wait for bob or are parked, and the limit is 10000; acknowledge some first",
            refused.Message
        );
        Assert.Empty((await bob.CallAsync("loose_ends")).GetProperty("items").EnumerateArray());
        await bob.CallAsync("ack", new { ids = new[] { Assert.Single(await bob.Receive(max: 1)).Id } });
        await Remind();
        Assert.Equal(Limits.MessagesOfSender - 1, (await bob.Status()).Unread);

        Task Remind() => bob.CallAsync("remind", new { message = "later", delay_seconds = 60 });
    }

    [Fact]
    public async Task A_file_for_which_there_is_no_room_is_not_copied()
    {
        // One that takes the text, but not the text with the path of the copy.
        const int length = 4096;
        await using var hive = await Full("alice", "bob", (int)(Limits.BytesOfSender / length) - 1, length);
        var alice = await hive.Connect("alice");
        await alice.Send("bob", new string('x', length - 10));
        var file = Path.Combine(hive.DataDir, "agents/alice/state/file");
        await File.WriteAllTextAsync(file, "content");
        await Talk.Refused(
            () =>
                alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "x",
                        file_path = file,
                    }
                ),
            "limited"
        );
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "agents/bob/state/received/alice")));
    }

    [Fact]
    public async Task A_write_that_fails_leaves_the_counts_as_they_were()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var parked = await alice.Send("bob", "parked");
        await bob.Receive();
        await bob.CallAsync("nack", new { ids = new[] { parked } });
        var waiting = await alice.Send("bob", "waiting");
        var asked = (await alice.CallAsync("ask", new { question = "Well?", to = "bob" })).GetProperty("id");
        var backlog = hive.Services.GetRequiredService<Inboxes>().Of("bob").Backlog;
        var before = await hive.Services.GetRequiredService<IStore>().Write(_ => backlog.Counts.ToArray());
        Assert.Equal([("alice", 3)], before.Select(c => (c.Sender, c.Messages)));
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            hive
                .Services.GetRequiredService<IStore>()
                .Write<bool>(write =>
                {
                    var (outbox, inflight, failed) = (
                        hive.Services.GetRequiredService<IOutbox>(),
                        hive.Services.GetRequiredService<IInflight>(),
                        hive.Services.GetRequiredService<FailedMessages>()
                    );
                    outbox.Append(write, "system", "bob", "for alice", cause: "alice");
                    outbox.Append(write, "carol", "bob", "of her own");
                    failed.Drop(write, parked);
                    Assert.True(inflight.Withdraw(write, waiting));
                    Assert.NotEqual(before, backlog.Counts);
                    throw new InvalidOperationException("as if the disk had failed");
                })
        );
        Assert.Equal(before, await hive.Services.GetRequiredService<IStore>().Write(_ => backlog.Counts.ToArray()));
        // What the host sent for alice is still hers to free.
        await bob.CallAsync("answer", new { id = asked, answer = "yes" });
        var ids = (await bob.Receive(max: 10)).Select(m => m.Id).ToArray();
        await bob.CallAsync("ack", new { ids });
        await (await hive.Operator()).CallAsync("drop_message", new { id = parked });
        Assert.Empty(await hive.Services.GetRequiredService<IStore>().Write(_ => backlog.Counts.ToArray()));
    }

    [Fact]
    public async Task A_purged_agents_name_begins_with_an_empty_inbox()
    {
        await using var hive = await Full("alice", "bob", Limits.MessagesOfSender);
        var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "bob", purge = true });
        await hive.Spawn("bob");
        await (await hive.Connect("alice")).Send("bob");
    }

    [Fact]
    public async Task The_bytes_of_a_sender_are_limited()
    {
        const int length = 4000;
        await using var hive = await Full("alice", "bob", (int)(Limits.BytesOfSender / length), length);
        var alice = await hive.Connect("alice");
        var refused = await Talk.Refused(() => alice.Send("bob", new string('ü', length / 2)), "limited");
        Assert.StartsWith(
            "the messages of alice that wait for bob or are parked have 33552000 bytes, and the limit is 33554432; try "
                + "again when ",
            refused.Message,
            StringComparison.Ordinal
        );
        await alice.Send("bob", "short");
    }

    [Fact]
    public async Task A_full_inbox_takes_a_smaller_number_from_each_sender()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        await Store(hive, "alice", "bob", Limits.MessagesOfSenderWhenFull);
        await Store(hive, "dave", "bob", Limits.WaitingMessages - Limits.MessagesOfSenderWhenFull);
        await hive.Restart();
        var refused = await Talk.Refused(async () => await (await hive.Connect("alice")).Send("bob"), "limited");
        Assert.StartsWith(
            "1000 messages of alice wait for bob or are parked, and the limit while 100000 messages of all senders "
                + "wait there is 1000; try again",
            refused.Message,
            StringComparison.Ordinal
        );
        await (await hive.Connect("carol")).Send("bob");
    }

    [Fact]
    public async Task Messages_that_the_host_sends_for_an_agent_count_as_the_agents()
    {
        await using var hive = await Full("alice", "bob", Limits.MessagesOfSender - 1);
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        await Ask();
        var refused = await Talk.Refused(Ask, "limited");
        Assert.StartsWith("10000 messages of alice wait for bob or are parked, and the limit", refused.Message);
        Assert.Single((await alice.CallAsync("loose_ends")).GetProperty("items").EnumerateArray());
        await Talk.Refused(() => alice.Send("bob"), "limited");
        await (await hive.Connect("carol")).CallAsync("ask", new { question = "Well?", to = "bob" });
        // The host's own messages are never too many.
        var question = (await bob.CallAsync("ask", new { question = "May I?" })).GetProperty("id").GetInt64();
        await host.CallAsync("answer", new { id = question, answer = "yes" });
        Assert.Equal(Limits.MessagesOfSender + 2, (await bob.Status()).Unread);

        Task Ask() => alice.CallAsync("ask", new { question = "Well?", to = "bob" });
    }

    [Fact]
    public async Task A_restart_leaves_what_was_sent_for_an_agent_among_the_agents_messages()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var id = (await (await hive.Connect("alice")).CallAsync("ask", new { question = "Well?", to = "bob" }))
            .GetProperty("id")
            .GetInt64();
        // A row of an earlier version does not say for whom the host sent it.
        await Store(hive, "system", "bob", 1);
        await Store(hive, "alice", "bob", Limits.MessagesOfSender - 1);
        await hive.Restart();
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var refused = await Talk.Refused(() => alice.Send("bob"), "limited");
        Assert.StartsWith("10000 messages of alice wait for bob or are parked, and the limit", refused.Message);
        // Received and acknowledged after the restart, it is still the agent's to free.
        var question = Assert.Single(await bob.Receive(max: 1));
        Assert.Equal(("system", id), (question.From, JsonElement.Parse(question.Body).GetProperty("id").GetInt64()));
        await bob.CallAsync("ack", new { ids = new[] { question.Id } });
        await alice.Send("bob");
        await Talk.Refused(() => alice.Send("bob"), "limited");
    }

    [Fact]
    public async Task An_agent_that_holds_too_many_messages_receives_no_more()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        await Store(hive, "alice", "bob", Limits.LeasedMessages - 1, leased: true);
        await hive.Restart();
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        // The last for which there is room of its sender.
        await alice.Send("bob", "last");
        var last = Assert.Single(await bob.Receive());
        var refused = await Talk.Refused(() => bob.Receive(), "limited");
        Assert.StartsWith(
            "bob holds 10000 messages, and the limit is 10000; acknowledge some",
            refused.Message,
            StringComparison.Ordinal
        );
        await bob.CallAsync("ack", new { ids = new[] { last.Id } });
        Assert.Empty(await bob.Receive());
    }

    [Fact]
    public async Task No_sender_can_fill_the_operators_inbox_or_hide_others_in_it()
    {
        await using var hive = await Full("alice", "operator", Limits.MessagesOfSender);
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        var refused = await Talk.Refused(() => alice.Send("operator"), "limited");
        Assert.Equal(
            "10000 messages of alice wait for operator or are parked, and the limit is 10000; try again when the "
                + "operator has read some, and ask what cannot wait as a question",
            refused.Message
        );
        await alice.CallAsync("ask", new { question = "Please?" });
        long[] ofBob = [await bob.Send("operator", "one"), await bob.Send("operator", "two")];
        long[] ofAlice = [.. (await Inbox()).Where(m => m.From == "alice").Select(m => m.Id).Take(1)];
        await host.CallAsync("ack_messages", new { ids = ofAlice });
        var newest = await alice.Send("operator", "newest");
        await Talk.Refused(() => alice.Send("operator"), "limited");

        var shown = await Inbox();
        Assert.Equal(50, shown.Length);
        Assert.Equal(shown.Select(m => m.Id).OrderDescending(), shown.Select(m => m.Id));
        Assert.Equal(ofBob, shown.Where(m => m.From == "bob").Select(m => m.Id).Order());
        Assert.Equal(newest, shown[0].Id);
        var state = (await hive.State()).GetProperty("inbox").Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(shown.Select(m => m.Id), state.Select(m => m.Id));
        // With room for two, each sender has one.
        Assert.Equal([newest, ofBob[1]], (await Inbox(2)).Select(m => m.Id));

        async Task<Message[]> Inbox(int? limit = null) =>
            (await host.CallAsync("inbox", new { limit }))
                .GetProperty("messages")
                .Deserialize<Message[]>(WireJson.Options)!;
    }

    private static async Task<HiveFixture> Full(string sender, string recipient, int count, int length = 1)
    {
        var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        await Store(hive, sender, recipient, count, length);
        // The counts are read at the start.
        await hive.Restart();
        return hive;
    }

    private static Task Store(
        HiveFixture hive,
        string sender,
        string recipient,
        int count,
        int length = 1,
        bool leased = false
    ) =>
        hive.Sql(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
                INSERT INTO messages (sender, recipient, body, sent_at, delivered_at, deliveries)
                SELECT '{sender}', '{recipient}', printf('%.{length}c', 'x'), 1, {(leased ? "1, 1" : "NULL, 0")} FROM n
                """
            )
        );
}
