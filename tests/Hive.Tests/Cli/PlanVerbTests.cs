using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Hive.Cli;
using Hive.Cli.Tasks;
using Hive.Cli.Terminal;
using Hive.Cli.Waiting;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Cli;

/// <summary>The verbs of tickets, tasks and gates against prepared answers: what they ask the host for, and how they
/// lay out what it says.</summary>
public sealed class PlanVerbTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-plan-").FullName;
    private readonly ConcurrentQueue<JsonObject> asked = [];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(
        "ticket create Round prices -d half --workflow ship --phase PHASE_A --priority high --label a --label b "
            + "--repository forge:a/b --deadline 2030-01-31T12:00:00Z --blocked-by 7 --blocked-by 8 --parent 3 --key k",
        """
            {"cmd":"ticket_create","title":"Round prices","description":"half","workflow":"ship","phase_id":"PHASE_A",
            "priority":"HIGH","labels":["a","b"],"repository":"forge:a/b","deadline_at":"2030-01-31T12:00:00.000Z",
            "blocked_by":[7,8],"parent":3,"key":"k"}
            """
    )]
    [InlineData("ticket create Round", """{"cmd":"ticket_create","title":"Round"}""")]
    [InlineData("ticket load FILE", """{"cmd":"tickets_load","text":"tickets: []\n"}""")]
    [InlineData("ticket load FILE --key k", """{"cmd":"tickets_load","text":"tickets: []\n","key":"k"}""")]
    [InlineData(
        "ticket list --workflow ship --phase PHASE_A --status done --label a --search x -n 999",
        """
            {"cmd":"tickets","workflow":"ship","phase_id":"PHASE_A","status":"done","label":"a","text":"x","limit":200}
            """
    )]
    [InlineData("ticket", """{"cmd":"tickets","limit":50}""")]
    [InlineData(
        "ticket move 41 PHASE_A --reason why --force",
        """{"cmd":"ticket_move","id":41,"to_phase":"PHASE_A","reason":"why","force":true}"""
    )]
    [InlineData("ticket move 41 PHASE_A", """{"cmd":"ticket_move","id":41,"to_phase":"PHASE_A"}""")]
    [InlineData(
        "ticket block 41 --type budget --reason why",
        """{"cmd":"ticket_change","id":41,"block":{"type":"budget","reason":"why"}}"""
    )]
    [InlineData(
        "ticket change 41 --repository forge:a/b --title Round --priority low --label a",
        """
            {"cmd":"ticket_change","id":41,"title":"Round","priority":"LOW","labels":["a"],"repository":"forge:a/b"}
            """
    )]
    [InlineData(
        "budget set --tokens 5 --clear usd",
        """{"cmd":"budget_set","scope":"global","limit_tokens":5,"clear":["limit_usd"]}"""
    )]
    [InlineData("ticket unblock 41", """{"cmd":"ticket_change","id":41,"unblock":true}""")]
    [InlineData("ticket hold 41 --reason later", """{"cmd":"ticket_hold","id":41,"reason":"later"}""")]
    [InlineData("ticket release 41", """{"cmd":"ticket_release","id":41}""")]
    [InlineData("ticket approve 41", """{"cmd":"ticket_approve","id":41}""")]
    [InlineData("ticket reject 41 --reason no", """{"cmd":"ticket_reject","id":41,"reason":"no"}""")]
    [InlineData("ticket comment 41 well done", """{"cmd":"ticket_change","id":41,"comment":"well done"}""")]
    [InlineData("ticket delete 41 -y", """{"cmd":"ticket_delete","id":41}""")]
    [InlineData(
        "task list --ticket 41 --phase PHASE_A --status failed --agent @bob -n 9",
        """{"cmd":"tasks","ticket":41,"phase_id":"PHASE_A","status":"failed","agent":"bob","limit":9}"""
    )]
    [InlineData(
        "task add 41 Ask a lawyer --type ask -d more --phase PHASE_A --priority low --capability a --capability b "
            + "--after 101 --after 102 --quorum first --agent @bob --timeout 60 --review validator "
            + "--lock repo:a --key k",
        """
            {"cmd":"add_tasks","ticket":41,"tasks":[{"task_type":"ask","title":"Ask a lawyer","description":"more",
            "phase_id":"PHASE_A","priority":"LOW","capabilities":["a","b"],"depends_on":[101,102],"quorum":"first",
            "agent":"bob","timeout_seconds":60,"review":"validator","locks":["repo:a"]}],"key":"k"}
            """
    )]
    [InlineData("task cancel 101 --reason why", """{"cmd":"change_task","id":101,"action":"cancel","reason":"why"}""")]
    [InlineData("task retry 101", """{"cmd":"change_task","id":101,"action":"retry"}""")]
    [InlineData("task release 101", """{"cmd":"change_task","id":101,"action":"release"}""")]
    [InlineData("task skip 101", """{"cmd":"change_task","id":101,"action":"skip"}""")]
    [InlineData(
        "task priority 101 critical",
        """{"cmd":"change_task","id":101,"action":"priority","priority":"CRITICAL"}"""
    )]
    [InlineData("task hold 101 --reason why", """{"cmd":"change_task","id":101,"action":"hold","reason":"why"}""")]
    [InlineData("task assign 101 @bob", """{"cmd":"change_task","id":101,"action":"assign","agent":"bob"}""")]
    [InlineData("task assign 101", """{"cmd":"change_task","id":101,"action":"assign"}""")]
    [InlineData("task depend 101 102", """{"cmd":"change_task","id":101,"action":"depend","depends_on":102}""")]
    [InlineData("task undepend 101 102", """{"cmd":"change_task","id":101,"action":"undepend","depends_on":102}""")]
    [InlineData("task timeout 101 90", """{"cmd":"change_task","id":101,"action":"timeout","timeout_seconds":90}""")]
    [InlineData(
        "discovery list --ticket 41 --task 101 --type bug --status open -n 9",
        """{"cmd":"discoveries","ticket":41,"task":101,"type":"bug","status":"open","limit":9}"""
    )]
    [InlineData(
        "discovery add 101 bug It fails --task-title Fix --key k",
        """
            {"cmd":"discover","task":101,"type":"bug","description":"It fails","spawn":{"title":"Fix"},"key":"k"}
            """
    )]
    [InlineData("discovery resolve 12", """{"cmd":"discovery_resolve","id":12,"status":"resolved"}""")]
    [InlineData("discovery resolve 12 --invalid", """{"cmd":"discovery_resolve","id":12,"status":"invalid"}""")]
    [InlineData("artifact list 41 --phase PHASE_A", """{"cmd":"artifacts","ticket":41,"phase_id":"PHASE_A"}""")]
    [InlineData("artifact show 12", """{"cmd":"artifact","id":12}""")]
    [InlineData(
        "artifact add 41 note --phase PHASE_A --content {\"a\":1} --key k",
        """{"cmd":"artifact_add","ticket":41,"type":"note","phase_id":"PHASE_A","content":{"a":1},"key":"k"}"""
    )]
    [InlineData(
        "artifact add 41 code_changes --commit 1234567 --repository forge:a/b",
        """
            {"cmd":"artifact_add","ticket":41,"type":"code_changes","commit":"1234567","repository":"forge:a/b"}
            """
    )]
    [InlineData("handoff list --task 101 -n 9", """{"cmd":"handoffs","task":101,"limit":9}""")]
    [InlineData(
        "handoff request 101 @bob You know it",
        """{"cmd":"handoff","action":"request","task":101,"to":"bob","reason":"You know it"}"""
    )]
    [InlineData(
        "handoff decline 12 --message busy",
        """{"cmd":"handoff","action":"decline","handoff":12,"message":"busy"}"""
    )]
    [InlineData("duty list", """{"cmd":"list_work","what":"agents","limit":100}""")]
    [InlineData(
        "duty set @bob --duty worker --capability a --capability b --capacity 2 --phase PHASE_A --tag t --clear tags",
        """
            {"cmd":"agent_change","name":"bob","duty":"worker","capabilities":["a","b"],"capacity":2,
            "phases":["PHASE_A"],"tags":["t"],"clear":["tags"]}
            """
    )]
    [InlineData("task show 101", """{"cmd":"task","id":101}""")]
    [InlineData("task graph 41", """{"cmd":"task_graph","ticket":41}""")]
    [InlineData("reviews --ticket 41", """{"cmd":"reviews","ticket":41}""")]
    [InlineData("review 12 pass", """{"cmd":"review_decide","id":12,"verdict":"passed"}""")]
    [InlineData(
        "review 12 fail no error cases",
        """{"cmd":"review_decide","id":12,"verdict":"failed","feedback":"no error cases"}"""
    )]
    [InlineData(
        "threads --ticket 41 --agent @bob --status active",
        """{"cmd":"threads","ticket":41,"agent":"bob","status":"active"}"""
    )]
    [InlineData("threads show 12", """{"cmd":"thread","action":"read","thread":12,"limit":100}""")]
    [InlineData(
        "threads post 12 Keep both --key k",
        """{"cmd":"thread","action":"post","thread":12,"text":"Keep both","key":"k"}"""
    )]
    [InlineData("threads close 12", """{"cmd":"thread","action":"close","thread":12}""")]
    public async Task A_verb_asks_the_host_in_the_hosts_words(string line, string request)
    {
        var file = Path.Combine(folder, "tickets.yaml");
        await File.WriteAllTextAsync(file, "tickets: []\n");

        var outcome = await Run(line.Replace("FILE", file, StringComparison.Ordinal), null);

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(request), Assert.Single(asked)), asked.First().ToJsonString());
    }

    [Theory]
    [InlineData("workflow load")]
    [InlineData("pattern load")]
    [InlineData("ticket load")]
    public async Task A_file_over_the_limit_is_refused_with_its_size_and_not_sent(string verb)
    {
        var file = Path.Combine(folder, "large.yaml");
        await File.WriteAllTextAsync(file, new string('x', Limits.YamlBytes + 1));

        var outcome = await Run($"{verb} {file}", null);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains($"{file} has 49153 bytes; the limit is 49152; shorten it", outcome.Error);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task A_file_of_48_KiB_fits_into_a_line_in_any_script()
    {
        var file = Path.Combine(folder, "whole.yaml");
        var text = $"# \"{new string('я', (Limits.YamlBytes - 4) / 2)}\"";
        Assert.Equal(Limits.YamlBytes, System.Text.Encoding.UTF8.GetByteCount(text));
        await File.WriteAllTextAsync(file, text);

        Assert.Equal(0, (await Run($"ticket load {file}", null)).ExitCode);

        Assert.Equal(text, (string?)Assert.Single(asked)["text"]);
    }

    [Fact]
    public async Task Values_of_a_pattern_have_the_types_of_its_parameters()
    {
        var outcome = await Run(
            "pattern apply review 41 --set subject=a=b --set times=2.5 --set by=alice --set by=bob --key k",
            null
        );

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(["patterns", "apply_pattern"], asked.Select(r => (string?)r["cmd"]));
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(
                    """
                    {"cmd":"apply_pattern","ticket":41,"name":"review","values":{"subject":"a=b","times":2.5,
                    "by":["alice","bob"]},"key":"k"}
                    """
                ),
                asked.Last()
            ),
            asked.Last().ToJsonString()
        );
        foreach (var wrong in (string[])["--set subject", "--set subject=a --set subject=b"])
            Assert.Equal(2, (await Run($"pattern apply review 41 {wrong}", null)).ExitCode);
    }

    [Theory]
    [InlineData("gate show 41", null)]
    [InlineData("gate judge 41", true)]
    public async Task A_gate_comes_with_the_artifacts_of_its_phase(string line, bool? judged)
    {
        var outcome = await Run($"{line} --json", null);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(["gate", "artifacts"], asked.Select(r => (string?)r["cmd"]));
        Assert.Equal(judged, (bool?)asked.First()["judge"]);
        Assert.Equal("PHASE_REQUIREMENTS", (string?)asked.Last()["phase_id"]);
        var document = JsonElement.Parse(outcome.Output);
        Assert.Equal("failed", document.GetProperty("gate").GetProperty("gate_status").GetString());
        Assert.Equal(3, document.GetProperty("artifacts").GetArrayLength());
    }

    [Fact]
    public async Task Each_of_several_ids_is_tried_and_each_refusal_is_named()
    {
        var outcome = await Run("ticket approve 41 404 42 404", null);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal("ticket 41 is approved\nticket 42 is approved\n", outcome.Output);
        Assert.Contains(
            "2 of 4 were refused:\n  ticket 404: ticket_approve: 404 not found\n  ticket 404: ",
            outcome.Error,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(100, true)]
    [InlineData(99, false)]
    [InlineData(80, false)]
    [InlineData(null, false)]
    public async Task The_columns_stand_side_by_side_where_there_is_room_for_all(int? width, bool isWide)
    {
        var lines = (await Run("board", width)).Output.Split('\n');

        // 15 cells each, and two between them.
        Assert.Equal(isWide, lines.Any(l => l.StartsWith("Backlog ", StringComparison.Ordinal) && l.Contains("Done")));
        Assert.All(lines, l => Assert.True(new Spectre.Console.Rendering.Segment(l).CellCount() <= (width ?? 9999), l));
        // Exact counts, although the host did not send all of the tickets.
        Assert.Contains(lines, l => l.Contains("63", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("… 62 more", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("1 waiting", StringComparison.Ordinal));
        Assert.StartsWith("to approve: 47;", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_blocked_ticket_stands_in_the_column_of_blocked_ones_only()
    {
        var lines = (await Run("board", null)).Output.Split('\n');

        var blocked = Array.FindIndex(lines, l => l.Contains("Logout", StringComparison.Ordinal));
        Assert.StartsWith("Blocked ", lines[blocked - 1], StringComparison.Ordinal);
        Assert.Single(lines, l => l.Contains("Logout", StringComparison.Ordinal));
        Assert.Contains("Analyzing 2 of 5, 1 blocked", lines);
    }

    [Fact]
    public async Task Blocked_tickets_have_a_column_where_the_workflow_has_none_for_them()
    {
        await using var host = new FakeHost(
            Path.Combine(folder, "without"),
            (cmd, request) =>
                cmd == "board"
                    ? new { board = new { columns = GoldenPlan.Board(many: true)[..^1] } }
                    : GoldenPlan.Answer(many: true, cmd, request)
        );

        var outcome = await At("board", Path.Combine(folder, "without"), Built.Terminal(null));

        var lines = outcome.Output.Split('\n');
        var blocked = Array.FindIndex(lines, l => l.Contains("Logout", StringComparison.Ordinal));
        Assert.Equal("Blocked 1", lines[blocked - 1]);
    }

    [Fact]
    public async Task The_board_shows_no_more_tickets_of_a_column_than_asked_for()
    {
        var lines = (await Run("board -n 1", null)).Output.Split('\n');

        // Before the one in Testing stands the one that waits for it.
        Assert.DoesNotContain(lines, l => l.Contains("  45  ", StringComparison.Ordinal));
        Assert.Contains("  … 1 more", lines);
    }

    [Fact]
    public async Task Watch_writes_the_board_again_after_each_change_and_ends_with_the_host()
    {
        var reads = 0;
        await using var host = new FakeHost(
            Path.Combine(folder, "changing"),
            (cmd, request) =>
            {
                if (cmd == "subscribe_board")
                {
                    Assert.Equal("ship", request.GetProperty("workflow").GetString());
                    return new[] { false, false, true }
                        .Select(many => GoldenPlan.Answer(many, "board", request)!)
                        .ToArray();
                }

                // The cards are asked for once for each line.
                if (cmd == "board_cards")
                    reads++;
                return GoldenPlan.Answer(many: reads == 3, cmd, request);
            }
        );

        var outcome = await At(
            "board --workflow ship --watch --json",
            Path.Combine(folder, "changing"),
            Built.Terminal(null)
        );

        // The second line was like the first.
        Assert.Equal((0, 3), (outcome.ExitCode, reads));
        Assert.Equal(
            [0, 8],
            Lines(outcome.Output).Select(l => JsonElement.Parse(l).GetProperty("tickets").GetArrayLength())
        );
    }

    [Fact]
    public async Task Watch_draws_the_board_on_the_alternate_screen_and_leaves_it()
    {
        await using var host = new FakeHost(
            Path.Combine(folder, "drawn"),
            (cmd, request) =>
                cmd == "subscribe_board"
                    ? new[] { GoldenPlan.Answer(many: true, "board", request)! }
                    : GoldenPlan.Answer(many: true, cmd, request)
        );

        var outcome = await At(
            "board -w",
            Path.Combine(folder, "drawn"),
            Built.Terminal(120) with
            {
                CanRedraw = true,
                Height = 6,
            }
        );

        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("\u001b[?1049h\u001b[?25l\u001b[H(Ctrl-C ends)", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("…\u001b[K\u001b[J\u001b[?25h\u001b[?1049l", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(5, outcome.Output.Count(c => c == '\n'));
    }

    [Fact]
    [Sampled]
    public void A_tree_has_each_task_once_and_behind_everything_it_waits_for() =>
        Property.Holds(
            Prop.ForAll(
                Graphs().ToArbitrary(),
                graph =>
                {
                    var rows = TaskGraphVerb.Tree(graph).Select(row => row.Task.Id).ToList();
                    return rows.Order().SequenceEqual(graph.Nodes.Select(n => n.Id).Order())
                        && graph
                            .Edges.Where(e => e.Kind == "dependency")
                            .All(e => rows.IndexOf(e.From) < rows.IndexOf(e.To));
                }
            ),
            first: 100,
            inLong: 1_000
        );

    [Fact]
    public void A_task_stands_below_the_one_in_which_it_was_found_unless_that_waits_for_it()
    {
        var nodes = Enumerable.Range(1, 3).Select(id => GoldenPlan.Node(id)).ToArray();
        var graph = new TaskGraph(nodes, [new(3, 1, "dependency"), new(1, 2, "discovery"), new(1, 3, "discovery")], []);

        Assert.Equal([(3, 0), (1, 1), (2, 2)], TaskGraphVerb.Tree(graph).Select(row => (row.Task.Id, row.Depth)));
    }

    [Fact]
    public void A_tree_of_a_cycle_hides_no_task()
    {
        var nodes = Enumerable.Range(1, 3).Select(id => GoldenPlan.Node(id)).ToArray();
        var graph = new TaskGraph(nodes, [new(2, 3, "dependency"), new(3, 2, "dependency")], []);

        Assert.Equal([1, 2, 3], TaskGraphVerb.Tree(graph).Select(row => row.Task.Id).Order());
    }

    [Theory]
    [InlineData("ticket_approval", "a ticket_approve, d ticket_reject reason, v")]
    [InlineData("ticket_blocked", "u ticket_change, v")]
    [InlineData("gate_review", "a review_decide, d review_decide feedback, v")]
    [InlineData("task_failed", "t change_task, x change_task, v")]
    [InlineData("task_held", "r change_task, x change_task, v")]
    [InlineData("task_unservable", "x change_task, v")]
    public void A_waiting_thing_of_the_board_is_decided_with_a_key(string kind, string keys)
    {
        var row = new WaitingView($"{kind}-7", kind, "7", "x", DateTimeOffset.UtcNow, "now", [], "/board");

        var actions = WaitingAction.Of(row, [], DateTimeOffset.UtcNow);

        Assert.Equal(
            $"{keys}, s snooze_waiting",
            string.Join(", ", actions.Select(a => $"{a.Key} {a.Command} {a.Ask?.Field}".TrimEnd()))
        );
        Assert.All(
            actions.Where(a => a.Command is not (null or "snooze_waiting")),
            a => Assert.Equal(7L, a.Fields!["id"])
        );
        foreach (var action in actions)
            Assert.True(
                CommandLine.Root().Parse(action.Instead[5..].Replace("--reason TEXT", "--reason x")).Errors.Count == 0
            );
    }

    private static Gen<TaskGraph> Graphs() =>
        from size in Gen.Choose(0, 12)
        from pairs in Gen.Choose(0, 143).ListOf()
        let edges = pairs
            .Select(p => (From: p / 12, To: p % 12))
            .Where(e => e.From < e.To && e.To < size)
            .Distinct()
            .Select(e => new TaskEdge(e.From, e.To, (e.From + e.To) % 5 == 0 ? "discovery" : "dependency"))
        select new TaskGraph([.. Enumerable.Range(0, size).Select(id => GoldenPlan.Node(id))], [.. edges], []);

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task<Outcome> Run(string line, int? width)
    {
        var run = Path.Combine(folder, "run");
        await using var host = new FakeHost(
            run,
            (cmd, request) =>
            {
                var fields = (JsonObject)JsonNode.Parse(request.GetRawText())!;
                fields.Remove("version");
                asked.Enqueue(fields);
                return GoldenData.Answer(3, cmd, request);
            }
        );
        return await At(line, run, Built.Terminal(width));
    }

    private static Task<Outcome> At(string line, string run, Display display) =>
        Built.HiveOnAsync(display, [.. line.Split(' '), "--run-dir", run]);
}
