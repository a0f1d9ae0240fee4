using Hive.Tests.Fixture;

namespace Hive.Tests.Questions;

public sealed class ListQuestionsTests
{
    [Fact]
    public async Task The_host_socket_lists_pending_and_on_request_answered_questions()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        long[] ids = [await alice.Ask("one"), await alice.Ask("two", "bob"), await alice.Ask("three")];
        await host.Answer(ids[1]);
        Assert.Equal([ids[0], ids[2]], (await host.CallAsync("questions")).Questions().Select(q => q.Id));
        Assert.Equal(
            [ids[1], ids[0], ids[2]],
            (await host.CallAsync("questions", new { all = true })).Questions().Select(q => q.Id)
        );
    }

    [Fact]
    public async Task The_snapshot_has_all_pending_and_the_fifty_newest_answered_questions()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host) = (await hive.Connect("alice"), await hive.Operator());
        List<long> ids = [];
        for (var i = 0; i < 60; i++)
        {
            hive.Clock.Advance(TimeSpan.FromMilliseconds(1));
            ids.Add(await alice.Ask());
            await host.Answer(ids[^1]);
        }

        long[] pending = [await alice.Ask(), .. await hive.AskMany(2)];
        await hive.Restart();
        var state = await hive.State();
        Assert.Equal(Enumerable.Reverse(ids).Take(50), state.Questions("question_history").Select(q => q.Id));
        Assert.Equal(pending, state.Questions().Select(q => q.Id));
        Assert.Equal("conflict", await hive.Http().Post($"/cancel-question/{ids[0]}"));
    }
}
