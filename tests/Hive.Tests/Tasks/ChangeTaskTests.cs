namespace Hive.Tests.Tasks;

public sealed class ChangeTaskTests
{
    [Fact]
    public async Task A_cancelled_task_is_withdrawn_from_an_agent_that_has_not_seen_it()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Give(task, "alice");
        var row = await Change(rig, task, "cancel", reason: "not needed");
        Assert.Equal(("cancelled", "Task cancelled: not needed"), (row.Text("status"), row.Text("error_message")));
        Assert.Empty(await rig.Messages("alice"));
    }

    [Fact]
    public async Task Cancelling_a_running_task_cancels_its_turn_and_tells_its_agent()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await alice.CallAsync("controls", new { wait_seconds = 0 });
        await Change(rig, task, "cancel");
        var control = (await alice.CallAsync("controls", new { wait_seconds = 30 })).GetProperty("controls")[0];
        Assert.Equal(("cancel_turn", turn), (control.Text("kind"), control.Number("turn")));
        var late = await rig.Refused(alice.CallAsync("complete_task", new { task, summary = "late" }));
        Assert.Equal("conflict", late.Code);
        var progress = await alice.CallAsync("report_progress", new { task, text = "still here" });
        Assert.False(progress.GetProperty("still_yours").GetBoolean());
        await rig.EndTurn("alice", turn, "cancelled");
        Assert.Equal("task_cancelled", (await rig.News("alice")).Single().Text("event"));
        Assert.Equal("cancelled", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_task_that_waits_for_a_cancelled_one_is_held_until_that_is_tried_again()
    {
        await using var rig = await TaskRig.Start();
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b", "a"), TaskRig.New("c", "b"));
        await Change(rig, ids[0], "cancel");
        Assert.Contains("failed_dependency", (await rig.Task(ids[1])).Holds());
        Assert.DoesNotContain("failed_dependency", (await rig.Task(ids[2])).Holds());
        await Change(rig, ids[0], "retry");
        Assert.Equal(["dependency"], (await rig.Task(ids[1])).Holds());
    }

    [Fact]
    public async Task Edges_are_added_and_removed_while_a_task_is_not_begun()
    {
        await using var rig = await TaskRig.Start();
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await Change(rig, ids[1], "depend", on: ids[0]);
        Assert.Equal(["dependency"], (await rig.Task(ids[1])).Holds());
        // Twice is once.
        await Change(rig, ids[1], "depend", on: ids[0]);
        Assert.Equal(1, (await rig.Task(ids[1])).GetProperty("deps").Number("total"));
        await Change(rig, ids[1], "undepend", on: ids[0]);
        Assert.Empty((await rig.Task(ids[1])).Holds());
        var missing = await rig.Refused(Change(rig, ids[1], "undepend", on: ids[0]));
        Assert.Equal("not_found", missing.Code);
    }

    [Fact]
    public async Task Priority_agent_hold_and_time_are_changed()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        Assert.Equal("CRITICAL", (await Change(rig, task, "priority", priority: "CRITICAL")).Text("priority"));
        Assert.Equal("alice", (await Change(rig, task, "assign", agent: "alice")).Text("wants_agent"));
        Assert.Null((await Change(rig, task, "assign")).Text("wants_agent"));
        var held = await Change(rig, task, "hold", reason: "later");
        Assert.Equal("held by operator: later", held.GetProperty("holds")[0].Text("reason"));
        Assert.Empty((await Change(rig, task, "release")).Holds());
        Assert.Equal("conflict", (await rig.Refused(Change(rig, task, "release"))).Code);
    }

    [Theory]
    [InlineData("fly", null, null, null, "'action' can be cancel")]
    [InlineData("priority", "high", null, null, "'priority' can be CRITICAL")]
    [InlineData("timeout", null, null, 0L, "'timeout_seconds' must be from 1")]
    [InlineData("depend", null, null, null, "'depends_on' must be the id")]
    public async Task A_malformed_change_is_refused(
        string action,
        string? priority,
        string? agent,
        long? seconds,
        string fault
    )
    {
        var rig = await AllRows.Share(() => TaskRig.Start());
        var task = await rig.OneTask();
        var refused = await rig.Refused(
            rig.Host.CallAsync(
                "change_task",
                new
                {
                    id = task,
                    action,
                    priority,
                    agent,
                    timeout_seconds = seconds,
                }
            )
        );
        Assert.Equal("invalid", refused.Code);
        Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_overwrites_a_completed_task()
    {
        await using var rig = await TaskRig.Start();
        var task = await rig.OneTask();
        await Change(rig, task, "skip");
        foreach (var action in (string[])["cancel", "retry", "skip", "hold", "release", "assign"])
            Assert.Equal("conflict", (await rig.Refused(Change(rig, task, action))).Code);
        Assert.Equal("completed", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_repeated_change_with_a_key_changes_nothing_again()
    {
        await using var rig = await TaskRig.Start();
        var task = await rig.OneTask();
        await rig.Host.CallAsync(
            "change_task",
            new
            {
                id = task,
                action = "skip",
                key = "k",
            }
        );
        await rig.Host.CallAsync(
            "change_task",
            new
            {
                id = task,
                action = "skip",
                key = "k",
            }
        );
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM task_ends"));
    }

    private static async Task<System.Text.Json.JsonElement> Change(
        TaskRig rig,
        long id,
        string action,
        string? reason = null,
        string? priority = null,
        string? agent = null,
        long? on = null
    ) =>
        (
            await rig.Host.CallAsync(
                "change_task",
                new
                {
                    id,
                    action,
                    reason,
                    priority,
                    agent,
                    depends_on = on,
                }
            )
        ).GetProperty("task");
}
