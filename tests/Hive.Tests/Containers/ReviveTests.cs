using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Hive.Tests.Reminders;

namespace Hive.Tests.Containers;

/// <summary>Tests that a revival gives back what a destroy had ended.</summary>
public sealed class ReviveTests
{
    // A question to a destroyed agent is cancelled after this time.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reviving_an_agent_leaves_the_snapshot_as_before_its_destruction(bool restart)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var approval = await WithAllKindsOfOpenThings(hive);
        var before = await Snapshot(hive);
        var notes = await Notes(hive, "alice", "carol");

        await Destroy(hive);
        var gone = await Snapshot(hive);
        Assert.Equal("[]", gone["reminders"]);
        Assert.Equal("[]", gone["approvals"]);
        Assert.DoesNotContain("\"asker\":\"bob\"", gone["questions"], StringComparison.Ordinal);
        Assert.DoesNotContain("question-", gone["waiting"], StringComparison.Ordinal);
        if (restart)
            await hive.Restart();
        await Revive(hive);

        await Same(before, hive);
        // Nobody was told of an end.
        Assert.Equal(notes, await Notes(hive, "alice", "carol"));
        Assert.Equal(
            ["destroyed", "spawned"],
            (await Recent(hive, "manager")).Select(body => body.GetProperty("event").GetString())
        );
        hive.Clock.Advance(Grace);
        await hive.Settled();
        Assert.Equal(before["questions"], (await Snapshot(hive))["questions"]);

