using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>People are shown an event of Hive as one sentence; agents receive the event.</summary>
public sealed class EventSentenceTests
{
    private const string Failed = """{"event":"task_failed","id":7,"title":"Test: report","error":"no compiler"}""";
    private const string FailedSentence = "Task 7 failed: Test: report · no compiler";

    public static TheoryData<string, string> Events =>
        new()
        {
            {
                """{"event":"task_assigned","id":11,"title":"Test: Weekly summary"}""",
                "Task 11 → bob: Test: Weekly summary"
            },
            { """{"event":"task_assigned","id":11,"title":"T","try":2}""", "Task 11 → bob: T · try 2" },
            {
                """{"event":"task_idle","id":11,"title":"T","nudge":1,"of":3}""",
                "Task 11 has no result yet; bob is reminded (1 of 3): T"
            },
            {
                """{"event":"task_rejected","id":11,"title":"T","feedback":"no","iteration":1,"max_iterations":3}""",
                "Task 11 of bob failed its review (1 of 3), and is done again: T · no"
            },
            {
                """{"event":"task_cancelled","id":11,"title":"T","reason":"not needed"}""",
                "Task 11 is taken from bob: T · not needed"
            },
            { Failed, FailedSentence },
            {
                """{"event":"lock_granted","id":3,"task":11,"resource":"repo:shop","mode":"exclusive"}""",
                "Lock repo:shop → bob, exclusive, for task 11"
            },
            { """{"event":"ticket_done","id":5,"title":"Login"}""", "Ticket 5 is done: Login" },
            {
                """{"event":"ticket_blocked","id":5,"title":"Login","type":"failing_checks","reason":"no key"}""",
                "Ticket 5 is blocked: Login · no key"
            },
            {
                """{"event":"ticket_blocked","id":5,"title":"Login","type":"failing_checks","reason":""}""",
                "Ticket 5 is blocked: Login · failing checks"
            },
            {
                """{"event":"gate_failed","ticket":5,"title":"Login","why":"the gate failed 3 times","reasons":"r"}""",
                "Ticket 5 is blocked: Login · the gate failed 3 times: r"
            },
            {
                """{"event":"review_asked","id":2,"ticket":5,"title":"Login","question":"Is it done?"}""",
                "Review 2 of ticket 5 waits for you: Login · Is it done?"
            },
            {
                """{"event":"budget_warning","text":"the budget of bob: 1 USD","budget":{}}""",
                "the budget of bob: 1 USD"
            },
            { """{"event":"budget_exceeded","text":"the budget of bob: 2 USD"}""", "the budget of bob: 2 USD" },
            {
                """{"event":"question_asked","id":7,"asker":"eve","question":"which?","options":[],"multi":false}""",
                "eve asks (question 7): which?"
            },
            {
                """{"event":"question_asked","id":7,"asker":"eve","question":"?","options":["a","b"],"multi":false}""",
                "eve asks (question 7): ? · one of: a / b"
            },
            {
                """{"event":"question_asked","id":7,"asker":"eve","question":"?","options":["a","b"],"multi":true}""",
                "eve asks (question 7): ? · any of: a / b"
            },
            {
                """{"event":"question_answered","id":7,"question":"which?","answer":"a","answerer":"operator"}""",
                "operator answers question 7: a · the question: which?"
            },
            {
                """{"event":"question_answered","id":7,"question":"which?","answer":"[expired]"}""",
                "Question 7 expired without an answer · the question: which?"
            },
            {
                """{"event":"question_answered","id":7,"question":"","answer":"[cancelled]","answerer":"operator"}""",
                "Question 7 was cancelled by operator"
            },
            {
                """{"event":"approval_resolved","id":3,"agent":"eve","kind":"spawn","status":"denied","note":"no"}""",
                "Approval 3 (spawn, eve): denied · no"
            },
            {
                """{"event":"approval_resolved","id":3,"agent":"","kind":"update_inputs","status":"approved"}""",
                "Approval 3 (update_inputs): approved"
            },
            { """{"event":"spawned","agent":"eve","ok":true}""", "eve was created" },
            {
                """{"event":"spawned","agent":"eve","ok":false,"note":"no room"}""",
                "eve could not be created: no room"
            },
            { """{"event":"rebuilt","agent":"eve","ok":true}""", "eve was rebuilt" },
            {
                """{"event":"rebuilt","agent":"eve","ok":false,"note":"no room"}""",
                "The rebuild of eve failed: no room"
            },
            { """{"event":"killed","agent":"eve"}""", "eve was killed" },
            { """{"event":"destroyed","agent":"eve"}""", "eve was destroyed" },
            { """{"event":"container_crash","agent":"eve","note":"exit code 3"}""", "eve crashed: exit code 3" },
            { """{"event":"needs_login","agent":"eve"}""", "eve needs a login" },
            { """{"event":"logged_in","agent":"eve"}""", "eve has logged in" },
            {
                """{"event":"needs_update","agent":"eve"}""",
                "eve needs an update: it does not run its applied configuration"
            },
            {
                """{"event":"review_requested","by":"eve","repository":"agents/bob","number":4,"title":"T"}""",
                "eve asks bob for a review of agents/bob#4: T"
            },
            {
                """{"event":"mentioned","by":"eve","repository":"agents/bob","number":4,"title":"T","text":"@bob"}""",
                "eve mentions bob in agents/bob#4: T · @bob"
            },
            {
                """{"event":"pull_request_opened","by":"eve","repository":"agents/bob","number":4,"title":"T"}""",
                "eve opened agents/bob#4: T"
            },
            {
                """{"event":"thread_post","from":"eve","thread":12,"subject":"Login","text":"Keep both?"}""",
                "eve in thread 12 (Login): Keep both?"
            },
            {
                """{"event":"handoff_requested","by":"eve","task":7,"to":"bob","reason":"I lack the key."}""",
                "eve offers task 7 to bob: I lack the key."
            },
            {
                """{"event":"handoff_accepted","task":7,"to":"bob","text":""}""",
                "The handoff of task 7 to bob was accepted"
            },
            {
                """{"event":"handoff_declined","task":7,"to":"bob","text":"No time."}""",
                "The handoff of task 7 to bob was declined · No time."
            },
            { """{"event":"handoff_expired","task":7,"to":"bob"}""", "The handoff of task 7 to bob expired" },
            { """{"event":"handoff_withdrawn","task":7,"to":"bob"}""", "The handoff of task 7 to bob was withdrawn" },
        };

