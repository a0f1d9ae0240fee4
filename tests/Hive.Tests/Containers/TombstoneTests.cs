using System.Net;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the data that is kept of destroyed agents, and its removal.</summary>
public sealed class TombstoneTests
{
    [Fact]
    public async Task A_destroyed_agents_tombstone_is_revived_by_a_spawn_under_its_name()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "carol");
        File.WriteAllText(Path.Combine(Folder(hive, "bob"), "state", "notes.md"), "remember");
        Directory.CreateDirectory(Path.Combine(Folder(hive, "bob"), "state", "deep"));
        File.WriteAllText(Path.Combine(Folder(hive, "bob"), "state", "deep", "more"), "12345");
        File.WriteAllText(Path.Combine(Folder(hive, "carol"), "home", "credentials"), "secret");
        // Links are neither counted nor followed.
        File.CreateSymbolicLink(Path.Combine(Folder(hive, "bob"), "state", "link"), "/etc/services");
        Directory.CreateSymbolicLink(Path.Combine(Folder(hive, "bob"), "state", "loop"), Folder(hive, "bob"));
        var newest = DateTime.UtcNow.AddHours(1);
        File.SetLastWriteTimeUtc(Path.Combine(Folder(hive, "bob"), "state", "notes.md"), newest);
        Assert.Empty(await Listed(hive));

        var (host, events) = (await hive.Operator(), await hive.Events());
        await host.CallAsync("destroy", new { name = "bob" });
        var first = Assert.Single(Told(await events.Next("tombstones_changed")));
        Assert.Equal(("bob", 13, false), (first.Name, first.StateBytes, first.HasCredentials));
        Assert.Equal(newest, first.ModifiedAt.UtcDateTime, TimeSpan.FromMilliseconds(1));
        await host.CallAsync("destroy", new { name = "carol" });
        var both = Told(await events.Next("tombstones_changed"));
        Assert.Equal(["bob", "carol"], both.Select(t => t.Name));
        Assert.True(both[1].HasCredentials);
        Assert.Equal(both, await Listed(hive));
        await hive.Restart();
        Assert.Equal(both, await Listed(hive));

        events = await hive.Events();
        await hive.Spawn("bob");
        Assert.Equal("carol", Assert.Single(Told(await events.Next("tombstones_changed"))).Name);
        Assert.Equal("remember", File.ReadAllText(Path.Combine(Folder(hive, "bob"), "state", "notes.md")));
    }

    [Fact]
    public async Task A_purge_deletes_many_conditions_in_several_writes_and_after_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "carol");
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write => write.Db.Execute(Conditions));
        await (await hive.Operator()).CallAsync("destroy", new { name = "bob", purge = true });
        await Left("carol", 300);
        // As an earlier host leaves it that was killed.
        store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
            write.Db.Execute("INSERT INTO agent_status_purges SELECT 'carol', max(id) - 1 FROM agent_status_log")
        );
        await hive.Restart();
        await Left("carol", 1);

        async Task Left(string agent, int count)
        {
            var read = hive.Services.GetRequiredService<IStore>();
            await Patience.Until(
                () => read.Read(db => db.ExecuteScalar<long>("SELECT count(*) FROM agent_status_purges") == 0),
                "the purged agents' conditions are deleted"
            );
            Assert.Equal(
                [(agent, count)],
                await read.Read(db =>
                    db.Query<(string, int)>("SELECT agent, count(*) FROM agent_status_log GROUP BY agent").ToList()
                )
            );
        }
    }

    private const string Conditions = """
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 600)
        INSERT INTO agent_status_log (agent, to_status, reason, at)
        SELECT iif(n % 2, 'bob', 'carol'), 'idle', 'test', 0 FROM numbers
        """;

    [Fact]
    public async Task Reviving_a_tombstone_undoes_a_destroy()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await hive.Spawn("bob");
        await fleet.Spawn("worker", "process");
        await fleet.Do("stop", new { name = "worker" });
        using (var bob = await LineClient.ConnectAsync(hive.AgentSocket("bob")))
            await bob.CallAsync("set_status", new { text = "half done" });
        await (await hive.Connect("manager")).Send("bob", "unread");
        await fleet.Do("set_paused", new { name = "bob", paused = true });
        var (before, stopped) = (await fleet.Row("bob"), await fleet.Row("worker"));
        await fleet.Do("destroy", new { name = "bob" });
        await fleet.Do("destroy", new { name = "worker" });
        await hive.Restart();

        await Revived("bob", HttpStatusCode.OK);
        await Revived("worker", HttpStatusCode.OK);

        Assert.Equal(Kept(before), Kept(await fleet.Row("bob")));
        await (await hive.Connect("bob")).CallAsync("whoami");
        Assert.Equal("paused", (await fleet.Row("bob")).Activity?.State);
        Assert.Equal(
            (stopped.Runtime, false),
            ((await fleet.Row("worker")).Runtime, (await fleet.Row("worker")).Running)
        );
        Assert.Empty(await Listed(hive));
        Assert.Equal(
            ["bob", "worker"],
            (await hive.ApprovalMessages()).Select(m => m.GetProperty("agent").GetString())
        );
        await Revived("bob", HttpStatusCode.Conflict);
        await Revived("nobody", HttpStatusCode.NotFound);
        await Revived("..%2Fbob", HttpStatusCode.BadRequest);

        // Whether a program is connected to an external agent is not Hive's to restore.
        static ContainerView Kept(ContainerView row) => row with { Running = false, Activity = null };

        async Task Revived(string name, HttpStatusCode status)
        {
            using var answer = await hive.Http().PostAsync($"/api/tombstones/{name}/revive", null);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_purge_deletes_every_message_to_the_agent_before_it_is_answered()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        await Fill(hive, 1000);
        await hive.Services.GetRequiredService<MessageIndexer>().CatchUp(CancellationToken.None);
        await Fill(hive, 250);
        var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "bob" });
        var (events, newest) = (await hive.Events(), await (await hive.Connect("manager")).Send("operator"));
        await host.CallAsync("purge_tombstone", new { name = "bob" });
        var removed = (await events.Next("messages_removed")).GetProperty("removed");
        Assert.Equal(
            new RemovedMessages(To: "bob", UpTo: newest),
            removed.Deserialize<RemovedMessages>(WireJson.Options)
        );
        Assert.Equal(0, await Count(hive, "messages WHERE recipient = 'bob'"));
        Assert.Equal(0, await Count(hive, "message_index WHERE recipient = 'bob'"));
        Assert.Equal(0, await Count(hive, "message_purges"));
    }

    [Fact]
    public async Task A_purge_that_a_kill_interrupted_continues_at_the_next_start()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        await Fill(hive, 250);
        // An agent of the same name has come in the meantime.
        await hive.Sql("INSERT INTO message_purges SELECT 'bob', max(id) FROM messages");
        var later = await (await hive.Connect("manager")).Send("bob", "to the new one");
        await hive.Restart();
        Assert.Equal([later], (await (await hive.Connect("bob")).Receive()).Select(m => m.Id));
        await Patience.Until(async () => await Count(hive, "message_purges") == 0, "the purge has ended");
        Assert.Equal(1, await Count(hive, "messages WHERE recipient = 'bob'"));
    }

    private static Task Fill(HiveFixture hive, int messages) =>
        hive.Sql(
            $"""
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages})
            INSERT INTO messages (sender, recipient, body, sent_at) SELECT 'manager', 'bob', 'some words', 0 FROM n
            """
        );

    private static Task<long> Count(HiveFixture hive, string of) =>
        hive.Services.GetRequiredService<IStore>().Read(db => db.ExecuteScalar<long>($"SELECT count(*) FROM {of}"));

    [Fact]
    public async Task A_large_tombstone_delays_nobody_and_is_measured_completely()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var state = Directory.CreateDirectory(Path.Combine(Folder(hive, "bob"), "state", "many")).FullName;
        for (var i = 0; i < 10_500; i++)
            File.WriteAllText(Path.Combine(state, $"{i}"), "x");
        var events = await hive.Events();
        await (await hive.Operator()).CallAsync("destroy", new { name = "bob" });
        Assert.InRange(Assert.Single(Told(await events.Next("tombstones_changed"))).StateBytes, 1, 10_000);
        Assert.Equal(10_500, Assert.Single(Told(await events.Next("tombstones_changed"))).StateBytes);
        Assert.Equal(10_500, Assert.Single(await Listed(hive)).StateBytes);
    }

    [Fact]
    public async Task Names_that_are_not_tombstones_cannot_be_purged()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "alive");
        await (await hive.Operator()).CallAsync("destroy", new { name = "bob" });
        Directory.CreateSymbolicLink(Folder(hive, "linked"), Folder(hive, "alive"));
        File.WriteAllText(Folder(hive, "file"), "");
        var before = Tree(hive);
        var (host, http) = (await hive.Operator(), hive.Http());

        foreach (
            var (name, code) in new[]
            {
                ("..", "invalid"),
                (".", "invalid"),
                ("", "invalid"),
                ("../bob", "invalid"),
                ("bob/state", "invalid"),
                ("BOB", "invalid"),
                ("bob ", "invalid"),
                ("nobody", "not_found"),
                ("agents", "not_found"),
                ("linked", "not_found"),
                ("file", "not_found"),
                ("manager", "conflict"),
                ("alive", "conflict"),
            }
        )
        {
            await Talk.Refused(() => host.CallAsync("purge_tombstone", new { name }), code);
            using var answer = await http.PostAsync($"/purge-tombstone/{Uri.EscapeDataString(name)}", null);
            Assert.Contains(
                answer.StatusCode,
                new[]
                {
                    HttpStatusCode.BadRequest,
                    HttpStatusCode.NotFound,
                    HttpStatusCode.MethodNotAllowed,
                    HttpStatusCode.Conflict,
                }
            );
        }

        Assert.Equal(before, Tree(hive));
        Assert.Equal("bob", Assert.Single(await Listed(hive)).Name);
    }

    [Fact]
    public async Task A_purge_removes_a_tombstone_and_follows_none_of_its_links()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "alice");
        var precious = Directory.CreateDirectory(Path.Combine(hive.Folder, "precious")).FullName;
        File.WriteAllText(Path.Combine(precious, "kept"), "kept");
        var state = Path.Combine(Folder(hive, "bob"), "state");
        Directory.CreateSymbolicLink(Path.Combine(state, "out"), precious);
        File.CreateSymbolicLink(Path.Combine(state, "file"), Path.Combine(precious, "kept"));
        Directory.CreateDirectory(
            Path.Combine(state, "closed", "inside"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        );
        File.SetUnixFileMode(Path.Combine(state, "closed"), UnixFileMode.None);
        // An agent without isolation may have replaced the folder itself by a link.
        Directory.Delete(Path.Combine(Folder(hive, "bob"), "home"));
        Directory.CreateSymbolicLink(Path.Combine(Folder(hive, "bob"), "home"), precious);
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        await alice.Send("bob", "unread");
        await host.CallAsync("destroy", new { name = "bob" });
        Assert.False(Assert.Single(await Listed(hive)).HasCredentials);

        var events = await hive.Events();
        await host.CallAsync("purge_tombstone", new { name = "bob" });

        Assert.Empty(Told(await events.Next("tombstones_changed")));
        Assert.Empty(await Listed(hive));
        Assert.False(Directory.Exists(Folder(hive, "bob")));
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "applied", "bob")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(hive.DataDir, "trash")));
        Assert.Equal("kept", File.ReadAllText(Path.Combine(precious, "kept")));
        await Talk.Refused(() => host.CallAsync("purge_tombstone", new { name = "bob" }), "not_found");
        await hive.Spawn("bob");
        Assert.Empty(await (await hive.Connect("bob")).Receive());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_agent_spawned_after_a_purge_inherits_nothing(bool atOnce)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "alice");
        var (host, bob) = (await hive.Operator(), await hive.Connect("bob"));
        var sent = await Keyed(bob, "the first");
        await host.CallAsync("destroy", new { name = "bob", purge = false });
        await hive.Spawn("bob");
        bob = await hive.Connect("bob");
        Assert.Equal(sent, await Keyed(bob, "said again"));
        await host.CallAsync("destroy", new { name = "bob", purge = atOnce });
        if (!atOnce)
            await host.CallAsync("purge_tombstone", new { name = "bob" });
        await hive.Spawn("bob");
        Assert.NotEqual(sent, await Keyed(await hive.Connect("bob"), "another"));
        Assert.Equal(["the first", "another"], (await (await hive.Connect("alice")).Receive()).Select(m => m.Body));
    }

    [Fact]
    public async Task A_revived_agent_can_reuse_keys_for_reminders_and_questions()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        var (host, bob) = (await hive.Operator(), await hive.Connect("bob"));
        var first = (await Remind(bob), await Ask(bob));
        Assert.Equal(first, (await Remind(bob), await Ask(bob)));
        await host.CallAsync("destroy", new { name = "bob" });
        await hive.Spawn("bob");
        bob = await hive.Connect("bob");

        Assert.NotEqual(first, (await Remind(bob), await Ask(bob)));

        Assert.Equal(1, (await bob.CallAsync("count_pending_reminders")).GetProperty("count").GetInt32());
        Assert.Single(
            (await host.CallAsync("questions")).GetProperty("questions").EnumerateArray(),
            q => !q.TryGetProperty("answer", out _)
        );

        static async Task<long> Remind(LineClient line) => (
                await line.CallAsync(
                    "remind",
                    new
                    {
                        message = "later",
                        delay_seconds = 3600,
                        key = "r",
                    }
                )
            ).GetProperty("id").GetInt64();

        static async Task<long> Ask(LineClient line) =>
            (await line.CallAsync("ask", new { question = "may I?", key = "a" })).GetProperty("id").GetInt64();
    }

    [Fact]
    public async Task A_removal_that_a_dead_host_began_is_finished_by_the_next()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Restart(() => Directory.CreateDirectory(Path.Combine(hive.DataDir, "trash", "begun", "state")));
        var trash = Path.Combine(hive.DataDir, "trash");
        await Patience.Until(
            () => Task.FromResult(!Directory.EnumerateFileSystemEntries(trash).Any()),
            "the trash is empty"
        );
    }

    [Fact]
    public async Task A_spawn_that_fails_leaves_nothing_behind()
    {
        await using var hive = await HiveFixture.Start();
        Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", "bob"));
        File.WriteAllText(Path.Combine(hive.DataDir, "applied", "bob", "agent.yaml"), "recipients: [\n");
        await Talk.Refused(
            async () => await (await hive.Operator()).CallAsync("spawn", new { name = "bob", runtime = "external" }),
            "invalid"
        );
        Assert.False(Directory.Exists(Folder(hive, "bob")));
        Assert.Empty(await Listed(hive));
        Assert.Empty((await hive.State()).GetProperty("transients").EnumerateArray());
    }

    private static string Folder(HiveFixture hive, string name) => Path.Combine(hive.DataDir, "agents", name);

    private static Tombstone[] Told(JsonElement happened) =>
        happened.GetProperty("tombstones").Deserialize<Tombstone[]>(WireJson.Options)!;

    private static async Task<Tombstone[]> Listed(HiveFixture hive) => Told(await hive.State());

    private static async Task<long> Keyed(LineClient line, string body) => (
            await line.CallAsync(
                "send",
                new
                {
                    to = "alice",
                    body,
                    key = "once",
                }
            )
        ).GetProperty("id").GetInt64();

    private static string[] Tree(HiveFixture hive) =>
        [
            .. new[] { "agents", "applied" }
                .SelectMany(f =>
                    Directory.EnumerateFileSystemEntries(
                        Path.Combine(hive.DataDir, f),
                        "*",
                        SearchOption.AllDirectories
                    )
                )
                .Order(),
        ];
}
