using Dapper;
using Hive.Common.Storage;
using Hive.Features.Collaboration;
using Hive.Features.Gates;
using Hive.Features.Messages;
using Hive.Features.Turns;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Crash;

/// <summary>Kills the host with SIGKILL between the writes of one step over many messages.</summary>
public sealed class KilledBetweenWritesTests(SteppedHost stepped) : IClassFixture<SteppedHost>
{
    private const int Many = (3 * Chunks.UsualSize) + 50;

    // An agent of each test alone.
    private readonly string alice = $"a{Guid.NewGuid():N}"[..12];

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Acking_all_leaves_acked_and_unacked_messages_and_loses_none(int step)
    {
        var host = await stepped.Running();
        var (line, _) = await Lease(host);
        // Step 1 is before the first commit, 2 after it, 3 before the second.
        await Dies(host, typeof(Chunks), step, () => line.CallAsync("ack", new { all = true }));
        Assert.Equal(Numbers.Skip(Chunks.UsualSize), await Rest(host));
    }

    [Fact]
    public async Task Reading_all_leaves_read_and_unread_messages_and_their_number()
    {
        var host = await stepped.Running();
        await Lease(host);
        using (var line = await host.Operator())
        {
            await line.CallAsync("ack_messages", new { all = true });
            using var sender = await host.Connect(alice);
            foreach (var body in Numbers)
                await sender.CallAsync("send", new { to = "operator", body });
            await Dies(host, typeof(Chunks), 3, () => line.CallAsync("ack_messages", new { all = true }));
        }

        using var again = await host.Operator();
        var inbox = await again.CallAsync("inbox");
        Assert.Equal(Many - Chunks.UsualSize, inbox.GetProperty("unread").GetInt32());
        Assert.Equal(Many - Chunks.UsualSize, Unread(host));
    }

    public static IEnumerable<TheoryDataRow<int>> Requeues => Ring.Sample<TheoryDataRow<int>>([new(3), new(4)], 1);

    [Theory]
    [Sampled]
    [MemberData(nameof(Requeues))]
    public async Task Requeuing_many_leases_delivers_each_message_once_more_in_order(int step)
    {
        var host = await stepped.Running();
        (await Lease(host)).Line.Dispose();
        await Dies(
            host,
            typeof(StoreExtensions),
            step,
            async () =>
            {
                while (true)
                    await (await host.Connect(alice)).CallAsync("requeue_inflight");
            }
        );
        Assert.Equal(Numbers, await Rest(host));
    }

    [Theory]
    [InlineData("ok")]
    [InlineData("failed")]
    public async Task A_lost_turn_that_held_many_messages_can_be_ended_again(string result)
    {
        var host = await stepped.Running();
        var (line, first) = await Lease(host);
        var turn = (await line.CallAsync("begin_turn", new { ids = new[] { first }, wake_from = "test" })).GetProperty(
            "turn"
        );
        await line.CallAsync("hello", new { turn });
        await line.CallAsync("requeue_inflight");
        var end = new
        {
            turn,
            result,
            delay_seconds = 0,
        };
        await Dies(host, typeof(EndTurn), 3, () => line.CallAsync("end_turn", end));
        using var again = await host.Connect(alice);
        var (acked, requeued) = result == "ok" ? (Many, 0) : (0, Many);
        // Once more, for the same answer.
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var ended = await again.CallAsync("end_turn", end);
            Assert.Equal(acked, ended.GetProperty("acked").GetInt32());
            Assert.Equal(requeued, ended.GetProperty("requeued").GetInt32());
        }