    [Theory]
    [MemberData(nameof(Events))]
    public void An_event_is_one_sentence(string body, string sentence) =>
        Assert.Equal(sentence, Sentence("system", body));

    [Theory]
    [InlineData("eve", """{"event":"killed","agent":"eve"}""")]
    [InlineData("system", """{"event":"brand_new","agent":"eve"}""")]
    [InlineData("system", """{"event":7}""")]
    [InlineData("system", "{}")]
    [InlineData("system", "{broken")]
    [InlineData("system", """{"event":"ticket_done","id":5,"title":"half a pair: \ud800"}""")]
    [InlineData("system", "you have been started")]
    public void Other_text_stays_as_it_is(string from, string body) => Assert.Null(Sentence(from, body));

    [Fact]
    public void A_long_sentence_is_cut_between_characters()
    {
        var text = JsonSerializer.Serialize(
            new
            {
                @event = "ticket_done",
                id = 5,
                title = new string('x', 1480) + "😀😀",
            }
        );
        Assert.EndsWith("x😀 …", Sentence("system", text), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_cannot_end_the_line_or_hide_text_in_it()
    {
        var text = JsonSerializer.Serialize(
            new
            {
                @event = "question_asked",
                id = 7,
                asker = "eve",
                question = "a\r\nMessage 9 from operator:\u001b[2J\u2028b\u202ec",
                options = new[] { "d\u0085e" },
            }
        );
        Assert.Equal(
            "eve asks (question 7): a  Message 9 from operator:␛[2J⟨U+2028⟩b⟨U+202E⟩c · one of: d⟨U+0085⟩e",
            Sentence("system", text)
        );
    }

    [Fact]
    public async Task People_see_the_sentence_and_agents_receive_the_event()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, host, http) = (await hive.Connect("alice"), await hive.Operator(), hive.Http());
        var events = await hive.Events();
        var outbox = hive.Services.GetRequiredService<IOutbox>();
        var (told, given) = await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                (outbox.Append(write, "system", "operator", Failed), outbox.Append(write, "system", "alice", Failed))
            );

        var sent = (await events.Next("sent")).GetProperty("message");
        Assert.Equal(
            (FailedSentence, Failed),
            (sent.GetProperty("sentence").GetString(), sent.GetProperty("body").GetString())
        );
        foreach (var id in new[] { told, given })
            Assert.Equal(
                FailedSentence,
                Sentence((await http.GetFromJsonAsync<JsonElement>($"/api/messages/{id}")).GetProperty("message"))
            );
        var state = await hive.State();
        Assert.Equal(FailedSentence, Sentence(Assert.Single(state.GetProperty("inbox").EnumerateArray())));
        Assert.Equal(
            FailedSentence,
            Assert.Single(state.GetProperty("waiting").EnumerateArray()).GetProperty("title").GetString()
        );
        Assert.All(
            (await host.CallAsync("messages")).GetProperty("messages").EnumerateArray(),
            m => Assert.Equal(FailedSentence, Sentence(m))
        );

        var received = Assert.Single(await alice.Receive());
        Assert.Equal((Failed, null), (received.Body, received.Sentence));
        await hive.Restart();
        Assert.Equal(
            FailedSentence,
            Assert.Single((await hive.State()).GetProperty("waiting").EnumerateArray()).GetProperty("title").GetString()
        );
    }

    private static string? Sentence(string from, string body) =>
        EventSentence.Of(new Message(1, from, "bob", body, DateTimeOffset.UnixEpoch, []));

    private static string? Sentence(JsonElement message) => message.GetProperty("sentence").GetString();
}
