using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Collaboration;

public sealed class ThreadTests
{
    private static readonly (string Call, string Code, string Part)[] Wrong =
    [
        ("""{"action":"shout"}""", "invalid", "'action' can be open, post, read, close"),
        ("""{"action":"post","text":"hello"}""", "invalid", "name the 'thread'"),
        ("""{"action":"post","thread":0,"text":"hello"}""", "invalid", "'thread' must be a positive id"),
        ("""{"action":"post","thread":1}""", "invalid", "'text' is empty"),
        ("""{"action":"post","thread":1,"text":" "}""", "invalid", "'text' is empty"),
        ("""{"action":"post","thread":1,"text":"x","type":""}""", "invalid", "'type' must have 1 to 50"),
        ("""{"action":"open","participants":["bob"]}""", "invalid", "'subject' is missing"),
        ("""{"action":"open","subject":"a\nb","participants":["bob"]}""", "invalid", "'subject' must have"),
        ("""{"action":"open","subject":"x"}""", "invalid", "'participants' is empty"),
        ("""{"action":"open","subject":"x","participants":["alice"]}""", "invalid", "names nobody else"),
        ("""{"action":"open","subject":"x","participants":[null]}""", "invalid", "names of agents"),
        ("""{"action":"open","subject":"x","participants":["B B"]}""", "invalid", "names of agents"),
        ("""{"action":"open","subject":"x","participants":["bbo"]}""", "not_found", "bob"),
        ("""{"action":"open","subject":"x","participants":["manager"]}""", "conflict", "no tool 'thread'"),
        ("""{"action":"open","subject":"x","participants":["bob"],"task":9}""", "not_found", "task 9"),
        ("""{"action":"open","subject":"x","participants":["bob"],"ticket":9}""", "not_found", "ticket 9"),
        ("""{"action":"close","thread":1,"status":"active"}""", "invalid", "'status' can be resolved"),
        ("""{"action":"read","thread":7}""", "not_found", "thread 7"),
    ];

