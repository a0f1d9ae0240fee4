using System.Text;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Questions;

/// <summary>Tests texts within their limits that are too long for a body once written as JSON.</summary>
public sealed class QuestionEventsTests
{
    [Theory]
    [InlineData("a", 4096, false, false)]
    [InlineData("ä", 2048, false, false)]
    [InlineData("\"", 4096, true, false)]
    [InlineData("\\", 4096, true, false)]
    [InlineData("\u0001", 4096, true, true)]
    [InlineData("\u007f", 4096, true, true)]
    [InlineData("😀", 1024, true, false)]
    public async Task Long_texts_are_cut_to_fit_the_question_before_the_answer_the_options_never(
        string unit,
        int times,
        bool cutsQuestion,
        bool cutsAnswer
    )
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var text = string.Concat(Enumerable.Repeat(unit, times));
        // Distinct options of 200 bytes each.
        string[] options =
        [
            .. Enumerable
                .Range(0, 10)
                .Select(n => $"{n}{string.Concat(Enumerable.Repeat(unit, 199 / Encoding.UTF8.GetByteCount(unit)))}"),
        ];
        var id = await alice.Ask(text, "bob", options: options);
        var asked = Assert.Single(await bob.Receive());
        await bob.Answer(id, text);
        var answered = Assert.Single(await alice.Receive());

        foreach (var body in new[] { asked.Body, answered.Body })
            Assert.InRange(Encoding.UTF8.GetByteCount(body), 1, Limits.HostBodyBytes);
        Assert.Equal(options, JsonElement.Parse(asked.Body).GetProperty("options").Deserialize<string[]>());
        IsTextOrItsBeginning(JsonElement.Parse(asked.Body), "question", null);
        IsTextOrItsBeginning(JsonElement.Parse(answered.Body), "question", cutsQuestion);
        IsTextOrItsBeginning(JsonElement.Parse(answered.Body), "answer", cutsAnswer);
        Assert.Equal(cutsQuestion || cutsAnswer, JsonElement.Parse(answered.Body).TryGetProperty("truncated", out _));
        // The stored texts are complete.
        var stored = Assert.Single((await hive.State()).Questions("question_history"));
        Assert.Equal((text, text), (stored.Question, stored.Answer));

        void IsTextOrItsBeginning(JsonElement notice, string member, bool? cut)
        {
            var got = notice.Text(member)!;
            if (got != text)
            {
                Assert.EndsWith("…", got, StringComparison.Ordinal);
                Assert.StartsWith(got[..^1], text, StringComparison.Ordinal);
                Assert.True(got.Length > 100, got);
                Assert.True(notice.GetProperty("truncated").GetBoolean());
            }

            Assert.Equal(cut ?? got != text, got != text);
        }
    }

    [Fact]
    public async Task A_long_question_to_a_peer_is_cut_to_fit()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        await (await hive.Connect("alice")).Ask(new string('\u0001', 4096), "bob");
        var body = Assert.Single(await (await hive.Connect("bob")).Receive()).Body;
        Assert.InRange(Encoding.UTF8.GetByteCount(body), Limits.HostBodyBytes - 10, Limits.HostBodyBytes);
        Assert.True(JsonElement.Parse(body).GetProperty("truncated").GetBoolean());
    }
}
