using System.Text.Json;
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
    [InlineData("otherwise:\n  - call: get_work", "line 2, column 11: `call` must be a mapping with `cmd`")]
    [InlineData("otherwise:\n  - call: { text: x }", "line 2, column 11: `call` needs `cmd`")]
    [InlineData("otherwise:\n  - call: { cmd: recv }", "line 2, column 18: `call` cannot be used for `recv`")]
    [InlineData(
        "otherwise:\n  - call: { cmd: x, n: [[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]] }",
        "`n` is nested too deeply; at most 16 levels are allowed"
    )]
    [InlineData("otherwise:\n  - call: { cmd: x, n: !!float 1 }", "unknown tag of `n`; available: !!int, !!str")]
    [InlineData(
        "otherwise:\n  - call: { cmd: x, list: [ { a: \"{{bdoy}}\" } ] }",
        "line 2, column 34: unknown variable `bdoy`; available here: body, count"
    )]
    [InlineData(
        "rules:\n  - match: { members: { task_type: x } }\n    do: []",
        "line 2, column 23: `members` needs `event`"
    )]
    [InlineData("rules:\n  - match: { event: x, members: y }\n    do: []", "`members` must be a mapping")]
    [InlineData("a: [", "line 2, column 1")]
    // The parser fails at this with an exception that is not one of YAML.
    [InlineData(": [\nE", "this is not YAML")]
    [InlineData("start: []\nstart: []", "line 2")]
    public void An_invalid_script_is_refused_with_the_place_and_what_is_allowed(string yaml, string error) =>
        Assert.Contains(error, Assert.Throws<FormatException>(() => Read(yaml)).Message);

    [Theory]
    [InlineData("manager.yaml")]
    [InlineData("analyst.yaml")]
    [InlineData("builder.yaml")]
    [InlineData("tester.yaml")]
    public void The_scripts_of_the_demo_are_valid(string file) =>
        Assert.NotEmpty(ScriptReader.Read(Path.Combine(AppContext.BaseDirectory, "Demo", file)).Rules);

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

    [Theory]
    [InlineData("{ task_type: run_tests }", true)]
    [InlineData("{ task_type: run_test }", false)]
    [InlineData("{ task_type: [implement, run_tests], task_id: 101 }", true)]
    [InlineData("{ task_type: run_tests, task_id: 102 }", false)]
    [InlineData("{ ticket.title: Login }", true)]
    [InlineData("{ labels: night }", true)]
    [InlineData("{ labels: day }", false)]
    [InlineData("{ labels.1: night }", true)]
    [InlineData("{ review: '*' }", false)]
    [InlineData("{ ticket: '*' }", true)]
    [InlineData("{ truncated: true }", true)]
    public void A_rule_matches_events_by_their_members(string members, bool matches)
    {
        var message = From(
            "system",
            """
            {"event":"task_assigned","id":101,"task_type":"run_tests","review":null,"truncated":true,
             "ticket":{"id":41,"title":"Login"},"labels":["page","night"]}
            """.ReplaceLineEndings("")
        );
        var (steps, _) = Read($"rules:\n  - match: {{ event: '*', members: {members} }}\n    do: [ log: x ]")
            .For(message, SystemEvent.Of(message));
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
            (Text("question_id"), Text("asker"), Text("options"), Text("multi"))
        );
        Assert.DoesNotContain("note", happened.Members.Keys);

        string Text(string member) => Variables.TextOf(happened.Members[member]);
    }

    [Fact]
    public void A_dotted_name_reaches_inside_a_value()
    {
        var variables = new Variables();
        variables.Set("task", Json("""{"id":101,"labels":["a",{"b":"c"}],"note":null,"id.x":1}"""));
        variables["answer"] = "yes";
        Assert.Equal(
            ("101", "c", "yes", null),
            (Find("task.id"), Find("task.labels.1.b"), Find("answer"), Find("answer.id"))
        );
        variables.Answer = Json("""{"id":7}""");
        Assert.Equal(("yes", "7"), (Find("answer"), Find("answer.id")));
        Assert.All(
            (string[])["task.note", "task.labels.2", "task.labels.-1", "task.id.x", "tasks", "answer.ids"],
            name => Assert.Null(variables.Find(name))
        );
        Assert.Equal("answer, answer.id, task", variables.Describe());

        string? Find(string name) => variables.Find(name) is { } value ? Variables.TextOf(value) : null;
    }

    [Fact]
    public void A_lone_variable_keeps_its_type_and_a_text_around_it_does_not()
    {
        var scope = new VariableScope(VariableScope.OfMessage, true);
        var variables = new Variables { ["body"] = "12" };
        variables.Set("n", Json("12"));
        variables.Set("list", Json("""["a",{"b":1}]"""));
        Assert.Equal(
            ("12", "\"12\"", "\"n12\"", """["a",{"b":1}]""", null),
            (Filled("{{n}}"), Filled("{{body}}"), Filled("n{{n}}"), Filled("{{ list }}"), Filled("{{missing?}}"))
        );

        string? Filled(string text) => new Template(text, scope).FillValue(variables)?.ToJsonString();
    }

    [Fact]
    public void The_value_of_a_variable_is_not_expanded_again()
    {
        var scope = new VariableScope(VariableScope.OfMessage, true);
        Assert.Equal(
            "say {{self}}, alice.",
            new Template("say {{body}}, {{ self }}{{note?}}.", scope).Fill(
                new Variables { ["body"] = "{{self}}", ["self"] = "alice" }
            )
        );
        Assert.Contains(
            "`asker` has no value",
            Assert.Throws<FormatException>(() => new Template("{{asker}}", scope).Fill(new Variables())).Message
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

    private static JsonElement Json(string json) => JsonElement.Parse(json);

    private static Message From(string from, string body) => new(1, from, "alice", body, DateTimeOffset.UnixEpoch, []);
}
