using System.Data.Common;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

public sealed class CompleteTaskTests
{
    [Fact]
    public async Task A_task_is_told_begun_with_its_turn_and_completed_with_its_result()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var message = await rig.Give(task, "alice");
        var told = (await rig.Messages("alice")).Single();
        Assert.Equal((message, "system"), (told.Number("id"), told.Text("from")));
        var brief = JsonElement.Parse(told.Text("body")!);
        Assert.Equal(
            ("task_assigned", task, "one", "Login", "PHASE_BACKLOG"),
            (
                brief.Text("event"),
                brief.Number("id"),
                brief.Text("title"),
                brief.Text("ticket_title"),
                brief.Text("phase_id")
            )
        );
        var turn = await rig.BeginTurn("alice", message);
        Assert.Equal("running", (await rig.Task(task)).Text("status"));

        var answer = await alice.CallAsync(
            "complete_task",
            new
            {
                summary = "done",
                decisions = new[] { "cookies" },
                outputs = new { lines = 3 },
            }
        );
        Assert.Equal(
            (task, "completed"),
            (answer.GetProperty("task").Number("id"), answer.GetProperty("task").Text("status"))
        );
        await rig.EndTurn("alice", turn);

        var row = await rig.Task(task);
        Assert.Equal("done", row.GetProperty("result").Text("summary"));
        Assert.Equal(3, row.GetProperty("result").GetProperty("outputs").Number("lines"));
        var run = row.GetProperty("runs").EnumerateArray().Single();
        Assert.Equal(("completed", turn), (run.Text("end"), run.Number("turn")));
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM task_ends WHERE status = 'completed'"));
        Assert.Empty(await rig.Messages("alice"));
    }

    [Fact]
    public async Task Outputs_are_measured_in_bytes()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var refused = await rig.Refused(
            alice.CallAsync("complete_task", new { summary = "done", outputs = new string('ä', 9000) })
        );
        Assert.Equal("invalid", refused.Code);
        Assert.Contains("'outputs' is longer than 16384 bytes", refused.Message, StringComparison.Ordinal);
        await alice.CallAsync("complete_task", new { summary = "done", outputs = new string('ä', 8190) });
    }

    [Theory]
    [InlineData("""{"": 1}""", "'metrics' has a member named ''; a name has 1 to 64 of")]
    [InlineData("""{"a\nb": 1}""", "'metrics' has a member named 'a b'")]
    [InlineData("""{"coverage": 1e999}""", "the metric 'coverage' is not a finite number")]
    [InlineData(null, "'metrics' has 51 figures; the limit is 50")]
    public async Task A_wrong_metric_is_refused_before_anything_else(string? metrics, string fault)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        metrics ??= JsonSerializer.Serialize(Enumerable.Range(0, 51).ToDictionary(i => $"m{i}", i => i));
        var refused = await rig.Refused(
            alice.CallAsync(
                "complete_task",
                new
                {
                    summary = "done",
                    metrics = JsonElement.Parse(metrics),
                    artifacts = new[] { new { type = "report", path = "/agents/alice/state/missing.md" } },
                }
            )
        );
        Assert.Equal("invalid", refused.Code);
        Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
        // As with each call that is not understood.
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_task_is_ready_when_all_that_it_waits_for_is_completed()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c", "a", "b"));
        Assert.Equal(["dependency"], (await rig.Task(ids[2])).Holds());
        foreach (var id in ids[..2])
        {
            var turn = await rig.Run(id, "alice");
            await alice.CallAsync("complete_task", new { summary = "ok" });
            await rig.EndTurn("alice", turn);
        }

        var last = await rig.Task(ids[2]);
        Assert.Empty(last.Holds());
        Assert.Equal((2, 2), (last.GetProperty("deps").Number("total"), last.GetProperty("deps").Number("done")));
        Assert.NotNull(last.Text("ready_at"));
    }

    [Fact]
    public async Task Events_show_each_change_of_a_task_and_of_its_agents_row()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var events = await rig.Hive.Events();
        var task = await rig.OneTask();
        Assert.Equal("pending", (await events.Next("task_changed")).GetProperty("task").Text("status"));
        var turn = await rig.Run(task, "alice");
        Assert.Equal("assigned", (await events.Next("task_changed")).GetProperty("task").Text("status"));
        Assert.Equal("running", (await events.Next("task_changed")).GetProperty("task").Text("status"));
        await alice.CallAsync("complete_task", new { summary = "ok" });
        Assert.Equal("completed", (await events.Next("task_changed")).GetProperty("task").Text("status"));
        await rig.EndTurn("alice", turn);
    }

    [Fact]
    public async Task A_second_completion_is_refused_and_a_repeated_one_gets_the_first_answer()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var first = await alice.CallAsync(
            "complete_task",
            new
            {
                task,
                summary = "ok",
                key = "k",
            }
        );
        var again = await alice.CallAsync(
            "complete_task",
            new
            {
                task,
                summary = "ok",
                key = "k",
            }
        );
        Assert.Equal(first.GetProperty("task").GetRawText(), again.GetProperty("task").GetRawText());
        var refused = await rig.Refused(alice.CallAsync("complete_task", new { task, summary = "better" }));
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("was completed by alice", refused.Message, StringComparison.Ordinal);
        Assert.Equal("ok", (await rig.Task(task)).GetProperty("result").Text("summary"));
    }

    [Fact]
    public async Task Of_two_completions_at_once_one_counts()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async i =>
                {
                    using var line = await rig.Hive.Connect("alice");
                    try
                    {
                        await line.CallAsync("complete_task", new { task, summary = $"{i}" });
                        return "ok";
                    }
                    catch (Hive.Protocol.HiveException e)
                    {
                        return e.Code;
                    }
                })
        );
        Assert.Equal(["conflict", "ok"], answers.Distinct().Order());
        Assert.Single(answers, "ok");
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM task_ends"));
    }

    [Fact]
    public async Task Of_two_completions_at_once_with_one_key_both_get_the_first_answer()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async i =>
                {
                    using var line = await rig.Hive.Connect("alice");
                    var call = new
                    {
                        task,
                        summary = $"{i}",
                        key = "k",
                    };
                    return (await line.CallAsync("complete_task", call)).GetProperty("task").GetRawText();
                })
        );
        Assert.Single(answers.Distinct());
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM task_ends"));
    }

    [Fact]
    public async Task Anothers_task_and_a_task_of_nobody_are_refused_with_who_has_them()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var bob = await rig.Worker("bob");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b", "a"));
        await rig.Run(ids[0], "alice");
        var anothers = await rig.Refused(bob.CallAsync("complete_task", new { task = ids[0], summary = "mine" }));
        Assert.Equal("conflict", anothers.Code);
        Assert.Contains("is alice's since 2026-01-31", anothers.Message, StringComparison.Ordinal);
        var nobodys = await rig.Refused(bob.CallAsync("complete_task", new { task = ids[1], summary = "mine" }));
        Assert.Contains("was given to nobody yet", nobodys.Message, StringComparison.Ordinal);
        var none = await rig.Refused(bob.CallAsync("complete_task", new { summary = "mine" }));
        Assert.Contains("bob has no task now", none.Message, StringComparison.Ordinal);
        Assert.Equal("running", (await rig.Task(ids[0])).Text("status"));
    }

    [Fact]
    public async Task An_agent_with_several_tasks_names_the_one_that_it_means()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capacity: 2");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Give(ids[0], "alice");
        await rig.Give(ids[1], "alice");
        var refused = await rig.Refused(alice.CallAsync("complete_task", new { summary = "which?" }));
        Assert.Equal("invalid", refused.Code);
        Assert.Contains($"{ids[0]}, {ids[1]}", refused.Message, StringComparison.Ordinal);
        await alice.CallAsync("complete_task", new { task = ids[1], summary = "this" });
        Assert.Equal("completed", (await rig.Task(ids[1])).Text("status"));
    }

    [Fact]
    public async Task A_call_about_an_ended_run_is_refused()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        var first = (await rig.Task(task)).Number("run");
        rig.Pass(3600);
        await rig.Until(task, row => row.Number("retry_count") == 1);
        rig.Pass(20);
        await rig.Until(task, row => row.Holds().Length == 0);
        await rig.Give(task, "alice");
        // The turn of the first run is still open: what it calls is about that run.
        var old = await rig.Refused(alice.CallAsync("complete_task", new { task, summary = "late" }));
        Assert.Equal("conflict", old.Code);
        await rig.EndTurn("alice", turn);
        var named = await rig.Refused(
            alice.CallAsync(
                "complete_task",
                new
                {
                    task,
                    summary = "late",
                    run = first,
                }
            )
        );
        Assert.Contains($"run {first} of task {task} has ended", named.Message, StringComparison.Ordinal);
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
        await rig.Begin("alice");
        await alice.CallAsync("complete_task", new { task, summary = "now" });
    }

    [Fact]
    public async Task A_task_that_a_person_tries_again_is_not_completed_by_the_turn_before()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
        await rig.Host.CallAsync("change_task", new { id = task, action = "retry" });
        await rig.Give(task, "alice");
        Assert.Equal(
            "conflict",
            (await rig.Refused(alice.CallAsync("complete_task", new { task, summary = "late" }))).Code
        );
        await rig.EndTurn("alice", turn, "cancelled");
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
        await alice.CallAsync("complete_task", new { task, summary = "now" });
    }

    [Theory]
    [InlineData("complete_task", "{\"summary\": \"a is done\"}")]
    [InlineData("report_progress", "{\"text\": \"a goes on\"}")]
    public async Task A_call_without_a_task_is_about_the_one_that_its_files_were_read_for(string tool, string call)
    {
        var between = new Between();
        await using var rig = await TaskRig.Start(services => services.AddSingleton<ITaskChecks>(between));
        var alice = await rig.Worker("alice");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Run(ids[0], "alice");
        between.Act = async () =>
        {
            await rig.Host.CallAsync("change_task", new { id = ids[0], action = "cancel" });
            await rig.Give(ids[1], "alice");
        };
        Assert.Equal("conflict", (await rig.Refused(alice.CallAsync(tool, JsonElement.Parse(call)))).Code);
        Assert.Equal("assigned", (await rig.Task(ids[1])).Text("status"));
    }

    // Lets something happen while the files of a call are read.
    private sealed class Between : ITaskChecks
    {
        public Func<Task>? Act { get; set; }

        public async Task<object> Collect(
            string agent,
            (long Ticket, long? Task) of,
            IReadOnlyList<HandedIn> artifacts,
            CancellationToken ct
        )
        {
            await (Act?.Invoke() ?? Task.CompletedTask);
            return artifacts;
        }

        public void Handed(IWrite write, TaskEntry task, object collected, string agent) { }

        public void Completed(
            IWrite write,
            TaskEntry task,
            TaskResult result,
            object collected,
            IReadOnlyDictionary<string, double> metrics,
            string agent
        ) { }

        public void AskReview(IWrite write, TaskEntry task) { }

        public void Cancelled(IWrite write, TaskEntry task) { }

        public void MustBeOpen(IWrite write, TaskEntry review) { }

        public bool HasLooked(DbConnection db, TaskEntry review, string agent) => true;

        public void Looked(IWrite write, TaskEntry review, string agent) { }

        public void Done(long ticket, object collected) { }
    }

    [Theory]
    [InlineData("complete_task", "summary")]
    [InlineData("report_progress", "text")]
    public async Task Evidence_that_is_refused_leaves_the_task_begun(string tool, string text)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        var call = new Dictionary<string, object>
        {
            [text] = "done",
            ["artifacts"] = new[] { new { type = "doc", path = "/agents/alice/state/missing.md" } },
        };
        await rig.Refused(alice.CallAsync(tool, call));
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
        rig.Pass(301);
        Assert.Equal(0, (await rig.Task(task)).Number("faults"));
    }

    [Fact]
    public async Task Results_of_closed_tickets_are_removed_after_400_days()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var (closed, open) = (await rig.OneTask(), await rig.OneTask());
        foreach (var id in new[] { closed, open })
        {
            var turn = await rig.Run(id, "alice");
            await alice.CallAsync("complete_task", new { summary = "done" });
            await rig.EndTurn("alice", turn);
        }

        await rig.Move((await rig.Task(closed)).Number("ticket"), "PHASE_DONE");
        rig.Hive.Clock.Jump(TimeSpan.FromDays(399));
        rig.Pass(3600);
        Assert.True((await rig.Task(closed)).TryGetProperty("result", out _));
        rig.Hive.Clock.Jump(TimeSpan.FromDays(1));
        rig.Pass(3600);
        var row = await rig.Until(closed, task => !task.TryGetProperty("result", out _));
        Assert.Equal(("completed", "one"), (row.Text("status"), row.Text("title")));
        Assert.Equal("done", (await rig.Task(open)).GetProperty("result").Text("summary"));
    }

    [Theory]
    [InlineData("{\"summary\": \" \"}", "'summary' is empty")]
    [InlineData("{\"summary\": \"x\", \"artifacts\": [null]}", "artifacts[0]: is null")]
    [InlineData("{\"summary\": \"x\", \"risks\": [\"a\", null]}", "'risks[1]' is null")]
    [InlineData("{\"summary\": \"x\", \"notes\": [\"\\u0000\"]}", "'notes[0]' contains a NUL character")]
    [InlineData("{\"summary\": \"x\", \"task\": 0}", "'task' must be a positive id")]
    [InlineData("{\"summary\": \"x\", \"artifacts\": [{\"type\": \"doc\"}]}", "an artifact has 'path'")]
    [InlineData("{\"summary\": \"x\", \"artifacts\": [{\"type\": \"doc\", \"commit\": \"ab\"}]}", "needs 'repository'")]
    public async Task A_malformed_completion_changes_nothing(string call, string fault)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var refused = await rig.Refused(alice.CallAsync("complete_task", JsonElement.Parse(call)));
        Assert.Equal("invalid", refused.Code);
        Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task Only_workers_have_the_tools_of_workers_and_only_the_manager_changes_tasks()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Hive.Spawn("carol");
        var carol = await rig.Connect("carol");
        var task = await rig.OneTask();
        foreach (var tool in (string[])["complete_task", "fail_task", "report_progress", "get_work"])
            Assert.Equal(
                "unknown_command",
                (await rig.Refused(carol.CallAsync(tool, new { task, summary = "x" }))).Code
            );
        foreach (var tool in (string[])["change_task", "add_tasks", "list_work"])
            Assert.Equal(
                "unknown_command",
                (await rig.Refused(alice.CallAsync(tool, new { id = task, action = "skip" }))).Code
            );
    }
}
