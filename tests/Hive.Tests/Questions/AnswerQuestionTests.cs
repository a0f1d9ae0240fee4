using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Questions;

public sealed class AnswerQuestionTests
{
    [Fact]
    public async Task A_peers_answer_reaches_the_waiting_asker_once_and_resolves_the_question()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var id = await alice.Ask("which?", "bob", options: ["a", "b"]);
        var cursor = await hive.Cursor();
        var waiting = alice.NextQuestionMessage();
        await bob.Answer(id, "a, b");
        Assert.Equal(
            $$"""{"event":"question_answered","id":{{id}},"question":"which?","answer":"a, b","answerer":"bob"}""",
            (await waiting).ToString()
        );
        Assert.Single(await alice.QuestionMessages());

        var (kind, resolved) = Assert.Single(await hive.QuestionEvents(cursor));
        Assert.Equal("question_resolved", kind);
        Assert.Equal(
            (id, "a, b", "bob", hive.Clock.GetUtcNow()),
            (resolved.Id, resolved.Answer, resolved.Answerer, resolved.AnsweredAt)
        );
        var state = await hive.State();
        Assert.Empty(state.Questions());
        Assert.Equal(id, Assert.Single(state.Questions("question_history")).Id);
    }

    [Fact]
    public async Task The_operator_can_answer_any_question_at_each_door_with_any_text()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, host, http) = (await hive.Connect("alice"), await hive.Operator(), hive.Http());
        var (own, peers, form) = (await alice.Ask(options: ["a", "b"]), await alice.Ask(to: "bob"), await alice.Ask());
        await host.Answer(own, "neither");
        Assert.Null(await http.Post($"/answer-question/{peers}", new { answer = "overridden" }));
        using var fields = new FormUrlEncodedContent([new("answer", "by form")]);
        (await http.PostAsync(new Uri($"/answer-question/{form}", UriKind.Relative), fields)).EnsureSuccessStatusCode();
        var notice = await alice.QuestionMessages();
        Assert.Equal(
            [("neither", "operator"), ("overridden", "operator"), ("by form", "operator")],
            notice.Select(t => (t.Text("answer")!, t.Text("answerer")!))
        );
    }

    [Fact]
    public async Task Only_the_target_or_the_operator_can_answer_and_a_second_answer_conflicts()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, bob, carol, manager) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("carol"),
            await hive.Connect("manager")
        );
        var (host, http) = (await hive.Operator(), hive.Http());
        var (toBob, toOperator) = (await alice.Ask(to: "bob"), await alice.Ask());
        var cursor = await hive.Cursor();
        foreach (var other in new[] { alice, carol, manager })
            Assert.Contains(
                "bob",
                (await Talk.Refused(() => other.Answer(toBob), "forbidden")).Message,
                StringComparison.Ordinal
            );
        foreach (var agent in new[] { alice, bob, carol, manager })
            Assert.Contains(
                "the operator",
                (await Talk.Refused(() => agent.Answer(toOperator), "forbidden")).Message,
                StringComparison.Ordinal
            );
        Assert.Empty(await hive.QuestionEvents(cursor));

        await bob.Answer(toBob);
        cursor = await hive.Cursor();
        Assert.Contains(
            "answered by bob",
            (await Talk.Refused(() => bob.Answer(toBob, "no"), "conflict")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => host.Answer(toBob, "no"), "conflict");
        Assert.Equal("conflict", await http.Post($"/answer-question/{toBob}", new { answer = "no" }));
        Assert.Equal("conflict", await http.Post($"/cancel-question/{toBob}"));
        await Talk.Refused(() => carol.Answer(toBob), "forbidden");
        Assert.Empty(await hive.QuestionEvents(cursor));
        Assert.Equal("yes", Assert.Single(await alice.QuestionMessages()).Text("answer"));
    }

    [Fact]
    public async Task Bad_input_is_refused_and_changes_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, http) = (await hive.Connect("alice"), await hive.Connect("bob"), hive.Http());
        var id = await alice.Ask(to: "bob");
        var cursor = await hive.Cursor();
        foreach (var none in new[] { 0, -1, long.MinValue })
            await Talk.Refused(() => bob.Answer(none), "invalid");
        await Talk.Refused(() => bob.Answer(long.MaxValue), "not_found");
        await Talk.Refused(() => bob.CallAsync("answer", new { id = "1", answer = "x" }), "invalid");
        await Talk.Refused(() => bob.CallAsync("answer", new { answer = "x" }), "invalid");
        await Talk.Refused(() => bob.CallAsync("answer", new { id }), "invalid");
        await Talk.Refused(() => bob.Answer(id, ""), "invalid");
        await Talk.Refused(() => bob.Answer(id, "a\0b"), "invalid");
        Assert.Contains(
            "/shared/",
            (await Talk.Refused(() => bob.Answer(id, new string('€', 1366)), "too_large")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("invalid", await http.Post($"/answer-question/{id}"));
        Assert.Equal("invalid", await http.Post("/answer-question/x", new { answer = "x" }));
        Assert.Equal("invalid", await http.Post("/cancel-question/-1"));
        Assert.Equal("not_found", await http.Post("/cancel-question/4711"));
        Assert.Empty(await hive.QuestionEvents(cursor));
        Assert.Empty(await alice.QuestionMessages());
    }
}
