using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Questions;

public sealed class CancelQuestionTests
{
    [Fact]
    public async Task Cancelling_notifies_the_asker_and_refuses_later_answers()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, http) = (await hive.Connect("alice"), await hive.Connect("bob"), hive.Http());
        var id = await alice.Ask(to: "bob");
        var cursor = await hive.Cursor();
        Assert.Null(await http.Post($"/cancel-question/{id}"));
        await Talk.Refused(() => bob.Answer(id), "conflict");
        Assert.Equal("conflict", await http.Post($"/cancel-question/{id}"));
        var notice = Assert.Single(await alice.QuestionMessages());
        Assert.Equal(("[cancelled]", "operator"), (notice.Text("answer"), notice.Text("answerer")));
        Assert.Equal("question_resolved", Assert.Single(await hive.QuestionEvents(cursor)).Kind);
    }
}
