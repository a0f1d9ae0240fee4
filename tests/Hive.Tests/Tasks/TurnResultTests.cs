using System.Text.Json;
using Hive.Tests.Locks;
using Hive.Tests.Messages;

namespace Hive.Tests.Tasks;

public sealed class TurnResultTests
{
    [Theory]
    [InlineData("failed")]
    [InlineData("prompt_too_long")]
    [InlineData("cancelled")]
    public async Task A_failed_or_cancelled_turn_ends_the_run_and_its_message_does_not_come_again(string result)
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await rig.EndTurn("alice", turn, result);
        var row = await rig.Task(task);
        Assert.Equal(("pending", 1), (row.Text("status"), row.Number("retry_count")));
        Assert.Equal("failed", End(row));
        Assert.Equal(["retry"], row.Holds());
        rig.Pass(700);
        Assert.DoesNotContain(await rig.News("alice"), n => n.Number("run") == row.Number("run"));
    }

    [Fact]
    public async Task A_turn_that_ends_with_a_cancelled_task_leaves_its_other_run_alone()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice", "capacity: 2");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        var first = await rig.Give(ids[0], "alice");
        var second = await rig.Give(ids[1], "alice");
        await rig.Messages("alice");
        var turn = await rig.BeginTurn("alice", first, second);
        await rig.Host.CallAsync("change_task", new { id = ids[0], action = "cancel" });
        await rig.EndTurn("alice", turn, "cancelled");
        var row = await rig.Task(ids[1]);
        Assert.Equal(("running", 0), (row.Text("status"), row.Number("retry_count")));
        rig.Pass(60);
        Assert.Contains(await rig.Messages("alice"), m => m.Number("id") == second);
    }

    [Fact]
    public async Task A_rate_limited_turn_leaves_the_run_and_its_message_comes_again()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        var run = (await rig.Task(task)).Number("run");
        await rig.EndTurn("alice", turn, "rate_limited");
        rig.Pass(60);
        Assert.Equal(run, (await rig.News("alice")).Single().Number("run"));
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_turn_without_the_message_of_a_run_ends_no_run()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Host.CallAsync("send", new { to = "alice", body = "hello" });
        var other = await rig.BeginTurn("alice", (await rig.Messages("alice")).Single().Number("id"));
        await rig.EndTurn("alice", other, "failed");
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_task_given_to_a_receiver_that_waits_inside_a_turn_belongs_to_that_turn()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var turn = await HelloTurn(rig);
        var receiving = await rig.Hive.Waiting(alice);
        var task = await rig.OneTask();
        await rig.Claim(task, "alice");
        var brief = JsonElement.Parse(Assert.Single(await receiving).Body);
        Assert.Equal(("task_assigned", task), (brief.Text("event"), brief.Number("id")));
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
        await rig.EndTurn("alice", turn);
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM task_turns WHERE turn = @turn", new { turn }));
        rig.Pass(301);
        var row = await rig.Until(task, now => Nudges(now) == 1);
        Assert.Equal(("running", 0), (row.Text("status"), row.Number("faults")));
    }

    [Fact]
    public async Task Cancelling_a_task_given_inside_a_turn_cancels_that_turn()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var turn = await HelloTurn(rig);
        var receiving = await rig.Hive.Waiting(alice);
        var task = await rig.OneTask();
        await rig.Claim(task, "alice");
        await receiving;
        await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
        await MustCancel(rig, turn);
    }

    [Fact]
    public async Task A_lock_granted_to_a_receiver_that_waits_inside_a_turn_ties_its_run_to_that_turn()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob");
        await rig.Acquire("bob", "repo:shop");
        await rig.Queue("alice", "repo:shop");
        await rig.EndTurn("alice", (await rig.Task(tasks[0])).GetProperty("runs")[0].Number("turn"));
        var turn = await HelloTurn(rig);
        var receiving = await rig.Hive.Waiting(rig.Of("alice"));
        await rig.Release("bob", "repo:shop");
        Assert.Equal("lock_granted", JsonElement.Parse(Assert.Single(await receiving).Body).Text("event"));
        await rig.Host.CallAsync("change_task", new { id = tasks[0], action = "cancel" });
        await MustCancel(rig, turn);
    }

    [Fact]
    public async Task An_idle_agent_is_reminded_twice_and_then_its_run_counts_as_no_result()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await rig.EndTurn("alice", turn);
        rig.Pass(119);
        Assert.Equal(0, Nudges(await rig.Task(task)));
        rig.Pass(2);
        await rig.Until(task, row => Nudges(row) == 1);
        var nudge = (await rig.News("alice")).Single();
        Assert.Equal(("task_idle", task), (nudge.Text("event"), nudge.Number("id")));
        rig.Pass(480);
        await rig.Until(task, row => Nudges(row) == 2);
        rig.Pass(1200);
        var row = await rig.Until(task, now => now.Number("retry_count") == 1);
        Assert.Equal("no_result", End(row));
        Assert.Contains(await rig.News("alice"), n => n.Text("event") == "task_cancelled");
    }

    [Theory]
    [InlineData("ask", "{\"question\": \"which?\"}")]
    [InlineData("remind", "{\"message\": \"look\", \"delay_seconds\": 86000}")]
    public async Task An_agent_that_waits_for_something_of_this_run_is_not_reminded(string tool, string call)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await alice.CallAsync(tool, JsonElement.Parse(call));
        await rig.EndTurn("alice", turn);
        // Each look at the question is a read beside the clock.
        for (var i = 0; i < 3; i++)
        {
            rig.Pass(121);
            await rig.Task(task);
        }

        Assert.Equal(0, Nudges(await rig.Task(task)));
    }

    [Fact]
    public async Task A_report_of_progress_puts_the_reminder_off()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await rig.EndTurn("alice", turn);
        rig.Pass(100);
        await alice.CallAsync("report_progress", new { text = "still at it" });
        rig.Pass(100);
        Assert.Equal(0, Nudges(await rig.Task(task)));
    }

    // A turn of alice's about something else, which her connection belongs to.
    private static async Task<long> HelloTurn(TaskRig rig)
    {
        await rig.Host.CallAsync("send", new { to = "alice", body = "hello" });
        var turn = await rig.Begin("alice");
        await rig.Of("alice").CallAsync("hello", new { turn });
        return turn;
    }

    private static async Task MustCancel(TaskRig rig, long turn)
    {
        var controls = await rig.Of("alice").CallAsync("controls", new { wait_seconds = 0 });
        var control = Assert.Single(controls.GetProperty("controls").EnumerateArray().ToArray());
        Assert.Equal(("cancel_turn", turn), (control.Text("kind"), control.Number("turn")));
    }

    private static long Nudges(JsonElement row) => row.GetProperty("runs")[0].Number("nudges");

    private static string? End(JsonElement row) => row.GetProperty("runs")[0].Text("end");
}
