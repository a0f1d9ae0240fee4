using System.Net;
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
        Assert.Equal(before, await Snapshot(hive));
    }

    // Returns a proposal for bob that is pending.
    private static async Task<long> WithAllKindsOfOpenThings(HiveFixture hive)
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

    // Without the cursor, and without what the manager is told of a destroy and a revival.
    private static async Task<SortedDictionary<string, string>> Snapshot(HiveFixture hive)
    {
        await hive.Settled();
        var state = JsonNode.Parse((await hive.State()).GetRawText())!.AsObject();
        state.Remove("cursor");
        // Reading it costs a database connection whose figures are in it.
        state.Remove("host");
        var manager = state["agents"]!.AsArray().Single(a => a!["name"]!.GetValue<string>() == "manager")!.AsObject();
        manager.Remove("unread");
        SortedDictionary<string, string> members = new(StringComparer.Ordinal);
        foreach (var (name, value) in state)
            members[name] = value?.ToJsonString() ?? "null";
        return members;
    }
}
