using Hive.Features.Gates;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Gates;

/// <summary>Patterns, sections, rounds and summaries.</summary>
public sealed class PartsTests
{
    [Theory]
    [InlineData("requirements.md", "requirements.md", true)]
    [InlineData("requirements.md", "login/requirements.md", false)]
    [InlineData("*/requirements.md", "login/requirements.md", true)]
    [InlineData("*/requirements.md", "a/b/requirements.md", false)]
    [InlineData("**/requirements.md", "requirements.md", true)]
    [InlineData("**/requirements.md", "a/b/requirements.md", true)]
    [InlineData("**/requirements.md", "a/b-requirements.md", false)]
    [InlineData("src/**/*", "src/a.cs", true)]
    [InlineData("src/**/*", "src/a/b/c.cs", true)]
    [InlineData("src/**/*", "source/a.cs", false)]
    [InlineData("docs/**", "docs/a/b", true)]
    [InlineData("a?.md", "ab.md", true)]
    [InlineData("a?.md", "a/.md", false)]
    [InlineData("a.md", "aXmd", false)]
    [InlineData("A.md", "a.md", false)]
    [InlineData("*.md", "a\nb.md", true)]
    [InlineData("*.md", "a.md\n", false)]
    [InlineData("[a](b)+.md", "[a](b)+.md", true)]
    [InlineData("/^docs.*[0-9]+/", "docs/x/12.md", true)]
    [InlineData("/^docs$/", "docs/x", false)]
    public void A_pattern_matches_paths_below_the_root(string pattern, string path, bool matches)
    {
        Assert.True(PathPattern.IsChecked(pattern));
        Assert.Equal(matches, PathPattern.Matches(pattern, path));
    }

    [Fact]
    public async Task A_commit_can_ring_for_gates_while_the_host_stops()
    {
        var services = new ServiceCollection().AddSingleton<GateBell>().BuildServiceProvider();
        var bell = services.GetRequiredService<GateBell>();
        await bell.Wait(TestContext.Current.CancellationToken);
        await services.DisposeAsync();
        bell.Ring();
        bell.Ring();
        await bell.Wait(TestContext.Current.CancellationToken);
        Assert.False(bell.Wait(TestContext.Current.CancellationToken).IsCompleted);
    }

    [Theory]
    [InlineData("A task for each part")]
    [InlineData("documentation")]
    [InlineData("a file *.md")]
    public void Prose_is_not_checked(string pattern) => Assert.False(PathPattern.IsChecked(pattern));

    [Theory]
    [InlineData("/agents/alice/state/login/a.md", "login/a.md")]
    [InlineData("/shared/agents/a.md", "agents/a.md")]
    public void The_root_is_the_state_folder_or_the_shared_one(string path, string below) =>
        Assert.Equal(below, PathPattern.BelowRoot(path));

    [Fact]
    public void An_expression_that_would_backtrack_for_ever_ends()
    {
        // A backtracking engine would not be done before the sun is.
        Assert.False(PathPattern.Matches("/^(a+)+$/", new string('a', 4000) + "b"));
        Assert.False(PathPattern.Matches(string.Concat(Enumerable.Repeat("**a", 100)), new string('a', 4000) + "b"));
    }

    [Theory]
    [InlineData("# Scope", "scope")]
    [InlineData("### 2.1) Acceptance-criteria ##", "acceptance criteria")]
    [InlineData("Scope of it\n===", "scope of it")]
    [InlineData("   ## Größe", "größe")]
    [InlineData("#Scope", null)]
    [InlineData("    # Scope", null)]
    [InlineData("~~~\n# Scope\n~~~", null)]
    [InlineData("````\n```\n# Scope\n````", null)]
    [InlineData("\n---\n", null)]
    public void Sections_are_the_headings_of_markdown(string text, string? section)
    {
        var content = ArtifactContent.Read(System.Text.Encoding.UTF8.GetBytes(text))!;
        Assert.Equal(section is null ? [] : [section], content.Sections());
    }

    [Fact]
    public void Half_a_character_in_JSON_is_not_text_and_the_rest_is_read()
    {
        var content = Read("""{"content":"\ud800","score":7,"sections":["\udfff","Scope"]}""");
        Assert.Equal(content.Text.Length, content.Length);
        Assert.Equal(["scope"], content.Sections());
        Assert.Equal(7, content.Number("score"));
        Assert.Null(content.Json);
        // It does not matter where it stands.
        var name = Read("""{"score":7,"\ud800core":1,"content":{}}""");
        Assert.True(name.Number("score") is 7 or null);
        Assert.Empty(name.Sections());
        Assert.False(name.IsTrue("score"));
        Assert.NotNull(Read("""{"content":"\ud83d\ude00"}""").Json);

        static ArtifactContent Read(string text) =>
            ArtifactContent.Read(System.Text.Encoding.UTF8.GetBytes(text), isData: true)!;
    }

