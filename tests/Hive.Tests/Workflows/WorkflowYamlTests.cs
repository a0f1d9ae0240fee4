using System.Globalization;
using System.Text;
using System.Text.Json;
using Hive.Common.Errors;
using Hive.Features.Workflows;
using Hive.Protocol;

namespace Hive.Tests.Workflows;

/// <summary>Workflows as YAML, both ways.</summary>
public sealed class WorkflowYamlTests
{
    [Fact]
    public void The_documented_workflow_loads_and_equals_its_export()
    {
        var (ship, warnings) = WorkflowReader.Read(Texts.Ship, Shipped.Workflow);
        Assert.Equal(
            ["PHASE_BACKLOG", "PHASE_REQUIREMENTS", "PHASE_IMPLEMENTATION", "PHASE_TESTING", "PHASE_DONE"],
            ship.Phases.Select(p => p.Id)
        );
        Assert.Equal(4, ship.Phases[1].MaxActive);
        Assert.Equal("You write requirements. Ask the operator what you cannot know.\n", ship.Phases[1].PhasePrompt);
        Assert.Equal(["analyze_requirements"], ship.Phases[1].Tasks[1].DependsOn);
        Assert.Equal("MEDIUM", ship.Phases[1].Tasks[1].Priority);
        Assert.Equal(80, ship.Phases[2].Gate!.Criteria[2].AtLeast);
        Assert.Equal(new CommitCriterion("main"), ship.Phases[3].Gate!.Criteria[1].Commit);
        Assert.Equal("PHASE_IMPLEMENTATION", ship.Phases[3].Gate!.OnFail);
        Assert.Equal(ColumnPull.Manual, ship.BoardColumns[3].Pull);
        var exported = WorkflowWriter.Own(ship);
        Assert.Equal(Json(ship), Json(Load(exported)));
        Assert.Equal(exported, WorkflowWriter.Own(Load(exported)));
        Assert.DoesNotContain("has_result", exported, StringComparison.Ordinal);
        Assert.DoesNotContain("max_iterations", exported, StringComparison.Ordinal);
        // Three artifacts that no output announces.
        Assert.Equal([60, 76, 78], warnings.Select(w => w.Line));
        Assert.StartsWith(
            "no expected output of PHASE_TESTING, an earlier phase or their tasks is 'test_results'",
            warnings[1].Text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_shipped_workflow_and_patterns_are_their_own_round_trip()
    {
        var usual = Shipped.Workflow;
        Assert.Equal(8, usual.Phases.Count);
        Assert.Equal(
            [("analyzing", 5), ("building", 10), ("testing", 8), ("deploying", 3)],
            usual.BoardColumns.Where(c => c.WipLimit is not null).Select(c => (c.Id, c.WipLimit!.Value))
        );
        Assert.Equal(11, usual.Phases.Sum(p => p.Tasks.Count));
        Assert.Equal(Json(usual), Json(Load(WorkflowWriter.Own(usual))));
        Assert.Equal(
            ["majority_vote", "parallel_implementation", "review_feedback_loop"],
            Shipped.Patterns.Select(p => p.Name)
        );
        foreach (var pattern in Shipped.Patterns)
            Assert.Equal(Json(pattern), Json(PatternReader.Read(PatternReader.Write(pattern))));
    }

    [Fact]
    public void A_file_with_upstreams_keys_loads_as_it_is()
    {
        var workflow = Load(Texts.Upstreams);
        Assert.Equal("Software Development", workflow.Name);
        Assert.Equal(Shipped.Workflow.Phases.Select(p => p.Id), workflow.Phases.Select(p => p.Id));
        Assert.Equal(7, workflow.BoardColumns.Count);
        // Referred to and not defined: these are the default workflow's.
        foreach (var id in new[] { "PHASE_BACKLOG", "PHASE_DESIGN" })
            Assert.Equal(
                Json(Shipped.Workflow.Phases.Single(p => p.Id == id)),
                Json(workflow.Phases.Single(p => p.Id == id))
            );
        Assert.Equal(PhaseStatus.Testing, workflow.Phases.Single(p => p.Id == "PHASE_DEPLOYMENT").Status);
        Assert.Equal("min_passing: 3", workflow.Phases[3].ExpectedOutputs[1].ValidationRule);
        Assert.True(workflow.Phases[3].ExpectedOutputs[0].Required);
        Assert.Equal("📋 Backlog", workflow.BoardColumns[0].Name);
        Assert.Equal(Json(workflow), Json(Load(WorkflowWriter.Own(workflow))));
        // What upstream's keys cannot say is not in the file: tasks and gates.
        var back = Load(WorkflowWriter.Upstreams(workflow));
        Assert.Equal(workflow.Phases.Select(p => p.AllowedTransitions), back.Phases.Select(p => p.AllowedTransitions));
        Assert.Equal(Json(workflow.BoardColumns), Json(back.BoardColumns));
    }

    [Fact]
    public void A_quorum_above_the_steps_it_waits_for_is_refused_unless_a_list_makes_them()
    {
        Assert.Equal("2", PatternReader.Read(Text("\n      for_each: many", 2)).Steps[1].Quorum);
        var problem = Assert.Throws<Problem>(() => PatternReader.Read(Text("", 2)));
        Assert.Equal(
            "line 11, column 15: 'quorum' is 2, and 'depends_on' names 1; lower it, or add dependencies",
            problem.Message
        );

        static string Text(string each, int quorum) =>
            $"""
                pattern:
                  name: some
                  parameters: {"{ many: list }"}
                  steps:
                    - ref: one
                      task_type: work
                      title: Work{each}
                    - ref: all
                      kind: barrier
                      depends_on: [one]
                      quorum: {quorum}
                """;
    }

    [Fact]
    public void Only_the_phases_that_an_upstream_file_refers_to_are_added()
    {
        const string Text = """
            name: short
            phases:
              - id: PHASE_FIRST
                name: First
                sequence_order: 1
                allowed_transitions: [PHASE_TESTING, PHASE_BLOCKED]
              - id: PHASE_LAST
                name: Last
                sequence_order: 2
                is_terminal: true
            board_columns:
              - { id: first, name: First, sequence_order: 0, phase_mapping: [PHASE_FIRST] }
              - { id: last, name: Last, sequence_order: 1, phase_mapping: [PHASE_LAST, PHASE_TESTING] }
            """;
        // Its own ways lead to phases that this file has not: it is given none.
        Assert.Equal(
            "line 6, column 27: PHASE_TESTING leads nowhere; give it 'allowed_transitions', or mark it with "
                + "'terminal: true'\n"
                + "line 7, column 9: no path from PHASE_FIRST, the first phase, reaches PHASE_LAST",
            Refused(Text).Message
        );
        var workflow = Load(Text.Replace("PHASE_LAST", "PHASE_DEPLOYMENT", StringComparison.Ordinal));
        Assert.Equal(
            ["PHASE_FIRST", "PHASE_TESTING", "PHASE_DEPLOYMENT", "PHASE_BLOCKED"],
            workflow.Phases.Select(p => p.Id)
        );
        Assert.Equal(["PHASE_DEPLOYMENT", "PHASE_BLOCKED"], workflow.Phases[1].AllowedTransitions);
        Assert.Equal("PHASE_DEPLOYMENT", workflow.Phases[1].Next);
        Assert.Equal(["PHASE_TESTING"], workflow.Phases[3].AllowedTransitions);
    }

    [Fact]
    public void Names_are_read_without_the_spaces_around_them()
    {
        var workflow = Load(Texts.Small.Replace("name: small", "name: \" small \"", StringComparison.Ordinal));
        Assert.Equal("small", workflow.Name);
    }

    [Fact]
    public void Without_columns_each_phase_has_its_own()
    {
        var workflow = Load(Texts.Small[..Texts.Small.IndexOf("board_columns", StringComparison.Ordinal)]);
        Assert.Equal(["open", "work", "end"], workflow.BoardColumns.Select(c => c.Id));
        Assert.Equal([false, false, true], workflow.BoardColumns.Select(c => c.Terminal));
    }

    [Theory]
    // To what is not there, with near names.
    [InlineData(
        "allowed_transitions: [PHASE_END]",
        "allowed_transitions: [PHASE_EN]",
        "line 9, column 27: ",
        "PHASE_END?"
    )]
    [InlineData("next: PHASE_WORK", "next: PHASE_WORKS", "line 6, column 11: 'next' leads to", "PHASE_WORK?")]
    [InlineData("auto_transition_to: end", "auto_transition_to: eng", "line 21, column ", "did you mean end?")]
    [InlineData("depends_on: [think]", "depends_on: [thinks]", "line 15, column 22: ", "did you mean think?")]
    [InlineData(
        "[think]\n",
        "[think]\n    gate: { on_fail: PHASE_WRK }\n",
        "'on_fail' leads to",
        "did you mean PHASE_WORK"
    )]
    [InlineData("[PHASE_END], terminal", "[PHASE_FIN], terminal", "line 22, column ", "which is not a phase")]
    // Ids, doubles, columns.
    [InlineData("id: PHASE_WORK", "id: WORK", "line 7, column 9: 'WORK' must begin with PHASE_", "")]
    [InlineData("id: PHASE_WORK", "id: PHASE_OPEN", "line 7, column 9: ", "defined twice; the other is on line 3")]
    [InlineData("id: work,", "id: open,", "line 21, column 11: the column 'open' is defined twice", "line 20")]
    [InlineData("type: make", "type: think", "line 13, column 15: the task type 'think'", "line 11")]
    [InlineData(
        "[PHASE_WORK], wip",
        "[PHASE_OPEN, PHASE_WORK], wip",
        "line 21, column ",
        "'open' (line 20) and 'work'"
    )]
    [InlineData(", phase_mapping: [PHASE_OPEN] }", " }", "this column has no 'phase_mapping'", "")]
    [InlineData(
        "[PHASE_WORK], wip_limit: 2,",
        "[PHASE_OPEN], wip_limit: 2,",
        "line 7, column 9: PHASE_WORK is not in a column",
        ""
    )]
    // Ways.
    [InlineData(
        "    terminal: true\n",
        "    terminal: false\n",
        "there is no terminal phase",
        "PHASE_END leads nowhere"
    )]
    [InlineData("depends_on: [think]", "depends_on: [make]", "line 15, column 22: ", "circle: make → make")]
    [InlineData(
        "{ticket_title}\"\n",
        "{ticket_title}\"\n        depends_on: [make]\n",
        "line 13, column 22: the tasks of PHASE_WORK depend on each other in a circle: ",
        "think → make → think"
    )]
    [InlineData(
        "wip_limit: 2, auto_transition_to: end",
        "auto_transition_to: open",
        "circle by themselves",
        "→ PHASE_OPEN"
    )]
    // Rules.
    [InlineData("[PHASE_WORK]\n    next: PHASE_WORK", "[PHASE_WORK]\n    next: PHASE_END", "which is not in its", "")]
    [InlineData(
        "    terminal: true\n",
        "    terminal: true\n    next: PHASE_END\n",
        "not in its 'allowed_transitions'",
        ""
    )]
    [InlineData("wip_limit: 2", "wip_limit: 0", "'wip_limit' must be a whole number of tickets, from 1", "")]
    [InlineData("title: Make\n", "title: Make\n        timeout_seconds: 0\n", "'timeout_seconds' must be", "from 1")]
    [InlineData("{ticket_title}", "{ticket_tittle}", "line 12, column 16: unknown placeholder", "{ticket_repository}")]
    [InlineData(
        "[think]\n",
        "[think]\n    gate: { on_fail: PHASE_OPEN }\n",
        "line 16, column 22: 'on_fail' of PHASE_WORK is PHASE_OPEN, which is not in its 'allowed_transitions'",
        ""
    )]
    [InlineData(
        "[think]\n",
        "[think]\n    gate: { on_fail: PHASE_END }\n",
        "line 16, column 22: 'on_fail' of PHASE_WORK is PHASE_END, which does not come before it",
        ""
    )]
    [InlineData(
        "wip_limit: 2, auto_transition_to: end",
        "auto_transition_to: open",
        "leads from PHASE_WORK to PHASE_OPEN, which is not in its 'allowed_transitions'",
        "line 21, column "
    )]
    [InlineData(
        "    terminal: true\n",
        "    terminal: true\n    status: testing\n",
        "line 19, column 13: PHASE_END is terminal, so its status is done",
        ""
    )]
    [InlineData(
        "name: Work\n",
        "name: Work\n    status: done\n",
        "line 9, column 13: the status of PHASE_WORK is done, and it is not terminal",
        ""
    )]
    [InlineData(
        "[think]\n",
        "[think]\n    gate: { criteria: [{ metric: line coverage, at_least: 1 }] }\n",
        "no agent can hand in this metric; a name has 1 to 64 of",
        "line 16, column "
    )]
    [InlineData("title: Make\n", "title: Make\n        quorum: 2\n", "'quorum' is 2, and 'depends_on' names 1", "")]
    [InlineData(
        "    depends_on: [think]\n",
        "    quorum: majority\n",
        "line 15, column 17: 'quorum' counts dependencies, and there are none",
        ""
    )]
    // Names.
    [InlineData("name: small", "name: small/er", "line 1, column 7: 'name' contains '/'", "")]
    [InlineData("name: small", "name: \"small\\ner\"", "line 1, column 7: 'name' contains line breaks", "")]
    [InlineData("type: make", "type: \"ma\\tke\"", "line 13, column 15: 'type' contains line breaks", "")]
    [InlineData("id: open,", "id: \"op\\nen\",", "line 20, column 11: 'id' contains line breaks", "")]
    // The form.
    [InlineData("name: small", "name: &a small", "line 1, column 7: anchors", "")]
    [InlineData("name: small", "name: !!str small", "line 1, column 7: tags", "")]
    [InlineData("name: small", "name: small\nname: twice", "line 2, column 1: ", "")]
    [InlineData("name: small", "name: small\ncolour: red", "line 2, column 1: unknown key 'colour'", "")]
    [InlineData("name: small", "name:\tsmall\n\tx: 1", "line 2, column 1: ", "indented with a tab; indent it with")]
    [InlineData(
        "  - id: PHASE_WORK",
        "  \t- id: PHASE_WORK",
        "line 7, column 3: ",
        "indented with a tab; indent it with"
    )]
    [InlineData("terminal: true\nboard", "terminal: 1\nboard", "'terminal' must be true or false", "")]
    [InlineData("wip_limit: 2", "color_theme: pink", "'color_theme' is 'pink'; it can be blue", "")]
    public void Each_fault_is_refused_with_line_and_column(string right, string wrong, string first, string second)
    {
        Assert.Contains(right, Texts.Small, StringComparison.Ordinal);
        var text = Texts.Small.Replace(right, wrong, StringComparison.Ordinal);
        var problem = Refused(text);
        Assert.Equal(ErrorCode.Invalid, problem.Code);
        Assert.All(problem.Message.Split('\n'), line => Assert.Matches("^line [0-9]+, column [0-9]+: ", line));
        Assert.Contains(first, problem.Message, StringComparison.Ordinal);
        Assert.Contains(second, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_phase_that_no_path_reaches_is_refused()
    {
        var text = Texts
            .Small.Replace(
                "  - id: PHASE_END\n",
                "  - id: PHASE_ISLE\n    name: Isle\n    allowed_transitions: [PHASE_END]\n  - id: PHASE_END\n",
                StringComparison.Ordinal
            )
            .Replace("[PHASE_OPEN] }", "[PHASE_OPEN, PHASE_ISLE] }", StringComparison.Ordinal);
        Assert.Equal(
            "line 16, column 9: no path from PHASE_OPEN, the first phase, reaches PHASE_ISLE",
            Refused(text).Message
        );
    }

    [Fact]
    public void A_move_out_of_a_terminal_phase_by_itself_is_refused()
    {
        var text = Texts.Small.Replace(
            "[PHASE_END], terminal: true",
            "[PHASE_END], terminal: true, auto_transition_to: open",
            StringComparison.Ordinal
        );
        Assert.Contains("PHASE_END in this column is terminal", Refused(text).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_overlay_of_blocked_tickets_is_neither_a_place_nor_an_end()
    {
        var text = Texts.Small.Replace(
            "board_columns:",
            "  - id: PHASE_BLOCKED\n    name: Blocked\n    terminal: true\nboard_columns:",
            StringComparison.Ordinal
        );
        // No path reaches it, and it needs no column.
        Assert.Equal(4, Load(text).Phases.Count);
        Assert.Contains(
            "there is no terminal phase",
            Refused(text.Replace("name: End\n    terminal: true", "name: End", StringComparison.Ordinal)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "PHASE_OPEN leads to PHASE_BLOCKED by itself",
            Refused(
                text.Replace(
                    "[PHASE_WORK]\n    next: PHASE_WORK",
                    "[PHASE_WORK, PHASE_BLOCKED]\n    next: PHASE_BLOCKED",
                    StringComparison.Ordinal
                )
            ).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "needs a column of its own",
            Refused(text.Replace("[PHASE_OPEN] }", "[PHASE_OPEN, PHASE_BLOCKED] }", StringComparison.Ordinal)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Orders_given_twice_or_only_in_part_are_refused()
    {
        var text = Texts
            .Small.Replace("name: Open\n", "name: Open\n    sequence_order: 4\n", StringComparison.Ordinal)
            .Replace("name: Work\n", "name: Work\n    sequence_order: 4\n", StringComparison.Ordinal);
        var lines = Refused(text).Message.Split('\n');
        Assert.Equal("line 10, column 21: 'sequence_order' 4 is given twice; the other is on line 5", lines[0]);
        Assert.StartsWith("line 18, column 5: this phase has no 'sequence_order'", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_told_from_the_top_and_at_most_twenty()
    {
        var text = new StringBuilder("name: many\nphases:\n");
        for (var i = 0; i < 30; i++)
            text.Append(CultureInfo.InvariantCulture, $"  - id: bad{i}\n    name: Bad\n    colour: {i}\n");
        var lines = Refused(text.ToString()).Message.Split('\n');
        Assert.Equal(21, lines.Length);
        Assert.Equal("line 3, column 9", lines[0].Split(':')[0]);
        Assert.Equal("line 5, column 5", lines[1].Split(':')[0]);
        Assert.Equal("and 40 more", lines[^1]);
    }

    [Theory]
    [InlineData("phases", 41, "'phases' has 41 entries; the limit is 40")]
    [InlineData("board_columns", 41, "'board_columns' has 41 entries; the limit is 40")]
    [InlineData("tasks", 51, "'tasks' has 51 entries; the limit is 50")]
    public void A_list_over_its_limit_is_refused_with_the_limit(string key, int count, string said)
    {
        var entries = key switch
        {
            "phases" => Many(count, i => $"{{ id: PHASE_{i}, name: P }}"),
            "board_columns" => Many(count, i => $"{{ id: c{i}, name: C, phase_mapping: [PHASE_1] }}"),
            _ => "  - id: PHASE_1\n    name: P\n    tasks:\n"
                + Many(count, i => $"{{ type: t{i}, title: T }}", "      "),
        };
        var text = $"name: much\n{(key == "tasks" ? "phases" : key)}:\n{entries}";
        Assert.Contains(said, Refused(text).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_than_two_hundred_templates_or_48_KiB_are_refused()
    {
        var phases = string.Concat(
            Enumerable
                .Range(0, 5)
                .Select(p =>
                    $"  - id: PHASE_{p}\n    name: P\n    tasks:\n"
                    + Many(41, i => $"{{ type: t{i}, title: T }}", "      ")
                )
        );
        Assert.Contains(
            "205 task templates; the limit is 200",
            Refused("name: much\nphases:\n" + phases).Message,
            StringComparison.Ordinal
        );
        var words = string.Join(",", Enumerable.Range(0, 1000).Select(i => $"a{i}"));
        var dense = Refused(
            "name: dense\nphases:\n"
                + Many(
                    7,
                    i =>
                        $"{{ id: PHASE_{i}, name: P, done_definitions: [{words}], "
                        + (i == 6 ? "terminal: true }" : $"allowed_transitions: [PHASE_{i + 1}] }}")
                )
        );
        Assert.Equal(ErrorCode.TooLarge, dense.Code);
        Assert.StartsWith("exported, it has ", dense.Message, StringComparison.Ordinal);
        var large = Refused("# " + new string('x', WorkflowReader.MaxBytes));
        Assert.Equal(ErrorCode.TooLarge, large.Code);
        Assert.Contains("49152", large.Message, StringComparison.Ordinal);
        Assert.Contains("nested too deeply", Refused(new string('[', 500)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "no phase to begin with",
            Refused("name: none\nphases: []\n").Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("depends_on: [ask]", "depends_on: [asks]", "line 11, column 20: 'decide' depends on 'asks'")]
    [InlineData("{question}", "{questions}", "line 8, column 14: unknown placeholder {questions}")]
    [InlineData("for_each: reviewers", "for_each: question", "'for_each' must name a parameter of type list")]
    [InlineData("reviewers: list", "reviewers: names", "the type of 'reviewers' is 'names'")]
    [InlineData("kind: merge", "kind: barrier", "'merge_strategy' does not belong to a step of kind barrier")]
    [InlineData("ref: decide", "ref: ask", "the step 'ask' is defined twice; the other is on line 5")]
    [InlineData("task_type: review_code", "priority: HIGH", "'task_type' is missing")]
    [InlineData("title: \"Review: {question}\"", "priority: HIGH", "line 5, column 7: 'title' is missing")]
    [InlineData("for_each: reviewers", "phase_id: WORK", "line 6, column 17: 'WORK' must begin with PHASE_")]
    [InlineData("for_each: reviewers", "quorum: first", "'quorum' counts dependencies, and there are none")]
    [InlineData("name: review-by", "name: review/by", "line 2, column 9: 'name' contains '/'")]
    [InlineData("strategy: combine", "strategy: custom\n      fields: [' ']", "a field has 1 to 200 characters")]
    [InlineData(
        "strategy: combine",
        "strategy: custom\n      fields: [a b]",
        "no agent can hand in this field; a name has"
    )]
    [InlineData("{question}\"", "x\"\n      fields: [\"{item} %\"]", "no agent can hand in this field; a name has")]
    public void A_pattern_that_cannot_run_is_refused(string right, string wrong, string said)
    {
        const string Text = """
            pattern:
              name: review-by-majority
              parameters: { question: text, reviewers: list }
              steps:
                - ref: ask
                  for_each: reviewers
                  task_type: review_code
                  title: "Review: {question}"
                  agent: "{item}"
                - ref: decide
                  depends_on: [ask]
                  kind: merge
                  quorum: majority
                  merge_strategy: combine
            """;
        var pattern = PatternReader.Read(Text);
        Assert.Equal(Json(pattern), Json(PatternReader.Read(PatternReader.Write(pattern))));
        var problem = Assert.Throws<Problem>(() =>
            PatternReader.Read(Text.Replace(right, wrong, StringComparison.Ordinal))
        );
        Assert.Contains(said, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_merge_takes_fifty_fields_of_64_characters_at_most()
    {
        const string Text = """
            pattern:
              name: merge
              steps:
                - { ref: a, task_type: t, title: T }
                - { ref: b, kind: merge, depends_on: [a], merge_strategy: custom, fields: [FIELDS] }
            """;
        Assert.Equal(
            50,
            Read(Enumerable.Range(0, 50).Select(i => $"{i:d3}{new string('f', 61)}")).Steps[1].Fields.Count
        );
        var many = Assert.Throws<Problem>(() => Read(Enumerable.Range(0, 51).Select(i => $"f{i}")));
        Assert.Contains("'fields' has 51 entries; the limit is 50", many.Message, StringComparison.Ordinal);
        var lengthy = Assert.Throws<Problem>(() => Read([new string('f', 65)]));
        Assert.Contains("a name has 1 to 64 of A-Z", lengthy.Message, StringComparison.Ordinal);

        static Pattern Read(IEnumerable<string> fields) =>
            PatternReader.Read(Text.Replace("FIELDS", string.Join(", ", fields), StringComparison.Ordinal));
    }

    private static Workflow Load(string text) => WorkflowReader.Read(text, Shipped.Workflow).Workflow;

    private static Problem Refused(string text) => Assert.Throws<Problem>(() => Load(text));

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, WireJson.Options);

    private static string Many(int count, Func<int, string> entry, string indent = "  ") =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{indent}- {entry(i)}\n"));
}