        Assert.Equal(requeued, (await again.CallAsync("status")).GetProperty("unread").GetInt32());
        foreach (var message in requeued > 0 ? await again.Receive() : [])
            Assert.Equal(1, message.Attempts);
    }

    public static IEnumerable<TheoryDataRow<int>> Purges => Ring.Sample<TheoryDataRow<int>>([new(2), new(3)], 1);

    [Theory]
    [Sampled]
    [MemberData(nameof(Purges))]
    public async Task No_key_of_a_purged_agent_answers_the_next_agent_of_its_name(int step)
    {
        var host = await stepped.Running();
        var sent = new Dictionary<string, long>();
        using (var line = await host.Operator())
        {
            await line.CallAsync("spawn", new { name = alice, runtime = "external" });
            using (var sender = await host.Connect(alice))
            {
                foreach (var key in Numbers.Append(""))
                    sent.Add(key, await Send(sender, key));
                Assert.Equal(sent["1"], await Send(sender, "1"));
            }

            await Dies(
                host,
                typeof(ManyRows),
                step,
                () => line.CallAsync("destroy", new { name = alice, purge = true })
            );
        }

        using var again = await host.Operator();
        await again.CallAsync("spawn", new { name = alice, runtime = "external" });
        using var next = await host.Connect(alice);
        foreach (var key in Numbers.Append(""))
            Assert.True(await Send(next, key) > sent[key], $"the key '{key}' answered with a purged agent's message");

        static async Task<long> Send(LineClient line, string key) => (
                await line.CallAsync(
                    "send",
                    new
                    {
                        to = "operator",
                        body = $"with {key}",
                        key,
                    }
                )
            ).GetProperty("id").GetInt64();
    }

    public static IEnumerable<TheoryDataRow<int, string>> HalfDeleted =>
        Ring.Sample<TheoryDataRow<int, string>>(
            [
                new(1, "handoffs"),
                new(4, "reviews"),
                new(5, "reviews"),
                new(12, "ticket_history"),
                new(13, "ticket_history"),
            ],
            2
        );

    [Theory]
    [Sampled]
    [MemberData(nameof(HalfDeleted))]
    public async Task A_ticket_whose_history_is_half_deleted_stays_deleted_and_leaves_no_row(int step, string left)
    {
        var host = await stepped.Running();
        long id;
        using (var line = await host.Operator())
        {
            await line.CallAsync("workflow_load", new { text = Workflow, replace = true });
            id = (await line.CallAsync("ticket_create", new { title = "Log in", workflow = "small" }))
                .GetProperty("ticket")
                .GetProperty("id")
                .GetInt64();
            Write(host, LongHistory, id);
            Assert.Single((await line.CallAsync("reviews")).GetProperty("reviews").EnumerateArray());
            Assert.Single((await line.CallAsync("handoffs")).GetProperty("handoffs").EnumerateArray());
            await host.DieAt(ChildHost.CommitsOf(typeof(ManyRows)), step);
            Assert.True(await host.Dies(() => line.CallAsync("ticket_delete", new { id })));
        }

        Assert.NotEqual(0, Read(host, $"SELECT count(*) FROM {left}"));
        using (var db = Open(host))
        {
            var review = db.ExecuteScalar<long>("SELECT coalesce(max(id), 1) FROM reviews");
            Assert.Empty(HandoffTable.List(db, task: null, status: null, limit: 50, before: null));
            Assert.Null(ReviewTable.Find(db, review));
            Assert.Empty(ReviewTable.OfOperator(db));
        }

        await host.RunSteps();
        using var again = await host.Operator();
        await Talk.Refused(() => again.CallAsync("ticket", new { id }), "not_found");
        await Patience.Until(
            () => Task.FromResult(Read(host, "SELECT count(*) FROM leftovers") == 0),
            "what the ticket left is deleted"
        );
        foreach (var table in new[] { "handoffs", "posts", "reviews", "ticket_history" })
            Assert.Equal(0, Read(host, $"SELECT count(*) FROM {table}"));
    }

    private const string Workflow = """
        name: small
        phases:
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_DONE]
          - id: PHASE_DONE
            name: Done
            status: done
            terminal: true
        board_columns:
          - { id: work, name: Work, phase_mapping: [PHASE_WORK] }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    private static readonly string LongHistory = $"""
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {Many})
        INSERT INTO ticket_history (ticket, actor, kind, at) SELECT @ticket, 'test', 'changed', 0 FROM numbers;
        INSERT INTO reviews (ticket, phase_id, question, artifacts, iteration, asked_at, decided_at)
        SELECT @ticket, 'PHASE_WORK', 'Ship it?', '[]', 0, 0, iif(row_number() OVER () = 1, NULL, 0)
          FROM ticket_history
         LIMIT {Many};
        INSERT INTO threads (type, ticket, subject, participants, status, created_by, created_at, last_at)
        VALUES ('handoff', @ticket, 'Handoff', '[]', 'resolved', 'test', 0, 0);
        INSERT INTO posts (thread, author, type, body, refs, at)
        SELECT max(id), 'test', 'info', 'Take it', '[]', 0 FROM threads;
        INSERT INTO handoffs (thread, task, from_agent, to_agent, reason, status, asked_at, deadline_at)
        SELECT max(id), 1, 'alice', 'bob', 'busy', 'declined', 0, 0 FROM threads
        """;

    private static void Write(ChildHost host, string sql, long ticket)
    {
        using var db = new SqliteConnection($"Data Source={Path.Combine(host.DataDir, "hive.sqlite")};Pooling=False");
        db.Execute(sql, new { ticket });
    }

    private static long Read(ChildHost host, string sql)
    {
        using var db = Open(host);
        return db.ExecuteScalar<long>(sql);
    }

    private static SqliteConnection Open(ChildHost host)
    {
        var db = new SqliteConnection(
            $"Data Source={Path.Combine(host.DataDir, "hive.sqlite")};Mode=ReadOnly;Pooling=False"
        );
        db.Open();
        return db;
    }

    // As a snapshot reads it.
    private static long Unread(ChildHost host)
    {
        using var db = Open(host);
        return (long)new InboxUnreadSection().Read(db);
    }

    private static IEnumerable<string> Numbers => Enumerable.Range(0, Many).Select(n => $"{n}");

    // Kills the host at a step of the commits of a class, and starts it again.
    private static async Task Dies(ChildHost host, Type writes, int step, Func<Task> act)
    {
        Assert.True(await host.DiesAt(ChildHost.CommitsOf(writes), step, act));
        await host.RunSteps();
    }

    private async Task<(LineClient Line, long First)> Lease(ChildHost host)
    {
        using (var line = await host.Operator())
        {
            await line.CallAsync("spawn", new { name = alice, runtime = "external" });
            foreach (var body in Numbers)
                await line.CallAsync("send", new { to = alice, body });
        }

        var leasing = await host.Connect(alice);
        List<long> leased = [];
        while (leased.Count < Many)
            leased.AddRange((await leasing.Receive()).Select(message => message.Id));
        return (leasing, leased[0]);
    }

    // The messages that come after the next start.
    private async Task<List<string>> Rest(ChildHost host)
    {
        using var line = await host.Connect(alice);
        await line.CallAsync("requeue_inflight");
        List<string> bodies = [];
        while ((await line.CallAsync("status")).GetProperty("unread").GetInt32() > 0)
            bodies.AddRange((await line.Receive()).Select(message => message.Body));
        return bodies;
    }
}
