using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Questions;

public sealed class OnAgentDestroyedTests
{
    // A destroy can be taken back for this long before the askers of questions to the agent are told.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Destroying_an_agent_cancels_its_questions_and_those_put_to_it(bool purge)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        var (owed, own, other) = (await alice.Ask(to: "bob"), await bob.Ask(ttl: 60), await alice.Ask(to: "carol"));
        var events = await hive.Events();
        await host.CallAsync("destroy", new { name = "bob", purge });
        foreach (var id in new[] { own, owed })
        {
            if (id == owed && !purge)
            {
                hive.Clock.Advance(Grace - TimeSpan.FromMilliseconds(1));
                await hive.Settled();
                Assert.Equal([owed, other], (await hive.State()).Questions().Select(q => q.Id));
                hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
            }

            var resolved = (await events.Next("question_resolved")).GetProperty("question");
            Assert.Equal(
                (id, "[cancelled]", "system"),
                (resolved.GetProperty("id").GetInt64(), resolved.Text("answer"), resolved.Text("answerer"))
            );
        }

        var notice = Assert.Single(await alice.QuestionMessages());
        Assert.Equal(
            (owed, "[cancelled]", "system"),
            (notice.GetProperty("id").GetInt64(), notice.Text("answer"), notice.Text("answerer"))
        );
        Assert.Equal(other, Assert.Single((await hive.State()).Questions()).Id);

        // A new agent with that name is not affected.
        await hive.Spawn("bob");
        hive.Clock.Advance(TimeSpan.FromSeconds(60));
        await hive.Settled();
        bob = await hive.Connect("bob");
        await Talk.Refused(() => bob.Answer(owed), "conflict");
        Assert.Single(await alice.QuestionMessages());
    }

    [Fact]
    public async Task Questions_of_a_new_agent_with_the_same_name_are_kept()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Operator();
        for (var round = 0; round < 20; round++)
        {
            await hive.Spawn("bob");
            using (var old = await LineClient.ConnectAsync(hive.AgentSocket("bob")))
                await old.Ask("old");
            await host.CallAsync("destroy", new { name = "bob" });
            await hive.Spawn("bob");
            using (var bob = await LineClient.ConnectAsync(hive.AgentSocket("bob")))
                await bob.Ask("new");
            await hive.Settled();
            Assert.Equal("new", Assert.Single((await hive.State()).Questions()).Question);
            await host.CallAsync("destroy", new { name = "bob" });
        }
    }

    [Fact]
    public async Task A_clean_up_missed_by_a_kill_is_done_once_at_the_next_start()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var (owed, own) = (await alice.Ask(to: "bob"), await bob.Ask());
        // The state that a kill leaves between the commit of a destroy and the reaction to it.
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write => write.Db.Execute("DELETE FROM agents WHERE name = 'bob'"));
        for (var i = 0; i < 2; i++)
        {
            await hive.Restart();
            hive.Clock.Advance(Grace);
            await hive.Settled();
            alice = await hive.Connect("alice");
            Assert.Equal(owed, Assert.Single(await alice.QuestionMessages()).GetProperty("id").GetInt64());
            var state = await hive.State();
            Assert.Empty(state.Questions());
            Assert.Equal([own, owed], state.Questions("question_history").Select(q => q.Id).OrderDescending());
            Assert.All(
                state.Questions("question_history"),
                q => Assert.Equal(("[cancelled]", "system"), (q.Answer, q.Answerer))
            );
        }
    }

    [Fact]
    public async Task Questions_are_cancelled_a_hundred_per_write()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob", "carol");
        await hive.AskMany(5, to: "bob");
        var (host, store) = (await hive.Operator(), hive.Services.GetRequiredService<SqliteStore>());
        // Ended by a spawn under the name, not by the clock, which would also index messages.
        await host.CallAsync("destroy", new { name = "carol" });
        await host.CallAsync("destroy", new { name = "bob" });
        await hive.Settled();
        var before = store.Writes;
        await hive.Spawn("carol");
        await hive.Settled();
        var withNone = store.Writes - before;
        before = store.Writes;
        await hive.Spawn("bob");
        Assert.Empty(await hive.WaitUntilPending(0));
        await hive.Settled();
        Assert.Equal(before + withNone + 3, store.Writes);
        for (var asker = 0; asker < 5; asker++)
        {
            var notice = await (await hive.Connect($"asker{asker}")).QuestionMessages();
            Assert.Equal(50, notice.Select(t => t.GetProperty("id").GetInt64()).Distinct().Count());
            Assert.All(notice, t => Assert.Equal(("[cancelled]", "system"), (t.Text("answer"), t.Text("answerer"))));
        }
    }

    [Fact]
    public async Task A_new_agent_can_ask_while_its_predecessors_questions_are_cancelled()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        await hive.AskMany(5, to: "bob");
        await (await hive.Operator()).CallAsync("destroy", new { name = "bob" });
        await hive.Spawn("bob");
        long[] own =
        [
            await (await hive.Connect("bob")).Ask("new"),
            await (await hive.Connect("alice")).Ask("new", "bob"),
        ];
        await hive.WaitUntilPending(2);
        await hive.Settled();
        Assert.Equal(own, (await hive.State()).Questions().Select(q => q.Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancellation_that_cannot_be_stored_is_logged_and_retried_alone(bool atStart)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        await alice.Ask("before", "bob");
        var poison = await alice.Ask("poison", "bob");
        await alice.Ask("after", "bob");
        await hive.Poison();
        if (atStart)
        {
            await hive
                .Services.GetRequiredService<IStore>()
                .Write(write => write.Db.Execute("DELETE FROM agents WHERE name = 'bob'"));
            await hive.Restart();
            hive.Clock.Advance(Grace);
            alice = await hive.Connect("alice");
        }
        else
        {
            var log = hive.Log();
            await (await hive.Operator()).CallAsync("destroy", new { name = "bob" });
            hive.Clock.Advance(Grace);
            Assert.Contains("no poison here", await log.Next($"question {poison}"), StringComparison.Ordinal);
        }

        Assert.Equal(poison, Assert.Single(await hive.WaitUntilPending(1)).Id);
        await hive.Clock.Set(hive.Clock.GetUtcNow().AddMinutes(1));
        await hive.Cure();
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await hive.WaitUntilPending(0));
        var notice = await alice.QuestionMessages();
        Assert.Equal(3, notice.Length);
        Assert.All(notice, t => Assert.Equal(("[cancelled]", "system"), (t.Text("answer"), t.Text("answerer"))));
    }
}
