using System.Text.Json;
using Dapper;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

public sealed class RunClockTests
{
    [Fact]
    public async Task A_task_that_is_not_begun_in_time_goes_back_without_counting_a_try()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        rig.Pass(299);
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
        rig.Pass(2);
        var row = await rig.Until(task, now => now.Number("faults") == 1);
        Assert.Equal(0, row.Number("retry_count"));
        Assert.Equal("not_started", row.GetProperty("runs").EnumerateArray().Last().Text("end"));
    }

    [Fact]
    public async Task Time_in_another_turn_does_not_count_against_the_start()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Host.CallAsync("send", new { to = "alice", body = "hello" });
        var turn = await rig.BeginTurn("alice", (await rig.Messages("alice")).Single().Number("id"));
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        rig.Pass(1000);
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
        await rig.EndTurn("alice", turn);
        rig.Pass(299);
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
        rig.Pass(2);
        await rig.Until(task, row => row.Number("faults") == 1);
    }

    [Fact]
    public async Task A_run_that_takes_all_of_its_time_is_cancelled_and_tried_again()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Host.CallAsync("send", new { to = "alice", body = "hello" });
        var other = (await rig.Messages("alice")).Single().Number("id");
        var task = await rig.OneTask();
        await SetTimeout(rig, task, 60);
        var message = await rig.Give(task, "alice");
        await rig.Messages("alice");
        var turn = await rig.BeginTurn("alice", message, other);
        Assert.Empty(await Controls(alice));
        rig.Pass(61);
        var row = await rig.Until(task, now => now.Number("retry_count") == 1);
        Assert.Equal("timeout", row.GetProperty("runs")[0].Text("end"));
        MustCancel(turn, await Controls(alice, 30));
        // Nothing counts against the other message of that turn: it comes again.
        await rig.EndTurn("alice", turn, "cancelled");
        rig.Pass(60);
        var left = await rig.Messages("alice");
        Assert.Contains(left, m => m.Number("id") == other);
        Assert.DoesNotContain(left, m => m.Number("id") == message);
        Assert.Contains(left, m => m.Text("body")!.Contains("task_cancelled", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_agent_that_does_not_come_back_loses_its_task_without_counting_a_try()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await alice.CallAsync("requeue_inflight");
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
        rig.Pass(119);
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
        rig.Pass(2);
        var row = await rig.Until(task, now => now.Number("faults") == 1);
        Assert.Equal(
            ("lost", 0),
            (row.GetProperty("runs").EnumerateArray().Last().Text("end"), row.Number("retry_count"))
        );
    }

    [Fact]
    public async Task An_agent_that_comes_back_in_time_keeps_its_run()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var run = (await rig.Task(task)).Number("run");
        await alice.CallAsync("requeue_inflight");
        rig.Pass(60);
        await rig.Begin("alice");
        rig.Pass(300);
        var row = await rig.Task(task);
        Assert.Equal(("running", run), (row.Text("status"), row.Number("run")));
        await alice.CallAsync("complete_task", new { summary = "ok" });
    }

    [Fact]
    public async Task After_five_faults_a_person_has_to_look_at_the_next()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        for (var i = 1; i <= 6; i++)
        {
            Assert.Empty((await rig.Task(task)).Holds());
            await rig.Give(task, "alice");
            rig.Pass(301);
            await rig.Until(task, row => row.Number("faults") == i);
        }

        var held = await rig.Task(task);
        Assert.Equal(["operator"], held.Holds());
        Assert.Contains("6 runs of it", held.GetProperty("holds")[0].Text("reason"), StringComparison.Ordinal);
        await rig.Host.CallAsync("change_task", new { id = task, action = "release" });
        Assert.Equal(0, (await rig.Task(task)).Number("faults"));
    }

    [Theory]
    [InlineData(false, "not_started")]
    [InlineData(true, "lost")]
    public async Task The_tasks_of_a_destroyed_agent_go_back(bool isBegun, string end)
    {
        await using var rig = await TaskRig.Start();
        var task = await TaskOfAlice(rig, isBegun);
        await rig.Host.CallAsync("destroy", new { name = "alice" });
        Assert.Empty((await GoneBack(rig, task, end)).Holds());
    }

    [Theory]
    [InlineData(false, "not_started")]
    [InlineData(true, "lost")]
    public async Task The_tasks_of_an_agent_without_its_duty_go_back(bool isBegun, string end)
    {
        await using var rig = await TaskRig.Start();
        var task = await TaskOfAlice(rig, isBegun);
        var roster = rig.Hive.Services.GetRequiredService<IRoster>();
        await rig.Change(write => roster.Change(write, "alice", agent => agent with { Configured = AgentWork.None }));
        var row = await GoneBack(rig, task, end);
        Assert.Contains("takes no tasks any more", row.GetProperty("runs")[0].Text("note")!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pause_stops_the_time_and_the_reminders_of_a_run()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        // Before the idle time after which a task counts as tried without a result.
        await SetTimeout(rig, task, 1000);
        var turn = await rig.Run(task, "alice");
        await rig.EndTurn("alice", turn);
        await rig.Host.CallAsync("set_paused", new { name = "alice", paused = true });
        rig.Pass(5000);
        await rig.Change(_ => { });
        var row = await rig.Task(task);
        Assert.Equal(("running", 0), (row.Text("status"), row.GetProperty("runs")[0].Number("nudges")));
        await rig.Host.CallAsync("set_paused", new { name = "alice", paused = false });
        rig.Pass(121);
        await rig.Until(task, now => now.GetProperty("runs")[0].Number("nudges") == 1);
        rig.Pass(900);
        row = await rig.Until(task, now => now.Number("retry_count") == 1);
        Assert.Equal("timeout", row.GetProperty("runs")[0].Text("end"));
    }

    [Fact]
    public async Task A_task_that_a_paused_agent_has_not_begun_goes_back_uncounted()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        await rig.Host.CallAsync("set_paused", new { name = "alice", paused = true });
        rig.Pass(301);
        Assert.Equal(0, (await rig.Until(task, "pending")).Number("faults"));
    }

    [Fact]
    public async Task The_time_in_which_no_host_runs_counts_against_no_run()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await SetTimeout(rig, task, 600);
        await rig.Run(task, "alice");
        rig.Pass(500);
        await rig.Restart(() => rig.Pass(5000));
        rig.Pass(99);
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
        rig.Pass(2);
        var row = await rig.Until(task, now => now.Number("retry_count") == 1);
        Assert.Equal("timeout", row.GetProperty("runs")[0].Text("end"));
    }

    [Fact]
    public async Task The_time_that_a_run_has_taken_is_stored_every_minute()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        rig.Pass(61);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await rig.Read<long>("SELECT spent_ms FROM runs") < 60_000)
            Assert.False(patience.IsCancellationRequested, "the time of the run is not stored");
    }

    [Fact]
    public async Task A_write_that_fails_changes_no_clock_of_a_run()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await SetTimeout(rig, task, 60);
        await rig.Run(task, "alice");
        rig.Pass(40);
        var acts = rig.Hive.Services.GetRequiredService<TaskActs>();
        await Assert.ThrowsAsync<TimeoutException>(() =>
            rig.Change(write =>
            {
                acts.Cancel(write, TaskTable.Require(write.Db, task), "not now");
                // The agent's row changes on another thread before the write has failed.
                rig.Hive.Services.GetRequiredService<RunClocks>().Refresh("alice");
                throw new TimeoutException();
            })
        );
        rig.Pass(21);
        await rig.Until(task, row => row.Number("retry_count") == 1);
    }

    [Fact]
    public async Task An_alarm_does_nothing_when_its_agent_has_come_back_before_it()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await alice.CallAsync("requeue_inflight");
        var ends = rig.Hive.Services.GetRequiredService<RunEnds>();
        await rig.Change(write =>
        {
            // The alarm waits for this write.
            rig.Pass(121);
            ends.Seen(write, TaskTable.Require(write.Db, task));
        });
        await rig.Change(_ => { });
        rig.Pass(60);
        var row = await rig.Task(task);
        Assert.Equal(("running", 0), (row.Text("status"), row.Number("faults")));
    }

    [Fact]
    public async Task A_stored_time_of_any_length_neither_stops_the_host_nor_its_alarms()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capacity: 2");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("long"), TaskRig.New("short"));
        await rig.Change(write =>
            write.Db.Execute("UPDATE tasks SET timeout_seconds = 1000000000000000 WHERE id = @id", new { id = ids[0] })
        );
        await SetTimeout(rig, ids[1], 60);
        await rig.Run(ids[0], "alice");
        await alice.CallAsync("report_progress", new { text = "well" });
        await rig.Restart();
        await rig.Connect("alice");
        await rig.Run(ids[1], "alice");
        rig.Pass(61);
        await rig.Until(ids[1], row => row.Number("retry_count") == 1);
        Assert.Equal("running", (await rig.Task(ids[0])).Text("status"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_turn_is_told_to_a_harness_that_connects_later(bool restarts)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        alice.Dispose();
        await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
        if (restarts)
            await rig.Restart();
        alice = await rig.Connect("alice");
        MustCancel(turn, await Controls(alice));
        await rig.EndTurn("alice", turn, "cancelled");
        alice = await rig.Connect("alice");
        Assert.Empty(await Controls(alice));
    }

    [Fact]
    public async Task A_failed_read_of_cancelled_turns_is_repeated_on_the_same_connection()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        alice.Dispose();
        await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
        alice = await rig.Connect("alice");
        await rig.Change(write => write.Db.Execute("ALTER TABLE turns RENAME TO turns_away"));
        await rig.Refused(Controls(alice));
        await rig.Change(write => write.Db.Execute("ALTER TABLE turns_away RENAME TO turns"));
        MustCancel(turn, await Controls(alice));
        Assert.Empty(await Controls(alice));
    }

    [Fact]
    public void Workflows_tickets_and_runs_are_known_before_agents_can_connect()
    {
        var order = Hive.Features.Features.InStartOrder().Select(module => module.Slice).ToList();
        var agents = order.IndexOf("Containers");
        Assert.All((string[])["Workflows", "Tickets", "Tasks"], slice => Assert.True(order.IndexOf(slice) < agents));
    }

    [Fact]
    public async Task A_restarted_host_goes_on_with_runs_and_pauses()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capacity: 2");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Give(ids[1], "alice");
        await alice.CallAsync("fail_task", new { task = ids[1], reason = "flaky" });
        await rig.Run(ids[0], "alice");
        await rig.Restart();
        Assert.Equal("running", (await rig.Task(ids[0])).Text("status"));
        Assert.Equal(["retry"], (await rig.Task(ids[1])).Holds());
        rig.Pass(15);
        await rig.Until(ids[1], row => row.Holds().Length == 0);
        alice = await rig.Connect("alice");
        await alice.CallAsync("complete_task", new { task = ids[0], summary = "after all" });
        Assert.Equal("completed", (await rig.Task(ids[0])).Text("status"));
    }

    private static async Task<long> TaskOfAlice(TaskRig rig, bool isBegun)
    {
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        if (isBegun)
            await rig.Begin("alice");
        return task;
    }

    // The task after its run has ended through no fault of its own.
    private static async Task<JsonElement> GoneBack(TaskRig rig, long task, string end)
    {
        rig.Pass(1);
        var row = await rig.Until(task, "pending");
        Assert.Equal((1, end), (row.Number("faults"), row.GetProperty("runs")[0].Text("end")));
        return row;
    }

    private static async Task<JsonElement[]> Controls(LineClient harness, int waitSeconds = 0) =>
        [
            .. (await harness.CallAsync("controls", new { wait_seconds = waitSeconds }))
                .GetProperty("controls")
                .EnumerateArray(),
        ];

    private static void MustCancel(long turn, JsonElement[] controls)
    {
        var control = Assert.Single(controls);
        Assert.Equal(("cancel_turn", turn), (control.Text("kind"), control.Number("turn")));
    }

    private static Task SetTimeout(TaskRig rig, long task, int seconds) =>
        rig.Host.CallAsync(
            "change_task",
            new
            {
                id = task,
                action = "timeout",
                timeout_seconds = seconds,
            }
        );
}
