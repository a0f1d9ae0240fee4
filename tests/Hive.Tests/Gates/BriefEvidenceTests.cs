using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Tasks;
using static System.StringComparison;

namespace Hive.Tests.Gates;

/// <summary>A brief tells a worker which artifacts are its own, and what the ticket asks for.</summary>
public sealed class BriefEvidenceTests
{
    private const string Description = "Customers log in by e-mail.";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Examples_in_a_brief_pass_the_gate_when_they_are_handed_in()
    {
        await using var rig = await ReviewRig.Start(
            """
            expected_outputs:
              - type: requirements
                pattern: "**/requirements.md"
                validation_rule: "min_length: 20"
              - { type: notes, pattern: "*/notes-?.txt" }
              - { type: figures, pattern: "*.json", validation_rule: "min_passing: 3" }
              - { type: results, validation_rule: "min_passing: 3" }
              - { type: "log of /all", required: false }
            tasks:
              - type: work
                title: "Work"
            gate:
              criteria:
                - artifact: requirements
                  sections: [scope, acceptance_criteria]
                - artifact: code_changes
                  flag: has_tests
                - artifact: test_coverage
                  field: percentage
                  at_least: 80
                - artifact: lint
                  field: errors
                  at_most: 0
                - artifact: commits
                  commit: {}
            """
        );
        await rig.Agent("alice", "worker");
        var sha = ReviewRig.Commit(rig.Repository("alice"), "change");
        var ticket = await rig.Ticket(repository: "/agents/alice/state/shop");

        var work = await rig.Next("alice");
        var told = work.Message.GetProperty("expected_outputs").EnumerateArray().ToArray();
        Assert.Equal(
            [
                """{"type":"requirements","path":"requirements.md"}""",
                """{"type":"notes","path":"work/notes-1.txt"}""",
                """{"type":"figures","path":"1.json"}""",
                """{"type":"results","content":{"passing":3}}""",
                """{"type":"log of /all","path":"evidence.md"}""",
                """{"type":"code_changes","content":{"has_tests":true}}""",
                """{"type":"test_coverage","content":{"percentage":80}}""",
                """{"type":"lint","content":{"errors":0}}""",
                """{"type":"commits","commit":"<git rev-parse HEAD>","repository":"/agents/alice/state/shop"}""",
            ],
            told.Select(o => o.GetProperty("example").GetRawText())
        );
        Assert.Equal("""{"passing":3}""", told[2].GetProperty("example_file").GetRawText());
        Assert.Single(told, o => o.TryGetProperty("example_file", out _));

        foreach (var output in told)
        {
            if (output.GetProperty("example").Text("path") is not { } path)
                continue;
            var file = $"{rig.Hive.DataDir}/agents/alice/state/{path}";
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var text = output.TryGetProperty("example_file", out var json)
                ? json.GetRawText()
                : "# Scope\nAll of it.\n# Acceptance criteria\nIt works.\n";
            await File.WriteAllTextAsync(file, text, Ct);
        }

        object[] artifacts =
        [
            .. told.SkipLast(1).Select(o => (object)o.GetProperty("example")),
            new
            {
                type = "commits",
                commit = sha,
                repository = "shop",
            },
        ];
        await rig.Complete(work, artifacts);
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task The_default_workflow_tells_each_task_what_is_its_own()
    {
        await using var rig = await ReviewRig.Start("tasks: []");
        await rig.Agent("alice", "worker", "capabilities: [analysis, documentation]\n");
        var ticket = (await rig.Host.CallAsync("ticket_create", new { title = "Log in", description = Description }))
            .GetProperty("ticket")
            .Number("id");

        var analysis = await rig.Next("alice");
        Assert.Equal("analyze_requirements", analysis.Message.Text("task_type"));
        Assert.False(analysis.Message.TryGetProperty("expected_outputs", out _));
        Assert.Equal(Description, analysis.Message.Text("ticket_description"));
        await rig.Call("alice", "complete_task", new { summary = "the analysis" });
        await rig.End(analysis);

        var writing = await rig.Next("alice");
        Assert.Equal("create_requirements_doc", writing.Message.Text("task_type"));
        Assert.NotEqual(analysis.Message.Text("description"), writing.Message.Text("description"));
        Assert.Contains("`results`", writing.Message.Text("description"), Ordinal);
        Assert.Equal(["requirements_document"], Outputs(writing));
        Assert.Contains("the analysis", (await rig.Look("alice")).GetProperty("results").GetRawText(), Ordinal);
        await File.WriteAllTextAsync($"{rig.Hive.DataDir}/agents/alice/state/requirements.md", "short", Ct);
        await rig.Complete(writing, new { type = "requirements_document", path = "requirements.md" });

        // The rework of a task asks for what that task was asked for.
        var rework = await rig.Next("alice");
        Assert.Equal("rework", rework.Message.Text("task_type"));
        Assert.Equal(["requirements_document"], Outputs(rework));
        Assert.Equal(Description, rework.Message.Text("ticket_description"));
        var description = rework.Message.Text("description")!;
        Assert.Contains("at least 500 are needed", description, Ordinal);
        Assert.EndsWith($"\nThe task was:\n{writing.Message.Text("description")}", description, Ordinal);
        Assert.Equal(ticket, rework.Message.Number("ticket"));
    }

    [Fact]
    public async Task Every_task_of_the_default_workflow_with_evidence_at_its_gate_has_a_description()
    {
        await using var rig = await ReviewRig.Start("tasks: []");
        var workflow = (await rig.Host.CallAsync("workflows", new { }))
            .GetProperty("workflows")
            .Deserialize<WorkflowView[]>(WireJson.Options)!
            .Single(w => w.Name == "software_development")
            .Spec;
        foreach (var phase in workflow.Phases.Where(p => p.Tasks.Count > 0))
        {
            var texts = phase.Tasks.Select(t => t.Description).ToArray();
            Assert.All(texts, Assert.NotNull);
            Assert.Equal(texts.Length, texts.Distinct().Count());
            // Of each evidence that the gate asks for, one task knows that it is its own.
            var own = phase.Tasks.SelectMany(t => t.ExpectedOutputs).Select(o => o.Type).ToArray();
            Assert.Equal(own.Length, own.Distinct().Count());
            var asked = (phase.Gate?.Criteria ?? []).Select(c => c.Artifact).OfType<string>();
            Assert.Equal(asked.Order(), own.Order());
            foreach (var task in phase.Tasks.Where(t => t.DependsOn.Count > 0))
                Assert.Contains("`results`", task.Description, Ordinal);
        }
    }

    [Fact]
    public async Task Rework_keeps_the_description_of_the_first_task_and_says_that_of_the_ticket_once()
    {
        await using var rig = await ReviewRig.Start(
            """
            tasks:
              - type: work
                title: "Work"
            gate:
              criteria:
                - artifact: report
                  min_length: 5
            """
        );
        await rig.Agent("alice", "worker");
        var fields = new
        {
            title = "Log in",
            description = Description,
            workflow = "checked",
        };
        await rig.Host.CallAsync("ticket_create", fields);
        var work = await rig.Next("alice");
        Assert.Equal(Description, work.Message.Text("description"));
        Assert.Null(work.Message.Text("ticket_description"));
        Assert.Null((await rig.Look("alice")).Text("ticket_description"));
        // The same fault again would be for a person.
        foreach (var report in (string[])["x", "xx"])
        {
            await rig.Complete(work, ReviewRig.Report(report));
            work = await rig.Next("alice");
            Assert.Equal(Description, work.Message.Text("ticket_description"));
            Assert.Equal(
                "The gate of PHASE_WORK failed:\n- report has a length of "
                    + $"{report.Length} characters; at least 5 are needed",
                work.Message.Text("description")
            );
        }
    }

    private static IEnumerable<string?> Outputs(ReviewRig.Work work) =>
        work.Message.GetProperty("expected_outputs").EnumerateArray().Select(o => o.Text("type"));
}
