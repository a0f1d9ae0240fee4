using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Questions;

public sealed class AskTests
{
    [Fact]
    public async Task A_question_to_the_operator_is_on_the_stream_and_in_the_snapshot()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var cursor = await hive.Cursor();
        var id = (
            await alice.CallAsync(
                "ask",
                new
                {
                    question = "which?",
                    options = new[] { "a", "b" },
                    multi = true,
                    ttl_seconds = 600,
                }
            )
        ).GetProperty("id").GetInt64();

        var (kind, added) = Assert.Single(await hive.QuestionEvents(cursor));
        Assert.Equal("question_added", kind);
        var now = hive.Clock.GetUtcNow();
        Assert.Equal(
            (id, "alice", null, "which?", true, now, now.AddMinutes(10)),
            (added.Id, added.Asker, added.Target, added.Question, added.Multi, added.AskedAt, added.DeadlineAt)
        );
        Assert.Equal(["a", "b"], added.Options);
        Assert.Equal((null, null, null), (added.Answer, added.Answerer, added.AnsweredAt));
        var state = await hive.State();
        Assert.Equal(
            JsonSerializer.Serialize(added, WireJson.Options),
            Assert.Single(state.GetProperty("questions").EnumerateArray()).ToString()
        );
        Assert.Empty(state.GetProperty("question_history").EnumerateArray());
        Assert.Empty(await alice.QuestionMessages());
    }

    [Fact]
    public async Task A_waiting_peer_receives_the_question()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var waiting = bob.NextQuestionMessage();
        var id = await alice.Ask("which?", "bob", options: ["a", "b"]);
        Assert.Equal(
            $$"""{"event":"question_asked","id":{{id}},"asker":"alice","question":"which?","""
                + """
                "options":["a","b"],"multi":false}
                """,
            (await waiting).ToString()
        );
        Assert.Equal("bob", Assert.Single((await hive.State()).Questions()).Target);
    }

    [Theory]
    [InlineData("""{"question":""}""", "invalid", "'question' is empty")]
    [InlineData("""{"question":"  \n"}""", "invalid", "'question' is empty")]
    [InlineData("""{}""", "invalid", "missing fields: question; add them")]
    [InlineData("""{"question":null}""", "invalid", "question")]
    [InlineData("""{"question":"a\u0000b"}""", "invalid", "NUL")]
    [InlineData("""{"question":"half \ud800 a pair"}""", "invalid", "surrogate")]
    [InlineData("""{"question":"q","to":"alice"}""", "invalid", "'to' is the asker")]
    [InlineData("""{"question":"q","to":""}""", "invalid", "'to' is empty")]
    [InlineData("""{"question":"q","to":"*"}""", "invalid", "one recipient")]
    [InlineData("""{"question":"q","to":"bobb"}""", "not_found", "did you mean bob")]
    [InlineData("""{"question":"q","to":"../bob"}""", "not_found", "agent '../bob' not found")]
    [InlineData("""{"question":"q","to":"system"}""", "not_found", "agent 'system' not found")]
    [InlineData("""{"question":"q","ttl_seconds":0}""", "invalid", "1 to 21600")]
    [InlineData("""{"question":"q","ttl_seconds":-1}""", "invalid", "1 to 21600")]
    [InlineData("""{"question":"q","ttl_seconds":21601}""", "invalid", "1 to 21600")]
    [InlineData("""{"question":"q","ttl_seconds":9223372036854775807}""", "invalid", "1 to 21600")]
    [InlineData("""{"question":"q","ttl_seconds":1e400}""", "invalid", "ttl_seconds")]
    [InlineData("""{"question":"q","ttl_seconds":1.5}""", "invalid", "ttl_seconds")]
    [InlineData("""{"question":"q","ttl_seconds":"NaN"}""", "invalid", "ttl_seconds")]
    [InlineData("""{"question":"q","ttl_seconds":NaN}""", "invalid", "invalid JSON")]
    [InlineData(
        """{"question":"q","options":["1","2","3","4","5","6","7","8","9","10","11"]}""",
        "invalid",
        "'options' has 11 entries, the limit is 10"
    )]
    [InlineData("""{"question":"q","options":["a",""]}""", "invalid", "is empty")]
    [InlineData("""{"question":"q","options":["a",null]}""", "invalid", "is empty")]
    [InlineData("""{"question":"q","options":["a","b","a"]}""", "invalid", "the same")]
    [InlineData("""{"question":"q","options":"a"}""", "invalid", "options")]
    [InlineData("""{"question":"q","multi":"perhaps"}""", "invalid", "multi")]
    public async Task Bad_input_is_refused_with_the_reason_and_changes_nothing(string fields, string code, string says)
    {
        var hive = await AllRows.Share(["alice", "bob"]);
        var cursor = await hive.Cursor();
        using var raw = await RawLine.Connect(hive.AgentSocket("alice"));
        await raw.Write($"{fields[..^1]}{(fields.Length > 2 ? "," : "")}\"cmd\":\"ask\"}}\n");
        var refused = (await raw.Read())!.Value;
        Assert.Equal(code, refused.Text("code"));
        Assert.Contains(says, refused.Text("error"), StringComparison.Ordinal);
        Assert.Empty(await hive.QuestionEvents(cursor));
        Assert.Empty(await (await hive.Connect("bob")).QuestionMessages());
    }

    [Fact]
    public async Task The_limits_count_bytes_and_are_inclusive()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        // Two bytes each in UTF-8.
        Assert.Contains(
            "4098",
            (await Talk.Refused(() => alice.Ask(new string('ä', 2049)), "too_large")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "202",
            (await Talk.Refused(() => alice.Ask(options: [new string('ä', 101)]), "too_large")).Message,
            StringComparison.Ordinal
        );
        Assert.Empty((await hive.State()).Questions());
        await alice.Ask(
            new string('ä', 2048),
            ttl: 21600,
            options: [.. Enumerable.Range(0, 10).Select(n => new string((char)('a' + n), 200))]
        );
        await alice.Ask(ttl: 1, options: []);
        Assert.Equal(2, (await hive.State()).Questions().Length);
    }

    [Fact]
    public async Task A_key_asks_only_once_even_across_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var asked = new
        {
            question = "once?",
            to = "bob",
            key = "k",
        };
        var alice = await hive.Connect("alice");
        var first = (await alice.CallAsync("ask", asked)).GetProperty("id").GetInt64();
        Assert.Equal(first, (await alice.CallAsync("ask", asked)).GetProperty("id").GetInt64());
        await hive.Restart();
        alice = await hive.Connect("alice");
        Assert.Equal(first, (await alice.CallAsync("ask", asked)).GetProperty("id").GetInt64());
        await Talk.Refused(
            () =>
                alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "x",
                        key = "k",
                    }
                ),
            "conflict"
        );
        Assert.Single(await (await hive.Connect("bob")).QuestionMessages());
        Assert.Single((await hive.State()).Questions());
    }

    [Fact]
    public async Task An_agent_has_at_most_fifty_pending_questions()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, host) = (await hive.Connect("alice"), await hive.Connect("bob"), await hive.Operator());
        var asked = new
        {
            question = "first?",
            to = "bob",
            key = "k",
        };
        var first = (await alice.CallAsync("ask", asked)).GetProperty("id").GetInt64();
        for (var i = 1; i < 50; i++)
            await alice.Ask(to: i % 2 == 0 ? "bob" : null);
        var cursor = await hive.Cursor();
        Assert.Contains(
            "50 pending questions",
            (await Talk.Refused(() => alice.Ask(), "conflict")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => alice.Ask(to: "bob"), "conflict");
        Assert.Empty(await hive.QuestionEvents(cursor));
        Assert.Equal(25, (await bob.QuestionMessages()).Length);

        // Repeating a question with its key is not a new question, and other agents' questions do not count.
        Assert.Equal(first, (await alice.CallAsync("ask", asked)).GetProperty("id").GetInt64());
        await bob.Ask(to: "alice");
        await host.Answer(first);
        await alice.Ask();
        await hive.Restart();
        alice = await hive.Connect("alice");
        await Talk.Refused(() => alice.Ask(), "conflict");
        Assert.Equal(51, (await hive.State()).Questions().Length);
    }

    [Fact]
    public async Task The_limit_holds_across_concurrent_connections()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var refused = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    using var line = await LineClient.ConnectAsync(hive.AgentSocket("alice"));
                    for (var i = 0; i < 10; i++)
                    {
                        try
                        {
                            await line.Ask();
                        }
                        catch (HiveException e) when (e.Code == "conflict")
                        {
                            Interlocked.Increment(ref refused);
                        }
                    }
                })
        );
        Assert.Equal((50, 30), ((await hive.State()).Questions().Length, refused));
    }

    [Fact]
    public async Task An_agent_can_only_ask_those_it_may_write_to()
    {
        await using var hive = await HiveFixture.Start();
        var folder = Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", "alice"));
        File.WriteAllText(Path.Combine(folder.FullName, "agent.yaml"), "recipients: [bob]\n");
        await hive.Spawn("alice", "bob", "carol");
        var alice = await hive.Connect("alice");
        await alice.Ask(to: "bob");
        await alice.Ask(to: "manager");
        Assert.Contains(
            "bob, manager",
            (await Talk.Refused(() => alice.Ask(to: "carol"), "forbidden")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => alice.Ask(), "forbidden");
        Assert.Equal(2, (await hive.State()).Questions().Length);
    }

    [Fact]
    public async Task File_references_are_checked_against_the_rights_of_their_author()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        File.WriteAllText(Path.Combine(hive.DataDir, "agents", "alice", "state", "plan.md"), "x");
        File.WriteAllText(Path.Combine(hive.DataDir, "agents", "bob", "state", "own.md"), "x");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var cursor = await hive.Cursor();
        const string Text = "see /agents/alice/state/plan.md and /agents/bob/state/own.md, not /etc/passwd";
        var id = await alice.Ask(Text, "bob");
        await bob.Answer(id, Text);
        var events = await hive.QuestionEvents(cursor);
        Assert.Equal(["/agents/alice/state/plan.md"], events[0].Question.QuestionRefs);
        Assert.Empty(events[0].Question.AnswerRefs);
        Assert.Equal(["/agents/alice/state/plan.md"], events[1].Question.QuestionRefs);
        Assert.Equal(["/agents/bob/state/own.md"], events[1].Question.AnswerRefs);
        var history = Assert.Single((await hive.State()).Questions("question_history"));
        Assert.Equal(["/agents/bob/state/own.md"], history.AnswerRefs);
        // The messages about the question have the references too.
        Assert.Equal(["/agents/alice/state/plan.md"], Assert.Single(await bob.Receive()).FileRefs);
        Assert.Equal(
            ["/agents/alice/state/plan.md", "/agents/bob/state/own.md"],
            Assert.Single(await alice.Receive()).FileRefs
        );
    }
}