    [Fact]
    public void A_long_context_loses_its_outputs_first_and_then_its_notes()
    {
        var outputs = new System.Text.Json.Nodes.JsonObject { ["log"] = new string('x', 10_000) };
        string[] notes = [.. Enumerable.Range(0, 10).Select(i => $"note {i}")];
        var kept = Fitting(6, outputs, notes);
        Assert.All(kept.Tasks, t => Assert.NotNull(t.Outputs));
        Assert.Equal(notes, kept.Notes);
        var cut = Fitting(7, outputs, notes);
        Assert.All(cut.Tasks, t => Assert.Null(t.Outputs));
        Assert.Equal([.. notes, Said(cut)], cut.Notes);
        cut = Fitting(7, outputs, [.. Enumerable.Range(0, 100).Select(i => new string('n', 1000))]);
        Assert.Equal([Said(cut)], cut.Notes);
        // Many tasks with long summaries are shortened too.
        cut = Fitting(1000, null, [], new string('é', 2000));
        Assert.InRange(cut.Tasks.Count, 100, 999);
        var json = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(cut, Hive.Protocol.WireJson.Options);
        Assert.InRange(json.Length, 1, 65_536);

        static string Said(PhaseContext context) => context.Notes[^1];

        static PhaseContext Fitting(
            int tasks,
            System.Text.Json.Nodes.JsonObject? outputs,
            string[] notes,
            string summary = "did it"
        ) =>
            PhaseContexts.Fitting(
                new PhaseContext(
                    "PHASE_WORK",
                    "did it",
                    [
                        .. Enumerable
                            .Range(1, tasks)
                            .Select(i => new ContextTask(i, "do", summary, outputs?.DeepClone().AsObject())),
                    ],
                    [],
                    [],
                    notes,
                    []
                )
            );
    }

    [Fact]
    public void A_gate_goes_to_a_person_at_the_limit_or_for_the_same_reasons_twice()
    {
        Assert.Equal((0, false), Counted(3));
        Assert.Equal((1, false), Counted(3, "a"));
        Assert.Equal((2, false), Counted(3, "a", "b"));
        Assert.Equal((3, true), Counted(3, "a", "b", "a"));
        Assert.Equal((2, true), Counted(3, "a", "a"));
        Assert.Equal((1, false), Counted(3, "a", "a", "a"));
        Assert.Equal((1, true), Counted(1, "a"));
        Assert.Equal((1, true), Counted(1, "a", "a"));

        static (int, bool) Counted(int most, params string[] reasons)
        {
            var rounds = Rounds.Of(reasons.Select(r => (IReadOnlyList<string>)[r]), most);
            return (rounds.Iteration, rounds.IsForPerson);
        }
    }

    [Fact]
    public void A_summary_names_at_most_twenty_points_and_is_cut_at_a_word()
    {
        var phase = new PhaseContext(
            "PHASE_WORK",
            "did it",
            [new ContextTask(1, "do", "did it")],
            [.. Enumerable.Range(0, 30).Select(i => $"decision {i}")],
            ["it may break"],
            [],
            []
        );
        var summary = ContextSummary.Of([phase], id => id == "PHASE_WORK" ? "Work" : id);
        Assert.StartsWith("Handed on by earlier phases:\n- Work: did it\n- Decision: decision 0\n", summary);
        Assert.Equal(20, summary.Split('\n').Count(l => l.StartsWith("- ", StringComparison.Ordinal)));
        Assert.Equal("did it. Decisions: a; b. Risks: c", ContextSummary.OfPhase(phase.Tasks, ["a", "b"], ["c"]));
        Assert.Equal("No task of this phase was completed.", ContextSummary.OfPhase([], [], []));
        ContextTask[] same =
        [
            .. new[] { "Done: x.", "Done: x. ", "Is y?", "..." }.Select(s => new ContextTask(1, "do", s)),
        ];
        Assert.Equal("Done: x; Is y? Decisions: a", ContextSummary.OfPhase(same, ["a.", "a"], ["."]));

        var cut = ContextSummary.Cut(string.Join(' ', Enumerable.Repeat("word", 1000)));
        Assert.True(cut.Length <= 2000);
        Assert.EndsWith("word ...", cut, StringComparison.Ordinal);
        Assert.True(ContextSummary.Cut(string.Concat(Enumerable.Repeat("😀", 2000))).Length <= 2000);
    }

    [Theory]
    [InlineData("test_coverage_percentage", "coverage")]
    [InlineData("lint_error_count", "lint")]
    [InlineData("cyclomatic_complexity", "complexity")]
    [InlineData("p99", "other")]
    public void The_name_of_a_metric_tells_its_type(string name, string type) =>
        Assert.Equal(type, MetricTable.TypeOf(name));
}
