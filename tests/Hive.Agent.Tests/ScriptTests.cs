using Hive.Agent.Drivers.Scripted;
using Hive.Protocol;

namespace Hive.Agent.Tests;

public sealed class ScriptTests
{
    [Theory]
    [InlineData("rule: []", "line 1, column 1: unknown key `rule` in a script; available: start, rules, otherwise")]
    [InlineData(
        "rules:\n  - match: {}\n    do:\n      - shout: hi",
        "line 4, column 9: unknown action `shout`; available: send, ask"
    )]
    [InlineData("rules:\n  - do: []", "line 2, column 5: a rule needs `match`")]
    [InlineData("rules:\n  - match: { body: \"(a\" }\n    do: []", "line 2, column 20: `body` is not a valid pattern")]
    [InlineData(
        "rules:\n  - match: { body: \"(?=a)\" }\n    do: []",
        "line 2, column 20: `body` is not a valid pattern"
    )]
    [InlineData("otherwise:\n  - send: { to: bob }", "line 2, column 11: `send` needs `body`")]
    [InlineData(
        "otherwise:\n  - send: { to: bob, body: x, replay: true }",
        "line 2, column 31: unknown key `replay` in `send`; available: to, body, reply, key"
    )]
    [InlineData(
        "otherwise:\n  - send: { to: bob, body: \"{{bdoy}}\" }",
        "line 2, column 28: unknown variable `bdoy`; available here: body, count"
    )]
    [InlineData("otherwise:\n  - log: \"{{ }}\"", "line 2, column 10: `{{` needs a name")]
    [InlineData("otherwise:\n  - log:", "`log` must be a string")]
    [InlineData(
        "start:\n  - send: { to: bob, body: x, reply: true }",
        "line 2, column 38: `start` has no message to reply to"
    )]
    [InlineData("otherwise:\n  - wait: soon", "line 2, column 11: `wait` must be a number of seconds")]
    [InlineData("otherwise:\n  - remind: { message: x }", "exactly one of `delay_seconds` and `at`")]
    [InlineData("otherwise:\n  - log: a\n    fail: b", "line 3, column 5: `fail` is in the same item as `log`")]
    [InlineData(
        "otherwise:\n  - log: a\n    optional: true",
        "`optional` is only for actions that the host may refuse"
    )]
    [InlineData("otherwise:\n  - answer: { answer: yes }", "`answer` needs `id` here")]
    [InlineData("otherwise:\n  - choose: []", "`choose` needs at least one list")]
    [InlineData("otherwise:\n  - edit_file: { path: a, old: b }", "`edit_file` needs `new`")]
    [InlineData("otherwise:\n  - usage: { model: m, input_tokens: x, output_tokens: 1 }", "must be a whole number")]
    [InlineData("otherwise:\n  - run: { cmd: ls }", "unknown key `cmd` in `run`; available: command, description")]
    [InlineData("a: [", "line 2, column 1")]
    [InlineData("start: []\nstart: []", "line 2")]
    public void An_invalid_script_is_refused_with_the_place_and_what_is_allowed(string yaml, string error) =>
        Assert.Contains(error, Assert.Throws<FormatException>(() => Read(yaml)).Message);

    [Fact]
    public void An_empty_script_does_nothing() => Assert.Empty(Read("").For(From("operator", "x"), null).Steps);

    [Theory]
    [InlineData("{}", "bob", "anything", true)]
    [InlineData("{ from: bob }", "bob", "x", true)]
    [InlineData("{ from: bob }", "bobby", "x", false)]
    [InlineData("{ from: [carol, bob] }", "bob", "x", true)]
    [InlineData("{ from: '*' }", "bob", "x", true)]
    [InlineData("{ from: '*' }", "system", "x", false)]
    [InlineData("{ from: '*' }", "reminder", "x", false)]
    [InlineData("{ body: 'ell' }", "bob", "hello", true)]
    [InlineData("{ body: '^ell' }", "bob", "hello", false)]
    [InlineData("{ redelivered: true }", "bob", "x", false)]
    [InlineData("{ event: question_asked }", "system", "{\"event\":\"question_asked\",\"id\":7}", true)]
    [InlineData("{ event: '*' }", "system", "{\"event\":\"spawned\"}", true)]
    [InlineData("{ event: spawned }", "system", "{\"event\":\"killed\"}", false)]
    [InlineData("{ event: '*' }", "bob", "{\"event\":\"spawned\"}", false)]
    [InlineData("{ event: '*' }", "system", "{not json", false)]
    public void A_rule_matches_the_messages_that_it_describes(string match, string from, string body, bool matches)
    {
        var message = From(from, body);
        var (steps, _) = Read($"rules:\n  - match: {match}\n    do: [ log: x ]").For(message, SystemEvent.Of(message));
        Assert.Equal(matches ? 1 : 0, steps.Count);
    }

    [Fact]
    public void The_first_rule_that_matches_wins()
    {
        var (steps, groups) = Read(
                """
                rules:
                  - match: { body: "(?<word>x+)" }
                    do: [ log: "{{word}}", log: b ]
                  - match: {}
                    do: [ log: c ]
                """.Replace(", log: b", "", StringComparison.Ordinal)
            )
            .For(From("bob", "axxa"), null);
        Assert.Equal(3, Assert.Single(steps).Line);
        Assert.Equal("xx", groups["word"]);
    }

    [Fact]
    public void Members_of_an_event_are_variables_and_its_id_is_named_after_its_kind()
    {
        var happened = SystemEvent.Of(
            From(
                "system",
                """{"event":"question_asked","id":7,"asker":"bob","options":["a","b"],"multi":false,"note":null}"""
            )
        )!;
        Assert.Equal("question_asked", happened.Name);
        Assert.Equal(
            ("7", "bob", "a, b", "false"),
            (
                happened.Members["question_id"],
                happened.Members["asker"],
                happened.Members["options"],
                happened.Members["multi"]
            )
        );
        Assert.DoesNotContain("note", happened.Members.Keys);
    }

    [Fact]
    public void The_value_of_a_variable_is_not_expanded_again()
    {
        var scope = new VariableScope(VariableScope.OfMessage, true);
        Assert.Equal(
            "say {{self}}, alice.",
            new Template("say {{body}}, {{ self }}{{note?}}.", scope).Fill(
                new Dictionary<string, string> { ["body"] = "{{self}}", ["self"] = "alice" }
            )
        );
        Assert.Contains(
            "`asker` has no value",
            Assert
                .Throws<FormatException>(() => new Template("{{asker}}", scope).Fill(new Dictionary<string, string>()))
                .Message
        );
    }

    [Fact]
    public void A_script_that_cannot_be_read_is_invalid()
    {
        // The file opens, and fails at the first read, also for root.
        Assert.Contains(
            "cannot be read",
            Assert.Throws<FormatException>(() => ScriptReader.Read("/proc/self/mem")).Message
        );
    }

    private static Script Read(string yaml) => ScriptReader.Read("script.yaml", new StringReader(yaml));

    private static Message From(string from, string body) => new(1, from, "alice", body, DateTimeOffset.UnixEpoch, []);
}
