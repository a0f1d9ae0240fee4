using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

public sealed class HistoryTests
{
    [Theory]
    [InlineData("alice", null)]
    [InlineData("alice", "bob")]
    [InlineData("alice", "alice")]
    public async Task The_history_and_those_who_follow_it_filter_alike(string agent, string? with)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        await using var follow = host.StreamAsync("follow_messages", new { agent, with }).GetAsyncEnumerator();
        Assert.True(await follow.MoveNextAsync());
        await bob.Send("bob", "of others");
        await alice.Send("operator", "one");
        await bob.Send("alice", "two");
        await alice.Send("alice", "three");
        await alice.Send("bob", "four");
        await alice.Send("alice", "five");
        await hive.Settled();
        foreach (var id in await hive.Ids($"agent={agent}{(with is null ? "" : $"&with={with}")}"))
        {
            Assert.True(await follow.MoveNextAsync());
            Assert.Equal(id, follow.Current.GetProperty("message").GetProperty("id").GetInt64());
        }

        var http = hive.Http();
        using var alone = await http.GetAsync("/dashboard/history?with=bob");
        Assert.Equal(HttpStatusCode.BadRequest, alone.StatusCode);
        await Talk.Refused(
            async () => await (await hive.Operator()).CallAsync("follow_messages", new { with = "bob" }),
            "invalid"
        );
    }

    [Theory]
    [InlineData(false, 1_000_000, 3)]
    [InlineData(true, 0, 40)]
    [InlineData(true, 2_500, 40)]
    [InlineData(true, 5_000, 20)]
    [InlineData(true, 1_000_000, 3)]
    public void A_long_tail_of_messages_shortens_the_pauses_of_the_indexer(bool arriving, long tail, double pieces) =>
        Assert.Equal(pieces, MessageIndexer.PauseAfterPiece(arriving, tail));

    [Fact]
    public async Task Every_filter_finds_the_same_messages_whether_they_are_indexed_or_not()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        var first = await alice.Send("bob", "Deploy of src/Pay.ts failed: 50% of requests time out");
        var reply = await Reply(bob, "alice", "Which TIMEOUT? I see foo_bar and \"quoted\"", first);
        var other = await alice.Send("carol", "deployed; déjà vu, größe, 漢字, مرحبا 🎉");
        var toOperator = await alice.Send("operator", "C++ or C? a*b AND NOT (c OR d) NEAR/2");
        var late = await Reply(alice, "bob", "the payment timeout", reply);
        var mine = await host.Send("alice", "not now");
        await hive.Settled();
        var everything = await hive.History("");
        Assert.True(everything.Length >= 6);
        await bob.Receive(max: 1);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await bob.CallAsync("nack", new { ids = new[] { first }, delay_seconds = 0 });
            await bob.Receive(max: 1);
        }

        await host.CallAsync("ack_messages", new { ids = new[] { toOperator } });
        (string Query, long[] Ids)[] expected =
        [
            ("agent=alice", [first, reply, other, toOperator, late, mine]),
            ("agent=alice&with=bob", [first, reply, late]),
            ("agent=bob&with=alice&kind=agents", [first, reply, late]),
            ("agent=operator&with=alice", [toOperator, mine]),
            ("agent=carol", [other]),
            ("agent=nobody", []),
            ("kind=operator", [toOperator, mine]),
            ("kind=agents", [first, reply, other, late]),
            ("kind=reminders", []),
            ($"thread={first}", [first, reply, late]),
            ($"thread={late}", [first, reply, late]),
            ($"thread={other}", [other]),
            ($"thread={late}&agent=bob&q=timeout", [reply, late]),
            ($"thread={first}&before={late}", [first, reply]),
            ("state=parked", [first]),
            ("state=unread&agent=bob", [reply]),
            ("state=unread&q=not", [mine]),
            ("q=deploy", [first, other]),
            ("q=DEPLOYED", [other]),
            ("q=eploy", []),
            ("q=time", [first, reply, late]),
            ("q=time%20out", [first]),
            ("q=src/pay.ts", [first]),
            ("q=pay", [first, late]),
            ("q=pay%20FAIL", [first]),
            ("q=50%25", [first]),
            ("q=%25", [first]),
            ("q=bar", [reply]),
            ("q=foo_bar", [reply]),
            ("q=%22quoted", [reply]),
            ("q=%22", [reply]),
            ("q=c%2B%2B", [toOperator]),
            ("q=a*b", [toOperator]),
            ("q=*", [toOperator]),
            ("q=and", [reply, toOperator]),
            ("q=near/2", [toOperator]),
            ("q=(c%20OR", [toOperator]),
            ("q=d)%20-", []),
            ("q=gr%C3%B6%C3%9Fe", [other]),
            ("q=D%C3%89J%C3%80", [other]),
            ("q=%E6%BC%A2%E5%AD%97", [other]),
            ("q=%D9%85%D8%B1%D8%AD%D8%A8%D8%A7", [other]),
            ("q=%F0%9F%8E%89", [other]),
            ("q=%F0%9F%8E%8A", []),
            ("q=~", []),
            ("q=%25&agent=bob", [first]),
            ("q=*&agent=alice&kind=operator", [toOperator]),
            ("q=%22&state=unread", [reply]),
            ("q=body:deploy", []),
            ("q=%20%20", [.. everything.Select(m => m.Id)]),
        ];
        foreach (var half in new[] { "none", "all" })
        {
            foreach (var (query, ids) in expected)
                Assert.Equal((half, query, Said(ids)), (half, query, Said(await hive.Ids(query))));
            await hive.Services.GetRequiredService<MessageIndexer>().CatchUp(CancellationToken.None);
        }

        // Newer ones are found beside the indexed ones.
        var newest = await Reply(bob, "alice", "no timeout any more", late);
        Assert.Equal([reply, late, newest], await hive.Ids($"q=timeout&thread={first}"));
        Assert.Equal([first, reply, late, newest], await hive.Ids($"thread={newest}"));
        Assert.Equal([first, reply, late, newest], await hive.Ids("agent=bob&with=alice"));
        Assert.Equal(
            [reply, late, newest],
            (await host.CallAsync("messages", new { q = "timeout", agent = "bob" }))
                .GetProperty("messages")
                .EnumerateArray()
                .Select(m => m.GetProperty("id").GetInt64())
        );
    }

    [Fact]
    public async Task A_time_finds_its_messages_also_when_the_clock_has_jumped_back()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        await hive.Settled();
        var began = hive.Clock.GetUtcNow();
        hive.Clock.Advance(TimeSpan.FromHours(1));
        var noon = hive.Clock.GetUtcNow();
        var first = await alice.Send("bob", "the first");
        hive.Clock.Advance(TimeSpan.FromHours(1));
        var second = await alice.Send("operator", "the second");
        hive.Clock.Jump(TimeSpan.FromHours(-1.5));
        var jumped = await alice.Send("bob", "sent before noon");
        hive.Clock.Jump(TimeSpan.FromHours(2.5));
        var last = await alice.Send("bob", "the last");
        static string At(DateTimeOffset at) => Uri.EscapeDataString($"{at:yyyy-MM-dd'T'HH:mm:ss.fffzzz}");
        (string Query, long[] Ids)[] expected =
        [
            ($"since={At(noon)}", [first, second, last]),
            ($"since={At(noon.AddMilliseconds(1))}", [second, last]),
            ($"since={At(noon.ToOffset(TimeSpan.FromHours(5.5)))}&until={At(noon.AddHours(1))}", [first]),
            ($"since={At(noon)}&until={At(noon)}", []),
            ($"since={At(noon.AddHours(2))}&until={At(noon)}", []),
            ($"since={At(began.AddMinutes(1))}&until={At(noon)}", [jumped]),
            ($"since={At(noon)}&agent=bob", [first, last]),
            ($"since={At(noon)}&agent=alice&with=operator", [second]),
            ($"since={At(noon)}&kind=operator", [second]),
            ($"since={At(noon)}&state=unread&before={last}", [first, second]),
            ($"since={At(noon)}&q=the", [first, second, last]),
            ($"since={At(noon)}&until={At(noon.AddMinutes(90))}&q=%25", []),
            ($"since={At(noon)}&thread={first}", [first]),
            ($"until={At(noon)}&thread={first}", []),
            ($"since={At(noon.AddYears(100))}", []),
            ($"until={At(noon.AddYears(-100))}", []),
        ];
        foreach (var half in new[] { "none", "all" })
        {
            foreach (var (query, ids) in expected)
                Assert.Equal((half, query, Said(ids)), (half, query, Said(await hive.Ids(query))));
            await hive.Services.GetRequiredService<MessageIndexer>().CatchUp(CancellationToken.None);
        }

        // One that is not indexed yet is found beside them.
        var newest = await alice.Send("bob", "the newest");
        Assert.Equal([first, last, newest], await hive.Ids($"agent=bob&since={At(noon)}"));
        Assert.Equal(
            [last, newest],
            (await host.CallAsync("messages", new { since = noon.AddHours(2) }))
                .GetProperty("messages")
                .EnumerateArray()
                .Select(m => m.GetProperty("id").GetInt64())
        );
    }

    [Fact]
    public async Task A_wrong_filter_is_refused_and_hostile_words_are_text()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var id = await (await hive.Connect("alice")).Send("operator", string.Concat(Enumerable.Repeat("\"x\" ", 1000)));
        (string Query, HttpStatusCode Status, string Named)[] wrong =
        [
            ("with=alice", HttpStatusCode.BadRequest, "'with' needs 'agent'"),
            ("kind=all", HttpStatusCode.BadRequest, "'kind' must be agents, operator, system or reminders"),
            ("state=read", HttpStatusCode.BadRequest, "'state' must be unread or parked"),
            ("thread=0", HttpStatusCode.BadRequest, "'thread'"),
            ("thread=x", HttpStatusCode.BadRequest, "'thread'"),
            ("thread=999", HttpStatusCode.NotFound, "message 999 not found"),
            ("q=" + new string('x', 4097), HttpStatusCode.RequestEntityTooLarge, "'q' has 4097 bytes"),
            ("since=2026-01-31T12:00:00", HttpStatusCode.BadRequest, "'since'"),
            ("until=yesterday", HttpStatusCode.BadRequest, "'until'"),
            ("q=%00", HttpStatusCode.BadRequest, "'q' contains a NUL"),
        ];
        foreach (var (query, status, named) in wrong)
        {
            using var answer = await hive.Http().GetAsync($"/dashboard/history?{query}");
            Assert.Equal((named, status), (named, answer.StatusCode));
            var title = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString()!;
            Assert.Contains(named, title, StringComparison.Ordinal);
        }

        string[] hostile =
        [
            "\"",
            "\"\"",
            "'",
            "x\" OR \"y",
            "^x",
            "x:y",
            "{a b}:c",
            "NEAR(a b, 5)",
            "x*",
            "*",
            "-x",
            "+",
            "(",
            ")",
            "\\",
            "%",
            "_",
            ";--",
            "\u202e",
            "\ufeff",
            "x\ny",
            "\ud7ff\ue000",
            "\uffff",
            string.Join(' ', Enumerable.Range(0, 800).Select(i => $"w{i}")),
            string.Concat(Enumerable.Repeat("a.", 2000)),
            new string('*', 4096),
            string.Concat(Enumerable.Repeat("\" ", 2048)),
        ];
        for (var indexed = 0; indexed < 2; indexed++)
        {
            foreach (var q in hostile)
            {
                using var answer = await hive.Http().GetAsync($"/dashboard/history?q={Uri.EscapeDataString(q)}");
                Assert.Equal((q, HttpStatusCode.OK), (q, answer.StatusCode));
            }

            Assert.Equal([id], await hive.Ids("q=%22x%22"));
            await hive.Services.GetRequiredService<MessageIndexer>().CatchUp(CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_thread_of_five_thousand_is_read_page_by_page()
    {
        await using var hive = await HiveFixture.Start();
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
            write.Db.Execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                INSERT INTO messages (id, sender, recipient, body, sent_at, acked_at, in_reply_to)
                SELECT i, 'alice', 'bob', 'm' || i, 1769860800000, 1769860800000, CASE WHEN i > 2 THEN i - 2 END FROM n
                """
            )
        );
        for (var indexed = 0; indexed < 2; indexed++)
        {
            List<long> seen = [];
            for (
                var before = 10_001L;
                await hive.Ids($"thread=9000&before={before}") is { Length: > 0 } page;
                before = page[0]
            )
                seen.InsertRange(0, page);
            Assert.Equal(Enumerable.Range(1, 5000).Select(i => 2L * i), seen);
            await hive.Services.GetRequiredService<MessageIndexer>().CatchUp(CancellationToken.None);
        }

        await Removed(store, "id <= 9990");
        // What is left of the thread stays together, also for a reply that comes now.
        await store.Write(write =>
            write.Db.Execute(
                "INSERT INTO messages (id, sender, recipient, body, sent_at, in_reply_to) "
                    + "VALUES (10001, 'a', 'b', '', 1, 9992)"
            )
        );
        long[] left = [9992, 9994, 9996, 9998, 10_000, 10_001];
        Assert.Equal(left, await hive.Ids("thread=9994"));
        Assert.Equal(left, await hive.Ids("thread=2"));
    }

    [Fact]
    public async Task A_deleted_message_leaves_the_index_in_the_same_write()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        for (var i = 0; i < 250; i++)
            await alice.Send("operator", $"zebra {i}");
        await hive.Services.GetRequiredService<MessageIndexer>().CatchUp(CancellationToken.None);
        var store = hive.Services.GetRequiredService<IStore>();
        Assert.Equal((250, 250), await Indexed(store));
        await (await hive.Operator()).CallAsync("ack_messages", new { all = true });
        await Removed(store, "acked_at IS NOT NULL AND id % 2 = 0");
        Assert.Equal((125, 125), await Indexed(store));
        Assert.Equal(125, (await hive.Ids("q=zebra")).Length);
        await store.Write(write =>
            write.Db.Execute("INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 0)")
        );
    }

    [Fact]
    public async Task Messages_are_indexed_two_seconds_after_they_were_sent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        await hive.Clock.Set(hive.Clock.GetUtcNow() + MessageIndexer.Lag);
        var id = await (await hive.Connect("alice")).Send("operator");
        hive.Clock.Advance(MessageIndexer.Lag);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await hive.Services.GetRequiredService<IStore>().Read(MessageIndexer.Newest) < id)
        {
            patience.Token.ThrowIfCancellationRequested();
            await hive.Settled();
        }
    }

    [Fact]
    public async Task Every_filter_is_served_by_an_index()
    {
        await using var hive = await HiveFixture.Start();
        var store = hive.Services.GetRequiredService<IStore>();
        (MessageHistory.Query Query, string Index)[] plans =
        [
            (new(Thread: 1), "message_index_thread"),
            (new(Thread: 1, Agent: "a", Q: "x"), "message_index_thread"),
            (new(Agent: "a"), "message_index_sender"),
            (new(Agent: "a"), "message_index_recipient"),
            (new(Agent: "a", With: "b"), "message_index_pair"),
            (new(Agent: "a", Kind: "system"), "message_index_sender"),
            (new(Kind: "system"), "message_index_kind"),
            (new(Q: "x"), "message_words VIRTUAL TABLE INDEX"),
            (new(Q: "x", Agent: "a", State: "unread"), "message_words VIRTUAL TABLE INDEX"),
            (new(Q: "%"), "i USING INTEGER PRIMARY KEY"),
            (new(State: "unread", Agent: "a"), "messages_open"),
            (new(State: "parked", Kind: "agents"), "messages_parked"),
            (new(Since: hive.Clock.GetUtcNow()), "i USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (new(Agent: "a", Since: hive.Clock.GetUtcNow(), Until: hive.Clock.GetUtcNow()), "message_index_sender"),
            (new(Q: "x", Until: hive.Clock.GetUtcNow()), "message_words VIRTUAL TABLE INDEX"),
        ];
        foreach (var (query, index) in plans)
        {
            var plan = await store.Read(db =>
                string.Join(
                    '\n',
                    db.Query(
                            "EXPLAIN QUERY PLAN " + new HistorySearch(query).IndexedSql(),
                            new
                            {
                                before = 1,
                                query.Agent,
                                query.With,
                                query.Kind,
                                indexed = 1,
                                thread = 1,
                                expression = "x",
                                exact = "x",
                                signs = 1,
                                since = 1,
                                until = 1,
                                first = 1,
                                last = 1,
                            }
                        )
                        .Select(row => (string)row.detail)
                )
            );
            Assert.Contains(index, plan, StringComparison.Ordinal);
            // Rows come in the order of the index, and none is read but for the answer.
            Assert.DoesNotContain("TEMP B-TREE", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("SCAN m\n", plan + "\n", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_message_shows_who_leased_it_and_each_failed_attempt()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Send("bob");
        Assert.Null((await hive.Message(id)).LeasedAt);
        for (var i = 0; i < 2; i++)
        {
            await bob.Receive();
            Assert.Equal("connection", (await hive.Message(id)).LeasedBy);
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { id },
                    delay_seconds = 0,
                    error = i == 0 ? "busy" : null,
                }
            );
            hive.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await bob.Receive();
        var turn = (await bob.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "alice" })).Int("turn");
        Assert.Equal($"{turn}", (await hive.Message(id)).LeasedBy);
        await bob.CallAsync("end_turn", new { turn, result = "ok" });
        var message = await hive.Message(id);
        Assert.Equal((message.DeliveredAt, $"{turn}"), (message.LeasedAt, message.LeasedBy));
        Assert.NotNull(message.AckedAt);
        var began = hive.Clock.GetUtcNow().AddSeconds(-2);
        Assert.Equal([new(began, "busy"), new(began.AddSeconds(1))], message.AttemptsLog!);
        Assert.Equal(message.AttemptsLog, (await hive.History($"thread={id}")).Single().AttemptsLog);
        using var missing = await hive.Http().GetAsync("/api/messages/999");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public async Task Only_the_latest_attempts_are_kept_and_a_long_reason_is_cut()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Send("bob");
        for (var i = 0; i < 24; i++)
        {
            await bob.Receive();
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { id },
                    delay_seconds = 0,
                    error = $"{i} {new string('é', 400)}",
                }
            );
            if (i % 3 == 2)
                await (await hive.Operator()).CallAsync("retry_message", new { id });
        }

        var log = (await hive.Message(id)).AttemptsLog!;
        Assert.Equal(Enumerable.Range(4, 20), log.Select(a => int.Parse(a.Reason!.Split(' ')[0])));
        Assert.EndsWith("é…", log[0].Reason, StringComparison.Ordinal);
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write => write.Db.Execute("UPDATE messages SET attempts_log = '{'"));
        Assert.Null((await hive.Message(id)).AttemptsLog);
        await bob.Receive();
        await bob.CallAsync("nack", new { ids = new[] { id }, error = "again" });
        Assert.Equal("again", Assert.Single((await hive.Message(id)).AttemptsLog!).Reason);
    }

    [Fact]
    public async Task Messages_of_an_older_Hive_are_indexed()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var before = new StoreRig(folder).Store;
        await before.Write(write =>
            write.Db.Execute(
                """
                CREATE TABLE messages (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipient TEXT NOT NULL,
                    body TEXT NOT NULL, sent_at INTEGER NOT NULL, delivered_at INTEGER, acked_at INTEGER,
                    in_reply_to INTEGER, broadcast INTEGER NOT NULL DEFAULT 0,
                    deliveries INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
                    available_at INTEGER, parked_at INTEGER, last_error TEXT, turn INTEGER, file_refs TEXT
                );
                INSERT INTO messages (sender, recipient, body, sent_at) VALUES ('alice', 'bob', 'an old word', 1);
                """
            )
        );
        before.Dispose();

        var after = new StoreRig(folder, [new MessagesSchema()]).Store;
        var found = await after.Read(db => new HistorySearch(new(Q: "old", Agent: "bob")).Find(db, 200));
        Assert.Equal("an old word", Assert.Single(found).Body);
        // As the index was before it held times.
        await after.Write(write =>
            write.Db.Execute(
                """
                INSERT INTO message_index (id, sender, recipient, kind, thread)
                VALUES (1, 'alice', 'bob', 'agents', 1);
                DROP INDEX message_index_sent;
                ALTER TABLE message_index DROP COLUMN sent_at;
                """
            )
        );
        after.Dispose();

        await using var later = new StoreRig(folder, [new MessagesSchema()]);
        var (then, now) = (DateTimeOffset.UnixEpoch.AddMilliseconds(1), DateTimeOffset.UtcNow);
        Assert.Single(await later.Store.Read(db => new HistorySearch(new(Since: then, Until: now)).Find(db, 200)));
        Assert.Empty(await later.Store.Read(db => new HistorySearch(new(Since: now)).Find(db, 200)));
    }

    [Fact]
    public async Task An_index_without_signs_is_written_again()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var before = new StoreRig(folder, [new MessagesSchema()]).Store;
        await before.Write(write =>
            write.Db.Execute(
                """
                INSERT INTO messages (sender, recipient, body, sent_at) VALUES ('alice', 'bob', '50% of it', 1);
                INSERT INTO message_index (id, sender, recipient, kind, thread) VALUES (1, 'alice', 'bob', 'agents', 1);
                INSERT INTO message_words (rowid, body) VALUES (1, '50% of it');
                ALTER TABLE message_index DROP COLUMN signs;
                """
            )
        );
        before.Dispose();

        await using var after = new StoreRig(folder, [new MessagesSchema()]);
        Assert.Equal((0, 0), await Indexed(after.Store));
        var found = await after.Store.Read(db => new HistorySearch(new(Q: "%")).Find(db, 200));
        Assert.Equal("50% of it", Assert.Single(found).Body);
    }

    private static async Task<long> Reply(LineClient line, string to, string body, long message) => (
            await line.CallAsync(
                "send",
                new
                {
                    to,
                    body,
                    in_reply_to = message,
                }
            )
        ).GetProperty("id").GetInt64();

    private static string Said(IEnumerable<long> ids) => string.Join(' ', ids);

    private static Task Removed(IStore store, string where) =>
        store.Write(write => write.Db.Execute($"DELETE FROM messages WHERE {where}"));

    private static Task<(long, long)> Indexed(IStore store) =>
        store.Read(db =>
            (
                db.ExecuteScalar<long>("SELECT count(*) FROM message_index"),
                db.ExecuteScalar<long>("SELECT count(*) FROM message_words")
            )
        );
}

internal static class HistoryDoor
{
    public static async Task<Message[]> History(this HiveFixture hive, string query) =>
        (await hive.Http().GetFromJsonAsync<JsonElement>($"/dashboard/history?{query}"))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;

    public static async Task<long[]> Ids(this HiveFixture hive, string query) =>
        [.. (await hive.History(query)).Select(m => m.Id)];

    public static async Task<Message> Message(this HiveFixture hive, long id) =>
        (await hive.Http().GetFromJsonAsync<JsonElement>($"/api/messages/{id}"))
            .GetProperty("message")
            .Deserialize<Message>(WireJson.Options)!;
}
