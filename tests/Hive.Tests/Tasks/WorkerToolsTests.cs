using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Tests.Waiting;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

public sealed class WorkerToolsTests
{
    [Fact]
    public async Task Work_is_told_whole_to_the_agent_that_has_it()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var text = new string('ä', 8190);
        var task = (
            await rig.Add(
                ticket,
                new
                {
                    task_type = "write",
                    title = "long",
                    description = text,
                }
            )
        )[0];
        await rig.Give(task, "alice");
        var message = JsonElement.Parse((await rig.Messages("alice")).Single().Text("body")!);
        Assert.True(message.GetProperty("truncated").GetBoolean());
        Assert.EndsWith("…", message.Text("description"));
        var brief = (await alice.CallAsync("get_work")).GetProperty("brief");
        Assert.Equal((text, "assigned"), (brief.Text("description"), "assigned"));
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_whole_brief_is_read_beside_the_writer()
    {
        var part = new ReaderPart();
        await using var rig = await TaskRig.Start(services => services.AddSingleton<IBriefPart>(part));
        var alice = await rig.Worker("alice");
        await rig.Give(await rig.OneTask(), "alice");
        Assert.Equal("running", (await alice.CallAsync("get_work")).GetProperty("brief").Text("status"));
        Assert.Equal("running", (await alice.CallAsync("get_work")).GetProperty("brief").Text("status"));
        Assert.Equal([1, 1], part.QueryOnly);
    }

    [Fact]
    public async Task A_worker_sees_its_tickets_and_no_others()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var (own, other) = (await rig.Ticket(), await rig.Ticket());
        var ids = await rig.Add(own, TaskRig.New("a"), TaskRig.New("b", "a"));
        var foreign = (await rig.Add(other, TaskRig.New("x")))[0];
        await rig.Give(ids[0], "alice");
        var seen = await alice.CallAsync("get_work", new { ticket = own });
        Assert.Equal(2, seen.GetProperty("tasks").GetArrayLength());
        var next = (await alice.CallAsync("get_work", new { task = ids[1] })).GetProperty("task");
        Assert.Equal(ids[1], next.Number("id"));
        Assert.False(next.TryGetProperty("description", out _));
        var whole = (await rig.Host.CallAsync("get_work", new { task = ids[1] })).GetProperty("task");
        Assert.Equal(("", "b"), (whole.Text("description"), whole.Text("ref")));
        Assert.Equal("forbidden", (await rig.Refused(alice.CallAsync("get_work", new { ticket = other }))).Code);
        Assert.Equal("forbidden", (await rig.Refused(alice.CallAsync("get_work", new { task = foreign }))).Code);
    }

    [Fact]
    public async Task A_ticket_with_long_tasks_is_told_cut_to_64_KiB()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        for (var part = 0; part < 6; part++)
            await rig.Add(
                ticket,
                [.. Enumerable.Range(0, 15).Select(i => new { task_type = "write", title = new string('ä', 500) })]
            );
        var answer = await rig.Host.CallAsync("get_work", new { ticket });
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(answer.GetRawText()), 50 * 1024, 64 * 1024);
        Assert.True(answer.GetProperty("truncated").GetBoolean());
        Assert.Equal("tasks", answer.GetProperty("cut")[0].GetString());
        Assert.InRange(answer.GetProperty("tasks").GetArrayLength(), 10, 89);
    }

    [Fact]
    public async Task Progress_is_kept_once_a_second()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        for (var i = 0; i < 1000; i++)
            await alice.CallAsync("report_progress", new { text = $"step {i}", percent = 10 });
        Assert.Equal("step 0", (await rig.Task(task)).Text("progress"));
        rig.Pass(1);
        var answer = await alice.CallAsync("report_progress", new { text = "later", percent = 60 });
        Assert.True(answer.GetProperty("still_yours").GetBoolean());
        var row = await rig.Task(task);
        Assert.Equal(("later", 60), (row.Text("progress"), row.Number("progress_percent")));
        var long_ = await rig.Refused(alice.CallAsync("report_progress", new { text = new string('x', 501) }));
        Assert.Equal("too_large", long_.Code);
    }

    [Fact]
    public async Task A_task_is_a_loose_end_of_its_agent_and_counts_on_its_row()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var ends = (await alice.CallAsync("loose_ends")).GetProperty("items").EnumerateArray();
        Assert.Contains(ends, e => e.Text("kind") == "task" && e.Number("id") == task && e.Text("role") == "owes");
        var state = await rig.Hive.State();
        var row = state.GetProperty("agents").EnumerateArray().Single(a => a.Text("name") == "alice");
        Assert.Equal(1, row.Number("active_tasks"));
        Assert.Equal(task, state.GetProperty("tasks").EnumerateArray().Single().Number("id"));
    }

    [Fact]
    public async Task The_manager_lists_work()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var manager = await rig.Connect("manager");
        var ticket = await rig.Ticket();
        var made = await manager.CallAsync("add_tasks", new { ticket, tasks = new[] { TaskRig.New("a") } });
        Assert.Equal("manager", made.GetProperty("tasks")[0].Text("created_by"));
        var tickets = (await manager.CallAsync("list_work", new { what = "tickets" })).GetProperty("tickets");
        Assert.Equal(1, tickets[0].GetProperty("tasks").Number("open"));
        Assert.Equal(
            1,
            (await manager.CallAsync("list_work", new { what = "tasks" })).GetProperty("tasks").GetArrayLength()
        );
        var agents = (await manager.CallAsync("list_work", new { what = "agents" })).GetProperty("agents");
        Assert.Equal(("alice", "worker"), (agents[0].Text("name"), agents[0].Text("duty")));
        Assert.Equal("invalid", (await rig.Refused(manager.CallAsync("list_work", new { what = "all" }))).Code);
        Assert.Equal("conflict", (await rig.Refused(rig.Of("alice").CallAsync("get_work"))).Code);
    }

    [Fact]
    public async Task A_task_that_nobody_can_do_is_taken_and_the_operator_is_told()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        using var events = await rig.Hive.Events();
        await rig.Add(
            await rig.Ticket(),
            new
            {
                task_type = "port",
                title = "Port it",
                capabilities = new[] { " Cobol " },
            }
        );

        Assert.Equal("+ task_unservable-1", await events.NextWaiting());
        var row = await rig.Hive.Row("task_unservable-1");
        Assert.Equal(("nobody can do a task: it needs the duty worker with cobol", "soon"), (row.Title, row.Urgency));
        Assert.Equal("task 1: needs the duty worker with cobol; no agent fits", row.Detail);
        var task = (await rig.Host.CallAsync("task", new { id = 1 })).GetProperty("task");
        Assert.Equal("the duty worker with cobol; no agent fits", task.Text("needs"));
        await Agents.WorkRig.SpawnAs(rig.Hive, "bob", "duty: worker\ncapabilities: [cobol]\n");
        await rig.Connect("bob");
        Assert.Equal("- task_unservable-1", await rig.Hive.NextWaiting(events));
    }

    /// <summary>Notes whether the connection that a whole brief is read on can write.</summary>
    private sealed class ReaderPart : IBriefPart
    {
        public List<long> QueryOnly { get; } = [];

        public void Add(DbConnection db, TaskEntry task, TicketEntry ticket, JsonObject brief, bool isWhole)
        {
            if (isWhole)
                QueryOnly.Add(db.ExecuteScalar<long>("PRAGMA query_only"));
        }
    }
}
