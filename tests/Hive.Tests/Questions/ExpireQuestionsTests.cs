using Hive.Common.Storage;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Questions;

public sealed class ExpireQuestionsTests
{
    [Fact]
    public async Task A_question_expires_at_its_deadline_and_not_before()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Ask(to: "bob", ttl: 60);
        await alice.Ask("for ever");
        hive.Clock.Advance(TimeSpan.FromSeconds(60) - TimeSpan.FromMilliseconds(1));
        await hive.Settled();
        Assert.Equal(2, (await hive.State()).Questions().Length);
        var cursor = await hive.Cursor();

        hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var notice = await alice.NextQuestionMessage();
        Assert.Equal(
            (id, "[expired]", "ttl-watchdog"),
            (notice.GetProperty("id").GetInt64(), notice.Text("answer"), notice.Text("answerer"))
        );
        await Talk.Refused(() => bob.Answer(id), "conflict");
        var (kind, resolved) = Assert.Single(await hive.QuestionEvents(cursor));
        Assert.Equal(
            ("question_resolved", "[expired]", hive.Clock.GetUtcNow()),
            (kind, resolved.Answer, resolved.AnsweredAt)
        );
        Assert.Single(await alice.QuestionMessages());
    }

    [Fact]
    public async Task Questions_expire_at_their_own_deadlines_and_many_at_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var late = await alice.Ask(ttl: 21600);
        await hive.AskMany(4, ttl: 30);
        var early = await alice.Ask(ttl: 1);
        var answered = await alice.Ask(ttl: 2);
        await (await hive.Operator()).Answer(answered);
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(answered, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
        Assert.Equal(early, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
        hive.Clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(late, Assert.Single(await hive.WaitUntilPending(1)).Id);
        for (var asker = 0; asker < 4; asker++)
        {
            var ids = (await (await hive.Connect($"asker{asker}")).QuestionMessages())
                .Select(t => t.GetProperty("id").GetInt64())
                .ToArray();
            Assert.Equal(50, ids.Length);
            Assert.Equal(ids.Order(), ids);
        }

        hive.Clock.Advance(TimeSpan.FromHours(6));
        Assert.Equal(late, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
        Assert.Equal(3, (await alice.QuestionMessages()).Length);
    }

    [Fact]
    public async Task Questions_due_while_the_host_was_down_expire_once_at_start_in_order()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        long[] ids =
        [
            await alice.Ask(ttl: 300),
            await alice.Ask(ttl: 100),
            await alice.Ask(ttl: 200),
            await alice.Ask(ttl: 1000),
        ];
        // Moves only the wall clock: no timer of this host fires.
        hive.Clock.Jump(TimeSpan.FromSeconds(400));
        var cursor = await hive.Cursor();
        Assert.Empty(await hive.QuestionEvents(cursor));
        await hive.Restart();
        alice = await hive.Connect("alice");
        for (var i = 0; i < 3; i++)
        {
            var notice = await alice.NextQuestionMessage();
            Assert.Equal((ids[(i + 1) % 3], "[expired]"), (notice.GetProperty("id").GetInt64(), notice.Text("answer")));
        }

        await hive.Restart();
        alice = await hive.Connect("alice");
        Assert.Equal(3, (await alice.QuestionMessages()).Length);
        Assert.Equal(ids[3], Assert.Single((await hive.State()).Questions()).Id);
        hive.Clock.Advance(TimeSpan.FromSeconds(600));
        Assert.Equal(ids[3], (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task A_question_whose_time_passed_during_a_sleep_expires_at_the_wake_up()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (later, past, next) = (await alice.Ask(ttl: 7200), await alice.Ask(ttl: 3600), await alice.Ask(ttl: 3599));
        // A sleep, as a clock that is set forward, moves the wall clock and no timer.
        hive.Clock.Jump(TimeSpan.FromHours(1));
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(next, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
        Assert.Equal(past, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
        Assert.Equal(later, Assert.Single(await hive.WaitUntilPending(1)).Id);
        hive.Clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        Assert.Equal(later, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task Setting_the_wall_clock_back_does_not_prolong_a_wait()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var id = await alice.Ask(ttl: 60);
        hive.Clock.Jump(TimeSpan.FromDays(-1));
        hive.Clock.Advance(TimeSpan.FromSeconds(59));
        await hive.Settled();
        Assert.Single((await hive.State()).Questions());
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(id, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task A_wall_clock_set_back_while_no_host_ran_does_not_prolong_a_wait()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var id = await (await hive.Connect("alice")).Ask(ttl: 60);
        hive.Clock.Jump(TimeSpan.FromDays(-30));
        await hive.Restart();
        var alice = await hive.Connect("alice");
        hive.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(id, (await alice.NextQuestionMessage()).GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task An_expiry_that_cannot_be_stored_is_logged_and_retried_alone()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, log) = (await hive.Connect("alice"), hive.Log());
        await hive.Poison();
        await alice.Ask("before", ttl: 5);
        var poison = await alice.Ask("poison", ttl: 5);
        await alice.Ask("after", ttl: 5);
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(poison, Assert.Single(await hive.WaitUntilPending(1)).Id);
        Assert.Contains("no poison here", await log.Next($"question {poison}"), StringComparison.Ordinal);
        Assert.Equal(2, (await alice.QuestionMessages()).Length);

        await hive.Clock.Set(hive.Clock.GetUtcNow().AddMinutes(1));
        await hive.Cure();
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await hive.WaitUntilPending(0));
        var notice = (await alice.QuestionMessages())[^1];
        Assert.Equal((poison, "[expired]"), (notice.GetProperty("id").GetInt64(), notice.Text("answer")));
    }

    [Fact]
    public async Task Without_pending_deadlines_the_database_is_not_used()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        await alice.Ask("for ever");
        await (await hive.Operator()).Answer(await alice.Ask(ttl: 600));
        await hive.Settled();
        var store = hive.Services.GetRequiredService<SqliteStore>();
        var before = (store.Reads, store.Writes);
        // Less than the time to the next hourly vacuum.
        hive.Clock.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal(before.Reads, store.Reads);
        // One write indexes the messages that were sent above.
        Assert.InRange(store.Writes, before.Writes, before.Writes + 1);
    }
}