        // It all works as before.
        var (bob, host) = (await hive.Connect("bob"), await hive.Operator());
        await host.Approve(approval);
        Assert.Equal("approved", (await host.End(approval)).Status);
        foreach (var question in (await hive.State()).Questions())
            await host.Answer(question.Id, "yes");
        Assert.Equal(
            ["yes", "yes"],
            (await bob.QuestionMessages())
                .Where(body => body.Text("event") == "question_answered")
                .Select(body => body.Text("answer"))
        );
    }

    [Fact]
    public async Task A_second_destroy_and_revival_lose_nothing_either()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        await WithAllKindsOfOpenThings(hive);
        var before = await Snapshot(hive);
        await Destroy(hive);
        await Revive(hive);
        hive.Clock.Advance(Grace / 2);
        await Destroy(hive);
        // The time of the first destroy is over.
        hive.Clock.Advance(Grace / 2);
        await hive.Settled();
        await Revive(hive);
        await Same(before, hive);
    }

    [Fact]
    public async Task Deadlines_that_passed_until_the_revival_end_their_questions_and_reminders()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var (soon, late) = (await bob.Ask("soon?", ttl: 60), await bob.Ask("late?", ttl: 3600));
        var owed = await alice.Ask("for bob", "bob");
        await bob.Remind("look", 60);
        await bob.Remind("later", 3600);
        await Destroy(hive);
        hive.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("[cancelled]", (await alice.NextQuestionMessage()).Text("answer"));

        await Revive(hive);

        // Timers that are due at once fire when the clock moves.
        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        using var again = await LineClient.ConnectAsync(hive.AgentSocket("bob"));
        List<Message> got = [];
        while (got.Count < 3)
            got.AddRange(await again.Receive(max: 8, wait: 180));
        Assert.Contains(got, m => m.Body.StartsWith("look\n\n[", StringComparison.Ordinal));
        Assert.Contains(
            got,
            m =>
                m.Body.Contains($"\"id\":{soon},", StringComparison.Ordinal)
                && m.Body.Contains("[expired]", StringComparison.Ordinal)
        );
        Assert.Equal([late], (await hive.State()).Questions().Select(q => q.Id));
        Assert.Equal("later", Assert.Single(await hive.Reminders()).Message);
        // Its asker was told that it is cancelled: the first end counts.
        await Talk.Refused(() => again.Answer(owed), "conflict");
        hive.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(await hive.WaitUntilPending(0));
    }

    [Theory]
    [InlineData("spawn")]
    [InlineData("purge_tombstone")]
    public async Task A_purge_or_a_spawn_ends_for_good_what_was_set_aside(string verb)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var approval = await WithAllKindsOfOpenThings(hive);
        await Destroy(hive);
        var host = await hive.Operator();

        await host.CallAsync(verb, verb == "spawn" ? new { name = "bob", runtime = "external" } : new { name = "bob" });

        Assert.Equal("[cancelled]", (await (await hive.Connect("alice")).NextQuestionMessage()).Text("answer"));
        var told = Assert.Single(await hive.ApprovalMessages(), m => m.Text("event") == "approval_resolved");
        Assert.Equal(
            (approval, "failed", "bob was destroyed"),
            (told.GetProperty("id").GetInt64(), told.Text("status"), told.Text("note"))
        );
        if (verb == "spawn")
            await Proposing.Of(hive, "bob").UntilTagged(approval, "failed");
        else
            await hive.Spawn("bob");
        await Destroy(hive);
        await Revive(hive);
        await hive.Settled();
        Assert.Empty((await hive.State()).Questions());
        Assert.Empty(await hive.Reminders());
        Assert.Empty((await hive.State()).Approvals());
        Assert.Equal(0, await (await hive.Connect("bob")).Pending());
    }

    [Fact]
    public async Task A_question_to_an_agent_destroyed_in_the_meantime_stays_cancelled()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "carol");
        using (var bob = await LineClient.ConnectAsync(hive.AgentSocket("bob")))
            await bob.Ask("carol?", "carol");
        await Destroy(hive);
        await (await hive.Operator()).CallAsync("destroy", new { name = "carol" });
        await Revive(hive);
        Assert.Empty((await hive.State()).Questions());
        Assert.Equal("[cancelled]", (await (await hive.Connect("bob")).NextQuestionMessage()).Text("answer"));
    }

    [Fact]
    public async Task A_clean_up_that_a_kill_interrupted_is_given_back_by_a_revival()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        await WithAllKindsOfOpenThings(hive);
        var before = await Snapshot(hive);
        // The state that a kill leaves between the commit of a destroy and the reactions to it.
        await hive.Sql(
            """
            INSERT INTO former_agents (agent, runtime, ran, paused, status_text, status_set_at)
            SELECT name, runtime, 0, paused, status_text, status_set_at FROM agents WHERE name = 'bob';
            DELETE FROM agents WHERE name = 'bob';
            DELETE FROM containers WHERE agent = 'bob'
            """
        );
        await hive.Restart();
        await hive.Settled();
        Assert.Empty(await hive.Reminders());
        await Revive(hive);
        await Same(before, hive);
    }

    // Returns a proposal for bob that is pending.
    private static async Task<long> WithAllKindsOfOpenThings(HiveFixture hive)
    {
        var id = await Open(hive);
        // The host notices on its own that the agents here are not connected any more.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        // Each client opens a connection, of which the host allows 4096.
        var http = hive.Http();
        ContainerView[] rows;
        do
        {
            var state = await http.GetFromJsonAsync<JsonElement>("/api/state");
            rows = state.GetProperty("agents").Deserialize<ContainerView[]>(WireJson.Options)!;
        } while (rows.Any(row => row.Running) && !patience.IsCancellationRequested);
        Assert.DoesNotContain(rows, row => row.Running);
        Assert.Contains(rows, row => row is { Name: "bob", Paused: true, Unread: 1, Parked: 1, PendingReminders: 2 });
        return id;
    }

    private static async Task<long> Open(HiveFixture hive)
    {
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        using var alice = await LineClient.ConnectAsync(hive.AgentSocket("alice"));
        using var bob = await LineClient.ConnectAsync(hive.AgentSocket("bob"));
        using var manager = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        await bob.CallAsync("set_status", new { text = "half done" });
        await bob.Remind("look", 3600);
        await bob.Remind("look again", 7200);
        var snoozed = await bob.Ask("Ship it?", ttl: 5400, options: ["yes", "no"]);
        await bob.Ask("Is it done?", "carol");
        await alice.Ask("May I?", "bob", ttl: 3600);
        await hive.Http()
            .Post($"/api/waiting/question-{snoozed}/snooze", new { until_at = hive.Clock.GetUtcNow().AddMinutes(20) });
        var parked = await alice.Send("bob", "cannot be read");
        for (var i = 0; i < 3; i++)
        {
            var leased = await bob.Receive(max: 32);
            Assert.Contains(parked, leased.Select(m => m.Id));
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { parked },
                    delay_seconds = 0,
                    error = "too odd",
                }
            );
            await bob.CallAsync("ack", new { ids = leased.Select(m => m.Id).Where(id => id != parked) });
        }

        await alice.Send("bob", "unread");
        await host.CallAsync("set_paused", new { name = "bob", paused = true });
        var id = await manager.RequestApplyCommit(
            "bob",
            Proposing.Of(hive, "bob").Commit(("agent.yaml", "model: proposed\n"))
        );
        await hive.Http().Post("/api/agents/bob/model", new { model = "larger" });
        return id;
    }

    private static async Task Destroy(HiveFixture hive)
    {
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        await host.CallAsync("destroy", new { name = "bob" });
        await hive.Settled();
    }

    private static async Task Revive(HiveFixture hive)
    {
        using var answer = await hive.Http().PostAsync("/api/tombstones/bob/revive", null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await hive.Settled();
    }

    // The snapshot and the list of what waits, member by member, without what no revival gives back.
    private static async Task<SortedDictionary<string, string>> Snapshot(HiveFixture hive, HttpClient? client = null)
    {
        var http = client ?? hive.Http();
        await hive.Settled();
        var state = (await http.GetFromJsonAsync<JsonObject>("/api/state"))!;
        // Counts each event, also those of what was taken back.
        state.Remove("cursor");
        // Reading it costs a database connection whose figures are in it.
        state.Remove("host");
        foreach (var agent in state["agents"]!.AsArray())
        {
            // A revived agent is in its state since the revival.
            agent!["activity"]?.AsObject().Remove("since_at");
            // The manager is told of a destroy and of a revival.
            if (agent["name"]!.GetValue<string>() == "manager")
                agent.AsObject().Remove("unread");
        }

        // Grows with the time.
        foreach (var end in state["loose_ends"]!.AsArray())
            end!.AsObject().Remove("age_seconds");
        var waiting = await http.GetFromJsonAsync<JsonObject>("/api/waiting");
        state["GET /api/waiting"] = waiting!["waiting"]!.DeepClone();
        return new(
            state.ToDictionary(member => member.Key, member => member.Value?.ToJsonString() ?? "null"),
            StringComparer.Ordinal
        );
    }

    // Member by member: a failure names what differs.
    private static async Task Same(SortedDictionary<string, string> before, HiveFixture hive)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var http = hive.Http();
        var now = await Snapshot(hive, http);
        while (!before.SequenceEqual(now) && !patience.IsCancellationRequested)
            now = await Snapshot(hive, http);
        Assert.Equal(before.Keys, now.Keys);
        var different = before.Where(was => was.Value != now[was.Key]);
        var said = string.Join('\n', different.Select(was => $"{was.Key} was {was.Value} and is {now[was.Key]}"));
        Assert.True(said.Length == 0, said);
    }

    private static async Task<string[]> Notes(HiveFixture hive, params string[] agents)
    {
        List<string> bodies = [];
        foreach (var agent in agents)
            bodies.AddRange((await Recent(hive, agent)).Select(body => body.GetRawText()));
        return [.. bodies];
    }

    private static async Task<JsonElement[]> Recent(HiveFixture hive, string agent)
    {
        using var line = await LineClient.ConnectAsync(hive.AgentSocket(agent));
        return
        [
            .. (await line.CallAsync("recent", new { limit = 200 }))
                .GetProperty("rows")
                .Deserialize<Message[]>(WireJson.Options)!
                .Where(m => m.From == "system" && m.Body.StartsWith('{'))
                .OrderBy(m => m.Id)
                .Select(m => JsonElement.Parse(m.Body)),
        ];
    }
}