    [Fact]
    public async Task A_post_comes_to_each_other_participant_and_is_read_when_they_acknowledge_it()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _, carol) = (await rig.Worker("alice"), await rig.Worker("bob"), await rig.Worker("carol"));
        using var events = await rig.Hive.Events();
        var thread = await alice.Open("bob", "carol", "bob");
        var post = await alice.Post(thread, "Which version?");
        Assert.Equal(("alice", "info", "Which version?"), (post.Text("author"), post.Text("type"), post.Text("body")));
        Assert.Equal(["bob", "carol"], post.Names("unread_by"));
        Assert.Empty(await rig.Messages("alice"));

        var told = Assert.Single(await rig.ReadNews("bob"));
        Assert.Equal("thread_post The API alice info Which version?", Words(told));
        Assert.Equal((thread, post.Number("id")), (told.Number("thread"), told.Number("post")));
        var read = (await carol.ReadThread(thread)).GetProperty("posts")[0];
        Assert.Equal(("bob", "carol"), Readers(read));
        Assert.False(read.TryGetProperty("read_at", out _));

        rig.Pass(5);
        await rig.ReadNews("carol");
        await carol.Post(thread, "Version 2.");
        var page = await alice.ReadThread(thread);
        var (answer, first) = (page.GetProperty("posts")[0], page.GetProperty("posts")[1]);
        Assert.Equal(("", "alice bob"), Readers(answer));
        Assert.Equal(("bob carol", ""), Readers(first));
        Assert.Equal(rig.Hive.Clock.GetUtcNow(), first.GetProperty("read_at").GetDateTimeOffset());
        await alice.Close(thread);
        Assert.Equal([("active", 0), ("active", 1), ("active", 2), ("resolved", 2)], await Changes(events, count: 4));
    }

    [Fact]
    public async Task Only_participants_read_post_and_close_and_nobody_does_once_it_has_ended()
    {
        await using var rig = await TaskRig.Start();
        var (alice, bob, carol) = (await rig.Worker("alice"), await rig.Worker("bob"), await rig.Worker("carol"));
        var thread = await alice.Open("bob");
        foreach (
            var call in new Func<Task>[]
            {
                () => carol.ReadThread(thread),
                () => carol.Post(thread, "hello"),
                () => carol.Close(thread),
            }
        )
            Assert.Contains("alice, bob", (await Talk.Refused(call, "forbidden")).Message);
        await Talk.Refused(() => alice.Post(thread + 1, "hello"), "not_found");
        Assert.Empty(await rig.Messages("bob"));
        await bob.Close(thread);
        var closed = await Talk.Refused(() => alice.Post(thread, "hello"), "conflict");
        Assert.Contains("open another one", closed.Message);
        await Talk.Refused(() => bob.Close(thread), "conflict");
        Assert.Equal("resolved", (await alice.ReadThread(thread)).GetProperty("thread").Text("status"));
        var own = (await alice.CallAsync("thread", new { action = "read" })).GetProperty("threads");
        Assert.Equal(0, own.GetArrayLength());
    }

    [Fact]
    public async Task The_operator_joins_a_thread_by_posting_to_it()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice", "recipients: [bob]\n"), await rig.Worker("bob"));
        var thread = await alice.Open("bob");
        await alice.Post(thread, "Who decides?");
        Assert.Empty(await Inbox(rig));
        await rig.Host.Post(thread, "I do.");
        Assert.Equal(["alice", "bob", "operator"], (await rig.Thread(thread)).Names("participants"));
        Assert.Equal("thread_post The API operator info I do.", Words((await rig.News("alice")).Single()));
        await alice.Post(thread, "Thanks.");
        Assert.Equal([("alice", $"Thanks.\n\nThread {thread}: The API")], await Inbox(rig));
        await rig.Host.CallAsync("ack_messages", new { all = true });
        var last = (await alice.ReadThread(thread)).GetProperty("posts")[0];
        Assert.Equal(("operator", "bob"), Readers(last));
    }

    [Fact]
    public async Task A_thread_is_opened_about_a_task_by_those_who_work_on_its_ticket()
    {
        await using var rig = await TaskRig.Start();
        var (alice, bob) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var ticket = await rig.Ticket();
        var task = (await rig.Add(ticket, TaskRig.New("one")))[0];
        await rig.Give(task, "alice");
        object Opening(long? of, params string[] participants) =>
            new
            {
                action = "open",
                subject = "How?",
                participants,
                task,
                ticket = of,
                text = "I begin with the tests.",
                type = "consultation",
            };
        var answer = await alice.CallAsync("thread", Opening(null, "bob"));
        var thread = answer.GetProperty("thread");
        Assert.Equal((ticket, task, 1), (thread.Number("ticket"), thread.Number("task"), thread.Number("posts")));
        Assert.Equal("consultation", thread.Text("type"));
        Assert.Equal("I begin with the tests.", answer.GetProperty("post").Text("body"));
        Assert.Equal(task, (await rig.News("bob")).Single().Number("task"));
        await Talk.Refused(() => bob.CallAsync("thread", Opening(null, "alice")), "forbidden");
        await Talk.Refused(() => alice.CallAsync("thread", Opening(ticket + 1, "bob")), "invalid");
        var found = await rig.Host.CallAsync("threads", new { ticket, agent = "bob" });
        Assert.Equal(1, found.GetProperty("threads").GetArrayLength());
        Assert.Equal(
            0,
            (await rig.Host.CallAsync("threads", new { agent = "carol" })).GetProperty("threads").GetArrayLength()
        );
    }

    [Fact]
    public async Task A_call_with_a_wrong_field_is_refused_and_changes_nothing()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice"), await rig.Worker("bob"));
        foreach (var (call, code, part) in Wrong)
        {
            var refused = await rig.Refused(alice.CallAsync("thread", JsonElement.Parse(call)));
            Assert.True(refused.Code == code && refused.Message.Contains(part), $"{call}: {refused.Code} {refused}");
        }

        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM threads"));
    }

    [Fact]
    public async Task A_long_text_too_many_participants_and_too_many_threads_are_refused()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var thread = await alice.Open("bob");
        var longer = await Talk.Refused(() => alice.Post(thread, new string('x', 4097)), "too_large");
        Assert.Contains("/shared", longer.Message);
        string[] many = [.. Enumerable.Range(0, 33).Select(i => $"agent{i}")];
        await Talk.Refused(() => alice.Open(many), "invalid");
        // A thread is one of a handoff only when it has one, whatever its type.
        for (var i = 1; i < 100; i++)
            await alice.CallAsync(
                "thread",
                new
                {
                    action = "open",
                    subject = "The API",
                    participants = new[] { "bob" },
                    type = "handoff",
                }
            );
        Assert.Contains("100", (await Talk.Refused(() => alice.Open("bob"), "conflict")).Message);
        await alice.Close(thread);
        await alice.Open("bob");
    }

    [Fact]
    public async Task A_repeated_post_with_the_same_key_is_posted_once()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var thread = await alice.Open("bob");
        var call = new
        {
            action = "post",
            thread,
            text = "once",
            key = "k",
        };
        var first = await alice.CallAsync("thread", call);
        Assert.Equal(first.GetProperty("post").GetRawText(), Post(await alice.CallAsync("thread", call)));
        Assert.Single(await rig.Messages("bob"));

        static string Post(JsonElement answer) => answer.GetProperty("post").GetRawText();
    }

    [Fact]
    public async Task A_text_with_the_most_control_characters_fits_into_its_message()
    {
        await using var rig = await TaskRig.Start();
        var (alice, bob) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var thread = await alice.Open("bob");
        var text = "a" + new string('\u0001', 4095);
        await alice.Post(thread, text);
        var told = (await rig.News("bob")).Single();
        Assert.True(told.GetProperty("truncated").GetBoolean());
        Assert.EndsWith("…", told.Text("text"));
        Assert.Equal(text, (await bob.ReadThread(thread)).GetProperty("posts")[0].Text("body"));
    }

    [Fact]
    public async Task A_long_thread_is_read_page_by_page()
    {
        await using var rig = await TaskRig.Start();
        var (alice, bob) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var thread = await alice.Open("bob");
        for (var i = 0; i < 40; i++)
            await alice.Post(thread, $"{i} {new string('x', 4000)}");
        List<string> read = [];
        long? before = null;
        JsonElement page;
        do
        {
            page = await bob.CallAsync(
                "thread",
                new
                {
                    action = "read",
                    thread,
                    before,
                    limit = 100,
                }
            );
            Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(page.GetRawText()), 1, Limits.LineBytes);
            read.AddRange(page.GetProperty("posts").EnumerateArray().Select(p => p.Text("body")!.Split(' ')[0]));
            before = page.GetProperty("posts").EnumerateArray().Last().Number("id");
        } while (page.TryGetProperty("more", out _));
        Assert.Equal(Enumerable.Range(0, 40).Reverse().Select(i => $"{i}"), read);
    }

    [Fact]
    public async Task Thirty_days_without_a_post_abandon_a_thread_also_while_no_host_runs()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var (silent, spoken) = (await alice.Open("bob"), await alice.Open("bob"));
        rig.Hive.Clock.Advance(TimeSpan.FromDays(29));
        await alice.Post(spoken, "still here");
        using var events = await rig.Hive.Events();
        rig.Hive.Clock.Advance(TimeSpan.FromDays(1));
        var ended = (await events.Next("thread_changed")).GetProperty("thread");
        Assert.Equal((silent, "abandoned"), (ended.Number("id"), ended.Text("status")));
        Assert.Equal("active", (await rig.Thread(spoken)).Text("status"));
        await rig.Restart(() => rig.Hive.Clock.Advance(TimeSpan.FromDays(29)));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await rig.Thread(spoken)).Text("status") != "abandoned")
            Assert.False(patience.IsCancellationRequested, "the thread is still active");
    }

    [Fact]
    public async Task An_agent_opens_threads_with_its_recipients_and_posts_in_those_that_it_is_in()
    {
        await using var rig = await TaskRig.Start();
        var (alice, bob) = (await rig.Worker("alice"), await rig.Worker("bob", "recipients: [alice]\n"));
        await rig.Worker("carol");
        await Talk.Refused(() => bob.Open("carol"), "forbidden");
        var thread = await alice.Open("bob", "carol");
        // Alice has put them together.
        await bob.Post(thread, "hello");
        Assert.Equal("thread_post", (await rig.News("carol")).Single().Text("event"));
    }

    [Fact]
    public async Task A_deleted_ticket_takes_its_threads_with_it()
    {
        await using var hive = await HiveFixture.Start();
        var host = await Hive.Tests.Tickets.Ticketing.Board(hive);
        await hive.SpawnAs("alice", "duty: worker\n");
        var ticket = await Hive.Tests.Tickets.Ticketing.Create(host);
        var open = new
        {
            action = "open",
            subject = "Log in",
            participants = new[] { "alice" },
            ticket,
            text = "Begin.",
        };
        var thread = (await host.CallAsync("thread", open)).GetProperty("thread").Number("id");
        await host.CallAsync("ticket_delete", new { id = ticket });
        foreach (var table in new[] { "posts", "post_messages" })
            Assert.Equal(
                0,
                await hive
                    .Services.GetRequiredService<IStore>()
                    .Read(db => db.ExecuteScalar<int>($"SELECT count(*) FROM {table}"))
            );
        await Talk.Refused(() => host.ReadThread(thread), "not_found");
        Assert.Equal(0, (await host.CallAsync("threads")).GetProperty("threads").GetArrayLength());
    }

    [Fact]
    public async Task A_new_agent_of_a_name_is_not_in_the_threads_of_the_former_one()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice"), await rig.Worker("bob"));
        var thread = await alice.Open("bob");
        await alice.Post(thread, "for bob");
        await rig.Host.CallAsync("destroy", new { name = "bob" });
        await rig.Host.CallAsync("revive_tombstone", new { name = "bob" });
        Assert.Equal(
            "for bob",
            (await (await rig.Connect("bob")).ReadThread(thread)).GetProperty("posts")[0].Text("body")
        );
        using var events = await rig.Hive.Events();
        await rig.Host.CallAsync("destroy", new { name = "bob", purge = true });
        Assert.Equal(["alice"], (await events.Next("thread_changed")).GetProperty("thread").Names("participants"));
        Assert.Equal(["alice"], (await rig.Thread(thread)).Names("participants"));
        var other = await rig.Worker("bob");
        await Talk.Refused(() => other.ReadThread(thread), "forbidden");
    }

    private static string Words(JsonElement told) =>
        string.Join(' ', new[] { "event", "subject", "from", "type", "text" }.Select(name => told.Text(name)));

    private static (string Read, string Unread) Readers(JsonElement post) =>
        (string.Join(' ', post.Names("read_by")), string.Join(' ', post.Names("unread_by")));

    private static async Task<(string? From, string? Body)[]> Inbox(TaskRig rig) =>
        [
            .. (await rig.Host.CallAsync("inbox"))
                .GetProperty("messages")
                .EnumerateArray()
                .Select(m => (m.Text("from"), m.Text("body"))),
        ];

    private static async Task<(string? Status, long Posts)[]> Changes(EventReader events, int count)
    {
        List<(string?, long)> changes = [];
        while (changes.Count < count)
        {
            var thread = (await events.Next("thread_changed")).GetProperty("thread");
            changes.Add((thread.Text("status"), thread.Number("posts")));
        }

        return [.. changes];
    }
}
