using System.Text.Json;
using Hive.Features.Gates;

namespace Hive.Tests.Gates;

/// <summary>Criteria, judged by what was read and nothing else.</summary>
public sealed class GateJudgeTests
{
    private const string AllTasks = """
        gate:
          criteria:
            - tasks_complete: true
        """;

    [Fact]
    public void A_gate_without_criteria_passes()
    {
        var judgement = Cases.Judge("description: nothing is asked");
        Assert.Empty(judgement.Criteria);
        Assert.True(judgement.Verdict(asked: false));
    }

    [Theory]
    [InlineData("pending")]
    [InlineData("assigned")]
    [InlineData("running")]
    [InlineData("reviewing")]
    public void A_gate_with_an_open_task_stays_open_and_never_fails(string status)
    {
        var keys = $"{AllTasks}\n    - artifact: report";
        var judgement = Cases.Judge(keys, [Cases.Task(1), Cases.Task(2, status)]);
        Assert.Null(judgement.Verdict(asked: false));
        Assert.Null(judgement.Verdict(asked: true));
        Assert.Equal("waiting_tasks: task 2 is not completed yet", judgement.Waiting[0]);
        Assert.Equal(["report"], judgement.Missing);
    }

    [Fact]
    public void A_gate_whose_criteria_hold_passes_with_an_open_task_only_when_asked()
    {
        const string Keys = """
            gate:
              criteria:
                - artifact: report
            """;
        var judgement = Cases.Judge(Keys, [Cases.Task(2, "running")], [Cases.Data(1, "report", new { })]);
        Assert.Null(judgement.Verdict(asked: false));
        Assert.True(judgement.Verdict(asked: true));
        Assert.Contains("waiting_tasks", judgement.Waiting[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Completed_tasks_meet_and_a_phase_without_any_waits_for_one()
    {
        Assert.True(Cases.Judge(AllTasks, [Cases.Task(1), Cases.Task(2)]).Verdict(false));
        var none = Cases.Judge(AllTasks);
        Assert.Null(none.Verdict(true));
        Assert.Equal(["no task was made in PHASE_WORK yet; add one"], none.Waiting);
        // Tasks of other phases and reviews are not tasks of the phase.
        Assert.Null(
            Cases.Judge(AllTasks, [Cases.Task(1, phase: "PHASE_OPEN"), Cases.Task(2, kind: "review")]).Verdict(false)
        );
    }

    [Theory]
    [InlineData("failed", "task 2 failed; retry or skip it")]
    [InlineData("cancelled", "task 2 was cancelled; retry or skip it")]
    public void A_task_that_did_not_complete_blocks_until_it_is_retried_or_skipped(string status, string reason)
    {
        var judgement = Cases.Judge($"{AllTasks}\n    - artifact: report", [Cases.Task(1), Cases.Task(2, status)]);
        Assert.Null(judgement.Verdict(false));
        Assert.Null(judgement.Verdict(true));
        Assert.Contains(reason, judgement.Waiting);
    }

    [Fact]
    public void A_task_that_branched_into_an_earlier_phase_counts_until_it_is_completed()
    {
        var (here, later) = (Cases.Task(1), Cases.Task(3, "pending", "PHASE_END"));
        Assert.Null(Cases.Judge(AllTasks, [here, Cases.Task(2, "running", "PHASE_OPEN"), later]).Verdict(false));
        Assert.Null(Cases.Judge(AllTasks, [here, Cases.Task(2, "failed", "PHASE_OPEN"), later]).Verdict(false));
        Assert.True(Cases.Judge(AllTasks, [here, Cases.Task(2, "completed", "PHASE_OPEN"), later]).Verdict(false));
    }

    [Fact]
    public void A_discovered_task_has_a_metric_line_of_its_own()
    {
        const string Keys = "gate:\n  criteria:\n    - metric: coverage\n      at_least: 80";
        var judgement = Cases.Judge(
            Keys,
            [Cases.Task(1), Cases.Task(2, parent: 1, discovery: 7)],
            metrics: [Cases.Measured(2, 2, "coverage", 90), Cases.Measured(1, 1, "coverage", 50)]
        );
        Assert.Equal(1, Assert.Single(judgement.Shortcomings).Source!.Id);
    }

    [Fact]
    public void Barriers_and_merges_do_not_count_as_work_of_a_gate()
    {
        const string Keys = "gate:\n  criteria:\n    - metric: coverage\n      at_least: 80";
        var last = Cases.Judge(Keys, [Cases.Task(1), Cases.Task(2, kind: "barrier"), Cases.Task(3, kind: "merge")]);
        Assert.Equal(1, Assert.Single(last.Shortcomings).Source!.Id);
        // One that ended after the return shows no work of the phase.
        var gate = Cases.Of(AllTasks, [Cases.Task(1), Cases.Task(2, kind: "barrier")]);
        Assert.True((gate with { Return = new Return("PHASE_OPEN", 0, 0, [1]) }).IsToDoAgain);
        Assert.Null(Cases.Judge(AllTasks, [Cases.Task(1), Cases.Task(2, "pending", kind: "barrier")]).Verdict(false));
    }

    [Theory]
    [InlineData("min_length: 5", "12345", null)]
    [InlineData("min_length: 6", "12345", "length of 5 characters; at least 6")]
    [InlineData("sections: [scope, acceptance_criteria]", "# 1. Scope\n\nAcceptance Criteria\n---\n", null)]
    [InlineData("sections: [scope, risks, cost]", "# Scope\n```\n# Risks\n```\n", "lacks the sections risks, cost")]
    [InlineData("sections: [scope]", "{\"sections\": [\"scope\"]}", "lacks the sections scope")]
    [InlineData("min_length: 500", "{\"length\": 500}", "length of 15 characters; at least 500")]
    [InlineData("min_length: 9", "{\"content\": \"abc\"}", null)]
    [InlineData("field: percentage\nat_least: 80", "{\"percentage\": 80}", null)]
    [InlineData("field: percentage\nat_least: 80", "{\"percentage\": 79.9}", "is 79.9; it must be at least 80")]
    [InlineData("field: errors\nat_most: 0", "{\"errors\": 1}", "is 1; it must be at most 0")]
    [InlineData("field: errors\nat_most: 0", "{\"errors\": \"0\"}", "does not have a number 'errors'")]
    [InlineData("field: errors\nat_most: 0", "{\"errors\": 1e400}", "does not have a number 'errors'")]
    [InlineData("field: errors\nat_most: 0", "errors: 0", "does not have a number 'errors'")]
    [InlineData("flag: all_passed", "{\"all_passed\": true}", null)]
    [InlineData("flag: all_passed", "{\"all_passed\": \"true\"}", "'all_passed' of report is not true")]
    [InlineData("flag: all_passed", "{", "'all_passed' of report is not true")]
    public void An_artifact_is_judged_by_its_content(string asks, string content, string? reason)
    {
        var keys = $"gate:\n  criteria:\n    - artifact: report\n      {asks.Replace("\n", "\n      ")}";
        var judgement = Cases.Judge(keys, [Cases.Task(1)], [Cases.File(1, "report", content, task: 1)]);
        Assert.Equal(reason is null, judgement.Verdict(false));
        if (reason is null)
            Assert.Empty(judgement.Reasons);
        else
            Assert.Contains(reason, Assert.Single(judgement.Reasons), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sections: [scope]", "{\"sections\": [\"SCOPE\"]}", null)]
    [InlineData("min_length: 3", "{\"content\": \"abc\"}", null)]
    [InlineData("min_length: 500", "{\"length\": 499}", "length of 499 characters")]
    public void Data_says_its_length_and_its_sections(string asks, string content, string? reason)
    {
        var keys = $"gate:\n  criteria:\n    - artifact: report\n      {asks}";
        var data = Cases.Data(1, "report", JsonSerializer.Deserialize<JsonElement>(content));
        var judgement = Cases.Judge(keys, artifacts: [data]);
        Assert.Equal(reason is null, judgement.Verdict(false));
        Assert.Contains(reason ?? "", string.Join("; ", judgement.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void The_reason_of_an_artifact_names_all_that_is_wrong_with_it()
    {
        const string Keys = """
            expected_outputs:
              - type: report
                pattern: "docs/*.md"
            gate:
              criteria:
                - artifact: report
                  min_length: 100
                  sections: [scope]
                  flag: checked
            """;
        Assert.Equal(
            "report has a length of 5 characters; at least 100 are needed; report lacks the sections scope; add a "
                + "heading for each; 'checked' of report is not true; hand in a JSON object where it is; report is "
                + "not a file that matches docs/*.md below its folder; hand in one that does",
            Assert.Single(Cases.Judge(Keys, artifacts: [Cases.File(1, "report", "12345")]).Reasons)
        );
    }

    [Fact]
    public void Of_several_artifacts_of_a_type_the_newest_is_judged_and_all_are_counted()
    {
        const string Keys = """
            gate:
              criteria:
                - artifact: report
                  min_count: 2
                  min_length: 5
            """;
        var (good, bad) = (Cases.File(1, "report", "12345"), Cases.File(2, "report", "1"));
        var newer = good with { Artifact = good.Artifact with { Id = 3 } };
        Assert.False(Cases.Judge(Keys, artifacts: [bad, good]).Verdict(false));
        Assert.True(Cases.Judge(Keys, artifacts: [newer, bad]).Verdict(false));
        Assert.Contains("at least 2 are needed", Cases.Judge(Keys, artifacts: [good]).Reasons[0]);
    }

    [Fact]
    public void Content_that_is_not_kept_or_not_text_is_a_reason_only_where_it_is_looked_at()
    {
        const string Exists = "gate:\n  criteria:\n    - artifact: report";
        var large = Cases.File(1, "report", "x") with { Content = null };
        var binary = Cases.File(1, "report", "x") with { Content = [0xff, 0xfe] };
        Assert.True(Cases.Judge(Exists, artifacts: [large]).Verdict(false));
        Assert.True(Cases.Judge(Exists, artifacts: [binary]).Verdict(false));
        const string Length = $"{Exists}\n      min_length: 1";
        Assert.Contains("262144 bytes", Cases.Judge(Length, artifacts: [large]).Reasons[0]);
        Assert.Contains("is not UTF-8 text", Cases.Judge(Length, artifacts: [binary]).Reasons[0]);
    }

    [Fact]
    public void An_expected_output_is_a_criterion_with_its_pattern_and_its_rule()
    {
        const string Keys = """
            expected_outputs:
              - type: tests
                pattern: "tests/**/*.json"
                validation_rule: "min_passing: 3"
              - type: service
                pattern: A running service
              - type: extra
                required: false
            """;
        StoredArtifact Tests(string path, int passing) => Cases.File(1, "tests", $"{{\"passing\": {passing}}}", path);
        var service = Cases.Data(2, "service", new { url = "x" });
        Assert.True(Cases.Judge(Keys, artifacts: [service, Tests("/shared/tests/a/b.json", 3)]).Verdict(false));
        Assert.Contains(
            "at least 3 are needed",
            Cases.Judge(Keys, artifacts: [service, Tests("/shared/tests/b.json", 2)]).Reasons[0]
        );
        Assert.Contains(
            "tests/**/*.json",
            Cases.Judge(Keys, artifacts: [service, Tests("/agents/alice/state/b.json", 3)]).Reasons[0]
        );
        Assert.Equal(["tests", "service"], Cases.Judge(Keys).Missing);
    }

    [Fact]
    public void An_artifact_of_an_earlier_phase_counts_unless_the_phase_has_to_make_it()
    {
        const string Written = "gate:\n  criteria:\n    - artifact: plan";
        const string Expected = "expected_outputs:\n  - type: plan";
        var earlier = Cases.Data(1, "plan", new { }, phase: "PHASE_OPEN");
        Assert.True(Cases.Judge(Written, artifacts: [earlier]).Verdict(false));
        Assert.False(Cases.Judge(Expected, artifacts: [earlier]).Verdict(false));
        Assert.True(Cases.Judge(Expected, artifacts: [Cases.Data(2, "plan", new { }), earlier]).Verdict(false));
    }

    [Fact]
    public void The_latest_metric_of_each_task_is_judged_and_after_a_failure_only_newer_ones()
    {
        const string Keys = """
            gate:
              criteria:
                - metric: test_coverage_percentage
                  at_least: 80
            """;
        const string Name = "test_coverage_percentage";
        Hive.Features.Tasks.Contracts.TaskEntry[] tasks =
        [
            Cases.Task(1),
            Cases.Task(2),
            Cases.Task(3, type: "rework"),
            Cases.Task(4, type: "rework"),
        ];
        Assert.Contains("was not measured", Cases.Judge(Keys, tasks).Reasons[0]);
        Assert.True(Judged((2, 81), (1, 85), (1, 10)));
        Assert.False(Judged((2, 79), (1, 85)));
        Assert.False(Judged((3, 90), (2, 79), (1, 85)));
        // The gate failed by the figure of the second, and has rework.
        Assert.True(After((3, 90), (2, 79), (1, 85)));
        Assert.False(After((3, 50), (2, 90)));
        // Each rework of one failure counts, whichever came last.
        Assert.False(After((4, 90), (3, 50), (2, 79)));
        Assert.False(After((3, 50), (4, 90), (2, 79)));
        Assert.True(After((3, 85), (3, 50), (4, 90), (2, 79)));
        // Nothing was measured since.
        Assert.False(After((2, 79), (1, 85)));
        Assert.True(After((2, 81), (1, 85)));
        Assert.Equal(
            "test_coverage_percentage is 79; it must be at least 80",
            Cases.Judge(Keys, tasks, metrics: [Cases.Measured(1, 2, Name, 79)]).Reasons[0]
        );

        // Two tasks fail, and each has rework: the figure of one does not stand in for that of the other.
        tasks =
        [
            Cases.Task(1),
            Cases.Task(2),
            Cases.Task(3, type: "rework", parent: 1),
            Cases.Task(4, type: "rework", parent: 2),
            Cases.Task(5, type: "rework", parent: 4),
        ];
        Assert.Equal(
            [(1L, "is 50"), (2, "is 60")],
            Cases
                .Judge(Keys, tasks, metrics: [Cases.Measured(2, 2, Name, 60), Cases.Measured(1, 1, Name, 50)])
                .Shortcomings.Select(s => (s.Source!.Id, s.Reason[(Name.Length + 1)..(Name.Length + 6)]))
                .Order()
        );
        Assert.False(After((3, 90), (2, 60), (1, 50)));
        Assert.True(After((4, 80), (3, 90), (2, 60), (1, 50)));
        Assert.True(After((5, 80), (4, 70), (3, 90), (2, 60), (1, 50)));
        Assert.False(After((5, 70), (4, 80), (3, 90), (2, 60), (1, 50)));

        bool? Judged(params (long Task, double Value)[] newestFirst) => Verdict([], newestFirst);

        bool? After(params (long Task, double Value)[] newestFirst) => Verdict([Cases.Failed(1)], newestFirst);

        // The figures of rework come after the failure.
        bool? Verdict(Verdict[] verdicts, (long Task, double Value)[] newestFirst) =>
            Cases
                .Judge(
                    Keys,
                    tasks,
                    metrics:
                    [
                        .. newestFirst.Select(
                            (m, i) => Cases.Measured(newestFirst.Length - i, m.Task, Name, m.Value, m.Task > 2 ? 2 : 0)
                        ),
                    ],
                    verdicts: verdicts
                )
                .Verdict(false);
    }

    [Fact]
    public void A_validator_is_asked_before_the_operator_and_when_all_else_holds()
    {
        const string Keys = """
            gate:
              criteria:
                - artifact: report
                - validator: Is it right?
                - operator: Ship it?
            """;
        StoredArtifact[] report = [Cases.Data(7, "report", new { })];
        Assert.Empty(Cases.Judge(Keys).Validations);
        var unasked = Cases.Judge(Keys, artifacts: report);
        Assert.Equal("Is it right?", Assert.Single(unasked.Validations).Validator);
        Assert.Empty(unasked.Questions);
        Assert.Null(unasked.Verdict(true));

        var asked = Cases.Asked(1, "Is it right?", [7]) with { ReviewTask = 5 };
        Assert.Empty(Cases.Judge(Keys, artifacts: report, reviews: [asked]).Validations);
        var passed = asked with { Verdict = "passed", Reviewer = "vera" };
        Assert.Equal(["Ship it?"], Cases.Judge(Keys, artifacts: report, reviews: [passed]).Questions);
        var failed = asked with { Verdict = "failed", Reviewer = "vera", Feedback = "no error cases" };
        var judgement = Cases.Judge(Keys, artifacts: report, reviews: [failed]);
        Assert.Equal("vera: no error cases", Assert.Single(judgement.Reasons));
        // The review passed an older report.
        StoredArtifact[] newer = [Cases.Data(8, "report", new { })];
        Assert.Single(Cases.Judge(Keys, artifacts: newer, reviews: [passed]).Validations);
    }

    [Fact]
    public void A_commit_holds_when_it_is_one_and_the_branch_was_seen_to_contain_it()
    {
        const string Keys = """
            gate:
              criteria:
                - artifact: code
                  commit: { merged_into: main }
            """;
        var data = Cases.Data(7, "code", new { });
        Assert.Contains("code is not a commit", Assert.Single(Cases.Judge(Keys, artifacts: [data]).Reasons));
        var sha = new string('a', 40);
        var commit = data with { Artifact = data.Artifact with { Kind = "commit", Sha = sha } };
        Assert.Contains("is looked at", Assert.Single(Cases.Judge(Keys, artifacts: [commit]).Waiting));

        var gate = Cases.Of(Keys, artifacts: [commit]);
        Assert.True(Judged(true));
        Assert.False(Judged(false));
        Assert.Null(Judged(null));
        // Another commit, or another branch.
        Assert.Null(
            GateJudge.Judge(gate with { Merges = [new MergeLook(new string('b', 40), "main", true)] }).Verdict(true)
        );
        Assert.Null(GateJudge.Judge(gate with { Merges = [new MergeLook(sha, "next", true)] }).Verdict(true));

        bool? Judged(bool? isMerged) =>
            GateJudge.Judge(gate with { Merges = [new MergeLook(sha, "main", isMerged, "no answer")] }).Verdict(true);
    }

    [Fact]
    public void The_pattern_of_an_output_is_not_asked_of_a_commit()
    {
        const string Keys = """
            expected_outputs:
              - type: code
                pattern: "src/*"
            """;
        var data = Cases.Data(7, "code", new { });
        Assert.False(Cases.Judge(Keys, artifacts: [data]).IsMet);
        var commit = data with { Artifact = data.Artifact with { Kind = "commit", Sha = new string('a', 40) } };
        Assert.True(Cases.Judge(Keys, artifacts: [commit]).IsMet);
    }

    [Fact]
    public void The_operator_is_asked_when_all_else_holds_and_again_after_newer_evidence()
    {
        const string Keys = """
            gate:
              criteria:
                - tasks_complete: true
                - artifact: report
                - operator: Ship it?
            """;
        Hive.Features.Tasks.Contracts.TaskEntry[] done = [Cases.Task(1)];
        StoredArtifact[] report = [Cases.Data(7, "report", new { })];
        Assert.Empty(Cases.Judge(Keys, [Cases.Task(1, "running")], report).Questions);
        Assert.Empty(Cases.Judge(Keys, done).Questions);
        Assert.Equal(["Ship it?"], Cases.Judge(Keys, done, report).Questions);

        var open = Cases.Judge(Keys, done, report, reviews: [Cases.Asked(1, "Ship it?", [7])]);
        Assert.Empty(open.Questions);
        Assert.Null(open.Verdict(true));
        Assert.True(
            Cases.Judge(Keys, done, report, reviews: [Cases.Asked(1, "Ship it?", [7], "passed")]).Verdict(false)
        );

        var newer = Cases.Judge(
            Keys,
            done,
            [Cases.Data(8, "report", new { })],
            reviews: [Cases.Asked(1, "Ship it?", [7], "passed")]
        );
        Assert.Null(newer.Verdict(false));
        Assert.Equal(["Ship it?"], newer.Questions);

        var failed = Cases.Judge(Keys, done, report, reviews: [Cases.Asked(1, "Ship it?", [7], "failed")]);
        Assert.False(failed.Verdict(false));
        Assert.Equal(["the operator: no error cases"], failed.Reasons);

        // The rework that followed is done: the operator is asked again.
        var reworked = Cases.Judge(
            Keys,
            done,
            report,
            reviews: [Cases.Asked(1, "Ship it?", [7], "failed")],
            verdicts: [new Verdict(false, ["the operator: no error cases"], 1, DateTimeOffset.UnixEpoch)]
        );
        Assert.Null(reworked.Verdict(false));
        Assert.Equal(["Ship it?"], reworked.Questions);
    }

    [Fact]
    public void Failed_evidence_leads_to_the_task_that_handed_it_in()
    {
        const string Keys = """
            gate:
              criteria:
                - artifact: report
                  min_length: 5
                - artifact: missing
            """;
        var judgement = Cases.Judge(
            Keys,
            [Cases.Task(1), Cases.Task(2), Cases.Task(3)],
            [Cases.File(1, "report", "1", task: 2)]
        );
        Assert.Equal([2L, 3L], judgement.Shortcomings.Select(s => s.Source!.Id));
    }
}
