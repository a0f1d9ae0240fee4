using System.Text.Json;
using Dapper;

namespace Hive.Tests.Tasks;

public sealed class FailTaskTests
{
    [Fact]
    public async Task A_failed_try_waits_a_while_and_is_then_ready_again()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await Failed(rig);
        var row = await rig.Task(task);
        Assert.Equal(
            ("pending", 1, "retryable"),
            (row.Text("status"), row.Number("retry_count"), row.Text("error_kind"))
        );
        Assert.Equal(["retry"], row.Holds());
        rig.Pass(7);
        Assert.Equal(["retry"], (await rig.Task(task)).Holds());
        rig.Pass(6);
        await rig.Until(task, IsReady);
    }

    [Fact]
    public async Task An_alarm_that_comes_before_the_end_of_a_pause_is_set_again()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await Failed(rig);
        // As if the alarm belonged to an earlier pause.
        await rig.Change(write => write.Db.Execute("UPDATE tasks SET not_before = not_before + 100000"));
        var end = (await rig.Task(task)).Text("not_before");
        rig.Pass(15);
        // The alarm that is set after it comes on the same path.
        var other = await Failed(rig);
        rig.Pass(15);
        await rig.Until(other, IsReady);
        var row = await rig.Task(task);
        Assert.Equal(["retry"], row.Holds());
        Assert.Equal(end, row.Text("not_before"));
        rig.Pass(90);
        await rig.Until(task, IsReady);
    }

    [Fact]
    public async Task A_pause_lasts_as_long_although_the_clock_was_set_back()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await Failed(rig);
        rig.Hive.Clock.Jump(TimeSpan.FromHours(-1));
        rig.Pass(15);
        await rig.Until(task, IsReady);
    }

    [Fact]
    public async Task The_end_of_a_pause_that_could_not_be_stored_is_tried_again()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await Failed(rig);
        await rig.Change(write =>
            write.Db.Execute(
                "CREATE TRIGGER poison BEFORE UPDATE ON tasks WHEN new.holds = 0 BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        );
        var log = rig.Hive.Log();
        rig.Pass(15);
        await log.Next("could not act on the alarm 'Retry'");
        Assert.Equal(["retry"], (await rig.Task(task)).Holds());
        await rig.Change(write => write.Db.Execute("DROP TRIGGER poison"));
        rig.Pass(61);
        await rig.Until(task, IsReady);
    }

    [Fact]
    public async Task Tries_are_used_up_and_what_waits_is_held_with_the_reason()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Connect("manager");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b", "a"));
        for (var i = 0; i < 4; i++)
        {
            await rig.Run(ids[0], "alice");
            await alice.CallAsync("fail_task", new { reason = $"flaky {i}" });
            rig.Pass(600);
            await rig.Until(ids[0], row => row.Text("status") == "failed" || IsReady(row));
            foreach (var message in await rig.Messages("alice"))
                await alice.CallAsync("ack", new { id = message.Number("id") });
        }

        var failed = await rig.Task(ids[0]);
        Assert.Equal(
            ("failed", "retries_exhausted", "flaky 3"),
            (failed.Text("status"), failed.Text("error_kind"), failed.Text("error_message"))
        );
        var held = await rig.Task(ids[1]);
        Assert.Contains("failed_dependency", held.Holds());
        Assert.Contains(
            held.GetProperty("holds").EnumerateArray(),
            h => h.Text("reason")!.Contains($"needs task {ids[0]}", StringComparison.Ordinal)
        );
        Assert.Equal("dependency", await rig.Read<string>("SELECT blocked FROM test_tickets"));
        var news = (await rig.News("manager")).Where(n => n.Text("event") == "task_failed");
        Assert.Equal(ids[0], news.Single().Number("id"));
    }

    [Fact]
    public async Task A_permanent_failure_is_final_until_somebody_acts()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b", "a"));
        await rig.Run(ids[0], "alice");
        var answer = await alice.CallAsync("fail_task", new { reason = "file not found" });
        Assert.Equal("failed", answer.GetProperty("task").Text("status"));
        await rig.Host.CallAsync("change_task", new { id = ids[0], action = "retry" });
        var again = await rig.Task(ids[0]);
        Assert.Equal(("pending", 0), (again.Text("status"), again.Number("retry_count")));
        Assert.Empty(again.Holds());
        Assert.Equal(["dependency"], (await rig.Task(ids[1])).Holds());
        await rig.Run(ids[0], "alice");
        await alice.CallAsync("fail_task", new { reason = "no", kind = "permanent" });
        await rig.Host.CallAsync("change_task", new { id = ids[0], action = "skip" });
        Assert.Equal("completed", (await rig.Task(ids[0])).Text("status"));
        Assert.Empty((await rig.Task(ids[1])).Holds());
    }

    [Fact]
    public async Task The_second_need_of_input_blocks_the_ticket()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        // Words alone decide nothing.
        await alice.CallAsync("fail_task", new { reason = "needs_input: a moment", kind = "retryable" });
        await rig.EndTurn("alice", turn);
        rig.Pass(20);
        await rig.Until(task, IsReady);
        turn = await rig.Run(task, "alice");
        await alice.CallAsync("fail_task", new { reason = "which database?", kind = "needs_input" });
        await rig.EndTurn("alice", turn);
        var first = await rig.Task(task);
        Assert.Equal(1, first.Number("retry_count"));
        Assert.Equal(["retry"], first.Holds());
        rig.Pass(20);
        await rig.Until(task, IsReady);
        await rig.Give(task, "alice");
        await alice.CallAsync("fail_task", new { reason = "which database?", kind = "needs_input" });
        var second = await rig.Task(task);
        Assert.Equal(["ticket", "operator"], second.Holds());
        Assert.Equal("waiting_on_clarification", await rig.Read<string>("SELECT blocked FROM test_tickets"));
        await rig.Write(write => rig.Tickets.Unblock(write, 1, "operator"));
        Assert.Equal([$"task_held-{task}"], (await Waiting(rig)).Where(IsOfTask));
        var refused = await rig.Refused(rig.Host.CallAsync("change_task", new { id = task, action = "retry" }));
        Assert.Equal("conflict", refused.Code);
        await rig.Host.CallAsync("change_task", new { id = task, action = "release" });
        Assert.Empty((await rig.Task(task)).Holds());
        Assert.DoesNotContain(await Waiting(rig), IsOfTask);
    }

    [Fact]
    public async Task A_task_that_a_person_holds_waits_for_nobody_else()
    {
        await using var rig = await TaskRig.Start();
        var task = await rig.OneTask();
        await rig.Host.CallAsync(
            "change_task",
            new
            {
                id = task,
                action = "hold",
                reason = "not yet",
            }
        );
        Assert.Contains(
            "held by operator: not yet",
            (await rig.Task(task)).GetProperty("holds")[0].Text("reason"),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(await Waiting(rig), IsOfTask);
    }

    [Fact]
    public async Task A_failed_task_waits_for_the_operator_until_somebody_acts()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await Failed(rig, "permanent");
        Assert.Equal([$"task_failed-{task}"], (await Waiting(rig)).Where(IsOfTask));
        var refused = await rig.Refused(rig.Host.CallAsync("change_task", new { id = task, action = "release" }));
        Assert.Equal("conflict", refused.Code);
        await rig.Host.CallAsync("change_task", new { id = task, action = "retry" });
        Assert.DoesNotContain(await Waiting(rig), IsOfTask);
    }

    [Fact]
    public async Task A_failed_task_waits_for_nobody_once_its_ticket_has_ended()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await Failed(rig, "permanent");
        Assert.Contains(await Waiting(rig), key => key == $"task_failed-{task}");
        await rig.Move((await rig.Task(task)).Number("ticket"), "PHASE_DONE");
        Assert.DoesNotContain(await Waiting(rig), key => key == $"task_failed-{task}");
        Assert.Equal("failed", (await rig.Task(task)).Text("status"));
    }

    // A new task that alice has run and failed.
    private static async Task<long> Failed(TaskRig rig, string? kind = null)
    {
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Of("alice").CallAsync("fail_task", new { reason = "the network is down", kind });
        return task;
    }

    private static bool IsReady(JsonElement task) => task.Holds().Length == 0;

    // Not that nobody can do it: the rig's workers take no tasks of their own accord.
    private static bool IsOfTask(string key) =>
        key.StartsWith("task_", StringComparison.Ordinal)
        && !key.StartsWith("task_unservable", StringComparison.Ordinal);

    private static async Task<string[]> Waiting(TaskRig rig) =>
        [.. (await rig.Hive.State()).GetProperty("waiting").EnumerateArray().Select(row => row.Text("key")!)];
}
