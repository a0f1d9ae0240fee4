using System.Data.Common;
using System.Net;
using System.Text.Json;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Waiting;

public sealed class WaitingListTests
{
    [Fact]
    public async Task Questions_approvals_messages_and_parked_messages_wait_until_they_are_decided()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, manager, host) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("manager"),
            await hive.Operator()
        );
        var events = await hive.Events();
        var first = await alice.Ask("which\r\n\tone?", options: ["a", "b"]);
        var later = await alice.Ask("soon?", ttl: 3600);
        await alice.Ask("a peer", "bob");
        var approval = await manager.RequestSpawn("carol", "more hands");
        var said = await bob.Send("operator", "one");
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        await bob.Send("operator", "two");
        var parked = await bob.Send("alice", "poison");
        await alice.Receive();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            await alice.CallAsync(
                "nack",
                new
                {
                    ids = new[] { parked },
                    delay_seconds = 0,
                    error = "cannot",
                }
            );
            await alice.Receive();
        }

        // The nearest deadline first, then the longest wait.
        string[] keys =
        [
            $"question-{later}",
            $"approval-{approval}",
            $"question-{first}",
            $"parked-{parked}",
            "message-bob",
        ];
        Assert.Equal(keys, await hive.Keys());
        var row = await hive.Row($"question-{first}");
        Assert.Equal(
            ("question", first.Text(), "which one?", "a | b", "now", "alice", $"/waiting/question-{first}"),
            (row.Kind, row.Id, row.Title, row.Detail, row.Urgency, row.Agent, row.Url)
        );
        Assert.Equal(hive.Clock.GetUtcNow().AddSeconds(3599), (await hive.Row($"question-{later}")).DeadlineAt);
        row = await hive.Row($"approval-{approval}");
        Assert.Equal(("spawn carol", "more hands", $"/changes/{approval}"), (row.Title, row.Detail, row.Url));
        row = await hive.Row($"parked-{parked}");
        Assert.Equal(("poison", "cannot", "soon", "alice"), (row.Title, row.Detail, row.Urgency, row.Agent));
        row = await hive.Row("message-bob");
        Assert.Equal(("two", "2 unread messages", "fyi", "bob"), (row.Title, row.Detail, row.Urgency, row.Agent));
        Assert.Equal(hive.Clock.GetUtcNow().AddSeconds(-1), row.SinceAt);
        Assert.Equal([$"question-{later}", $"question-{first}"], await hive.Keys("?kind=question&agent=alice"));
        Assert.Empty(await hive.Keys("?agent=%27%20OR%201%3D1%20--"));
        Assert.Equal(keys, (await hive.State()).WaitingRows().Select(r => r.Key));
        Assert.Equal(keys, (await host.CallAsync("waiting")).WaitingRows().Select(r => r.Key));

        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        await host.Answer(first);
        await host.CallAsync("answer", new { id = later, answer = "no" });
        await host.Deny(approval);
        await host.CallAsync("retry_message", new { id = parked });
        await host.CallAsync("ack_messages", new { ids = new[] { said } });
        Assert.Equal(["message-bob"], await hive.Keys());
        Assert.Null((await hive.Row("message-bob")).Detail);
        await host.CallAsync("ack_messages", new { all = true });
        Assert.Empty(await hive.Waiting());
        List<string> seen = [];
        while (seen.Count == 0 || seen[^1] != "- message-bob")
            seen.Add(await events.NextWaiting());
        Assert.Equal(
            [
                $"+ question-{first}",
                $"+ question-{later}",
                $"+ approval-{approval}",
                "+ message-bob",
                "+ message-bob",
                $"+ parked-{parked}",
                $"- question-{first}",
                $"- question-{later}",
                $"- approval-{approval}",
                $"- parked-{parked}",
                "+ message-bob",
                "- message-bob",
            ],
            seen
        );
    }

    [Fact]
    public async Task A_snoozed_row_comes_back_at_its_time_at_a_change_and_before_its_deadline()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (calm, urgent) = (await alice.Ask("calm"), await alice.Ask("urgent", ttl: 3600));
        await alice.Send("operator", "one");
        var events = await hive.Events();
        Assert.Null(await hive.Snooze($"question-{calm}", TimeSpan.FromHours(2)));
        Assert.Null(await hive.Snooze($"question-{urgent}", TimeSpan.FromHours(2)));
        Assert.Null(await hive.Snooze("message-alice", TimeSpan.FromHours(2)));
        var start = hive.Clock.GetUtcNow();
        Assert.Equal(start.AddHours(2), (await hive.Row($"question-{calm}")).SnoozedUntilAt);
        Assert.Equal(start.AddMinutes(50), (await hive.Row($"question-{urgent}")).SnoozedUntilAt);
        Assert.Equal(3, (await hive.Waiting("?snoozed=true")).Length);
        Assert.Empty(await hive.Waiting("?snoozed=false"));
        Assert.DoesNotContain(await hive.Waiting(), WaitingUrgency.Counts);
        for (var i = 0; i < 3; i++)
            await events.NextWaiting();

        // Two browsers agree, also after a restart of the host.
        await hive.Restart();
        Assert.Equal(3, (await hive.Waiting("?snoozed=true")).Length);
        events = await hive.Events();
        alice = await hive.Connect("alice");
        await alice.Send("operator", "two");
        Assert.Equal("+ message-alice", await events.NextWaiting());
        Assert.Null((await hive.Row("message-alice")).SnoozedUntilAt);
        hive.Clock.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal($"+ question-{urgent}", await events.NextWaiting());
        Assert.Null((await hive.Row($"question-{urgent}")).SnoozedUntilAt);
        Assert.NotNull((await hive.Row($"question-{calm}")).SnoozedUntilAt);
        Assert.Null(await hive.Mark($"question-{calm}", "unsnooze"));
        Assert.Equal($"+ question-{calm}", await events.NextWaiting());
        Assert.Null(await hive.Mark($"question-{calm}", "unsnooze"));
        Assert.Null(await hive.Snooze($"question-{calm}", TimeSpan.FromMinutes(1)));
        Assert.Equal($"+ question-{calm}", await events.NextWaiting());
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal($"+ question-{calm}", await events.NextWaiting());
        Assert.Null((await hive.Row($"question-{calm}")).SnoozedUntilAt);
    }

    [Fact]
    public async Task Only_what_needs_no_decision_leaves_when_it_is_seen()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var id = await alice.Ask();
        var said = await alice.Send("operator", "one");
        Assert.Equal(
            $"conflict: question-{id} needs a decision and leaves only with it: answer it or cancel it; to see it "
                + "later, snooze it",
            await hive.Mark($"question-{id}", "seen")
        );
        Assert.Equal(
            (null, true),
            ((await hive.Row($"question-{id}")).CanBePutAside, (await hive.Row("message-alice")).CanBePutAside)
        );
        Assert.Null(await hive.Mark("message-alice", "seen"));
        Assert.Equal([$"question-{id}"], await hive.Keys());
        // Its address still leads to it.
        Assert.Equal("one", await hive.Find("message-alice"));
        await hive.Restart();
        Assert.Equal([$"question-{id}"], await hive.Keys());
        Assert.Null(await hive.Mark("message-alice", "unseen"));
        Assert.Equal([$"question-{id}", "message-alice"], await hive.Keys());
        Assert.Null(await hive.Mark("message-alice", "seen"));
        alice = await hive.Connect("alice");
        await alice.Send("operator", "two");
        Assert.Equal([$"question-{id}", "message-alice"], await hive.Keys());

        // Reading an older message does not bring the row back.
        Assert.Null(await hive.Mark("message-alice", "seen"));
        await (await hive.Operator()).CallAsync("ack_messages", new { ids = new[] { said } });
        Assert.Equal([$"question-{id}"], await hive.Keys());
    }

    [Fact]
    public async Task A_wrong_time_or_key_is_refused_with_what_became_of_it()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        var (id, brief) = (await alice.Ask(), await alice.Ask(ttl: 300));
        var key = $"question-{id}";
        Assert.StartsWith("invalid: 'until_at' has passed", await hive.Snooze(key, TimeSpan.Zero));
        Assert.StartsWith("invalid: 'until_at' is more than 366 days", await hive.Snooze(key, TimeSpan.FromDays(367)));
        Assert.StartsWith("invalid:", await hive.Mark(key, "snooze", new { until_at = "tomorrow" }));
        Assert.StartsWith("invalid: missing fields: until_at", await hive.Mark(key, "snooze"));
        Assert.StartsWith(
            $"conflict: question-{brief} expires at 2026-01-31 12:05:00Z",
            await hive.Snooze($"question-{brief}", TimeSpan.FromMinutes(1))
        );
        Assert.DoesNotContain(await hive.Waiting(), row => row.SnoozedUntilAt is not null);
        foreach (var wrong in new[] { "question-999", "question-x", "question-", "question", "%27--", "nothing-1" })
            Assert.StartsWith("not_found: ", await hive.Mark(wrong, "seen"));
        Assert.StartsWith("not_found: ", await hive.Mark("question-999", "unsnooze"));
        Assert.Equal("invalid", await hive.Http().Post("/api/waiting/x/snooze"));

        await host.Answer(id);
        Assert.Equal(
            $"conflict: question {id} was answered by operator at 2026-01-31 12:00:00Z; it no longer waits",
            await hive.Snooze(key, TimeSpan.FromHours(1))
        );
        Assert.StartsWith($"conflict: question {id} was answered by operator", await hive.Find(key));
        Assert.StartsWith("not_found: ", await hive.Find("nothing-1"));
        var denied = await (await hive.Connect("manager")).RequestSpawn("bob");
        await host.Deny(denied);
        Assert.StartsWith($"conflict: approval {denied} was denied at", await hive.Mark($"approval-{denied}", "seen"));
        await alice.Send("operator");
        await host.CallAsync("ack_messages", new { all = true });
        Assert.Equal(
            "conflict: the messages of alice have been read; it no longer waits",
            await hive.Mark("message-alice", "seen")
        );
        // A filter is text, and not the syntax of anything.
        foreach (var text in new[] { "\"", "%", "*", "' OR 1=1 --", "NEAR(a b)", "\u202e", new string('x', 4_096) })
        {
            Assert.Empty(await hive.Waiting($"?agent={Uri.EscapeDataString(text)}"));
            using var answer = await hive.Http().GetAsync($"/api/waiting?kind={Uri.EscapeDataString(text)}");
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }

        var refused = await Talk.Refused(() => host.CallAsync("waiting", new { kind = "qestion" }), "invalid");
        Assert.Contains("approval, ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kind_is_one_class_and_one_line_and_shows_its_rows_when_it_says()
    {
        await using var hive = await HiveFixture.StartWith(services => services.AddModule(new TicketsModule()));
        var events = await hive.Events();
        var store = hive.Services.GetRequiredService<IStore>();
        var now = hive.Clock.GetUtcNow();
        await store.Write(write =>
            write.Raise(
                new TicketChanged(
                    new WaitingThing("7", "fix the roof", now, WaitingUrgency.Fyi)
                    {
                        ShownFrom = now.AddHours(1),
                        ShownUntil = now.AddHours(2),
                    }
                )
            )
        );
        Assert.Empty(await hive.Waiting());
        Assert.StartsWith("not_found: ticket-7 does not wait", await hive.Find("ticket-7"));
        Assert.StartsWith("not_found: ticket-7 does not wait", await hive.Snooze("ticket-7", TimeSpan.FromDays(1)));
        hive.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("+ ticket-7", await events.NextWaiting());
        Assert.Equal("fix the roof", Assert.Single(await hive.Waiting()).Title);
        hive.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("- ticket-7", await events.NextWaiting());
        Assert.StartsWith("not_found: ticket-7 does not wait", await hive.Mark("ticket-7", "seen"));
    }

    [Fact]
    public async Task A_row_that_changes_often_is_published_four_times_a_second()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, events) = (await hive.Connect("alice"), await hive.Events());
        for (var i = 0; i < 10; i++)
            await alice.Send("operator", $"{i}");
        // All who ask are told the newest state.
        Assert.Equal("9", (await hive.Row("message-alice")).Title);
        hive.Clock.Advance(TimeSpan.FromMilliseconds(250));
        await alice.Ask("the end");
        List<string> titles = [];
        while (titles is not [.., "the end"])
            titles.Add((await events.Next("waiting_changed")).GetProperty("waiting").GetProperty("title").GetString()!);
        Assert.Equal(["0", "9", "the end"], titles);
    }

    [Fact]
    public async Task Many_unread_messages_of_a_sender_are_counted_up_to_a_limit()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, began) = (await hive.Connect("alice"), hive.Clock.GetUtcNow());
        List<long> ids = [];
        for (var i = 0; i < 60; i++)
            ids.Add(await alice.Send("operator", $"{i}"));
        await Shown("59", "60 unread messages");
        await hive.Restart();
        await Shown("59", "60 unread messages");
        Assert.Equal(began, (await hive.Row("message-alice")).SinceAt);
        await Ack(ids[..59]);
        await Shown("59", null);
        await Ack(ids[59..]);
        Assert.Empty(await hive.Waiting());

        await hive.Sql(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO messages (sender, recipient, body, sent_at) SELECT 'alice', 'operator', 'many', 0 FROM n
            """
        );
        await hive.Restart();
        await Shown("many", "1000 unread messages");
        await (await hive.Connect("alice")).Send("operator", "one more");
        await Shown("one more", "more than 1000 unread messages");
        await (await hive.Operator()).CallAsync("ack_messages", new { all = true });
        while ((await hive.Waiting()).Length > 0)
            await Pass();

        async Task Shown(string title, string? detail)
        {
            while (await hive.Row("message-alice") is var row && (row.Title, row.Detail) != (title, detail))
                await Pass();
        }

        async Task Ack(List<long> read) => await (await hive.Operator()).CallAsync("ack_messages", new { ids = read });

        async Task Pass()
        {
            hive.Clock.Advance(TimeSpan.FromMilliseconds(250));
            await hive.Settled();
        }
    }

    [Fact]
    public async Task A_subscriber_gets_at_most_four_lists_a_second_and_the_last_one()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        await using var lists = host.StreamAsync("subscribe_waiting").GetAsyncEnumerator();
        Assert.Empty(await Next());
        await alice.Ask();
        Assert.Single(await Next());
        var next = Next();
        await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromMilliseconds(250));
        await alice.Ask();
        await alice.Ask();
        hive.Clock.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(3, (await next).Length);

        async Task<WaitingView[]> Next()
        {
            Assert.True(await lists.MoveNextAsync());
            return lists.Current.WaitingRows();
        }
    }

    [Fact]
    [Sampled]
    public async Task After_random_changes_all_doors_and_a_page_show_the_same_rows()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var random = Ring.Random();
        string[] names = ["alice", "bob"];
        for (var run = 0; run < Ring.Count(2, inLong: 8); run++)
        {
            var host = await hive.Operator();
            var agents = new[]
            {
                await hive.Connect("alice"),
                await hive.Connect("bob"),
                await hive.Connect("manager"),
            };
            var state = await hive.State();
            var page = state.WaitingRows().ToDictionary(row => row.Key);
            var events = await hive.Events(state.GetProperty("cursor").GetString());
            for (var step = 0; step < 150; step++)
            {
                try
                {
                    await Change(host, agents);
                }
                catch (Exception e) when (e is HiveException)
                {
                    // A change that is refused must change nothing.
                }
            }

            // A row that changed just now is published a little later.
            hive.Clock.Advance(TimeSpan.FromMilliseconds(250));
            await hive.Settled();
            var last = await agents[0].Ask("the end");
            while (!page.ContainsKey($"question-{last}"))
            {
                var next = await events.Next("waiting_changed", "waiting_removed");
                if (next.TryGetProperty("waiting", out var row))
                    page[row.GetProperty("key").GetString()!] = row.Deserialize<WaitingView>(WireJson.Options)!;
                else
                    page.Remove(next.GetProperty("key").GetString()!);
            }

            var rows = Text(await hive.Waiting());
            Assert.NotEqual("[]", rows);
            Assert.Equal(rows, Text((await hive.State()).WaitingRows()));
            Assert.Equal(rows, Text((await host.CallAsync("waiting")).WaitingRows()));
            Assert.Equal(rows, Text(WaitingUrgency.Sorted(page.Values)));
            await hive.Restart();
            Assert.Equal(rows, Text(await hive.Waiting()));
        }

        static string Text(IEnumerable<WaitingView> rows) => JsonSerializer.Serialize(rows, WireJson.Options);

        async Task Change(LineClient host, LineClient[] agents)
        {
            var agent = agents[random.Next(2)];
            var rows = await hive.Waiting();
            var row = rows.Length == 0 ? null : rows[random.Next(rows.Length)];
            switch (random.Next(10))
            {
                case 0:
                    await agent.Ask(
                        $"question {random.Next()}",
                        ttl: random.Next(2) == 0 ? null : random.Next(1, 9000)
                    );
                    break;
                case 1:
                    await agent.Send("operator", $"message {random.Next()}");
                    break;
                case 2:
                    await agents[2].RequestSpawn($"agent{random.Next(100_000)}");
                    break;
                case 3 when row?.Kind == "question":
                    await host.Answer(long.Parse(row.Id, null));
                    break;
                case 3 when row?.Kind == "approval":
                    await host.Deny(long.Parse(row.Id, null));
                    break;
                case 3:
                    await host.CallAsync("ack_messages", new { all = true });
                    break;
                case 4 or 5 when row is not null:
                    await hive.Snooze(row.Key, TimeSpan.FromSeconds(random.Next(1, 9000)));
                    break;
                case 6 when row is not null:
                    await hive.Mark(row.Key, "unsnooze");
                    break;
                case 7 when row is not null:
                    await hive.Mark(row.Key, "seen");
                    break;
                case 8:
                    await hive.Mark($"message-{names[random.Next(2)]}", "unseen");
                    break;
                case 9:
                    hive.Clock.Advance(TimeSpan.FromSeconds(random.Next(2000)));
                    await hive.Settled();
                    break;
            }
        }
    }

    internal sealed record TicketChanged(WaitingThing Thing) : INotification;

    internal sealed class WaitingTickets : IWaiting
    {
        public string Kind => "ticket";

        public string Decision => "close it";

        public IEnumerable<WaitingThing> Read(DbConnection db) => [];

        public void Follow(INotification notification, IWaitingChanges changes)
        {
            if (notification is TicketChanged { Thing: var thing })
                changes.Put(thing);
        }

        public string? Outcome(DbConnection db, string id) => null;
    }

    internal sealed class TicketsModule : FeatureModule
    {
        public TicketsModule() => Waiting<WaitingTickets>();
    }
}
