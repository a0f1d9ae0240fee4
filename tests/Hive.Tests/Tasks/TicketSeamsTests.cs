using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

public sealed class TicketSeamsTests
{
    [Fact]
    public async Task A_phases_templates_make_their_tasks_once_with_what_the_ticket_says()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket("PHASE_REQUIREMENTS", title: "{ticket_id} & Söhne");
        var first = await Tasks(rig, ticket);
        Assert.NotEmpty(first);
        Assert.Contains(first, task => task.Text("title")!.Contains("{ticket_id} & Söhne", StringComparison.Ordinal));
        await rig.Move(ticket, "PHASE_BACKLOG");
        await rig.Move(ticket, "PHASE_REQUIREMENTS");
        Assert.Equal(first.Length, (await Tasks(rig, ticket)).Length);
        using var http = rig.Hive.Http();
        var again = await http.PostAsync($"/api/v1/tickets/{ticket}/generate-tasks", null);
        Assert.Equal("[]", await again.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    public async Task A_long_title_made_from_a_template_is_cut_between_characters(string start)
    {
        await using var rig = await TaskRig.Start();
        // With one of the two starts, the limit is in the middle of a pair of surrogates.
        var title = start + string.Concat(Enumerable.Repeat("😀", 249)) + "!";
        var tasks = await Tasks(rig, await rig.Ticket("PHASE_REQUIREMENTS", title));
        Assert.Contains(tasks, task => task.Text("title")!.EndsWith("😀…", StringComparison.Ordinal));
        Assert.All(tasks, task => Assert.Null(TextRules.Fault(task.Text("title")!)));
        Assert.All(tasks, task => Assert.DoesNotContain('\ufffd', task.Text("title")!));
    }

    [Fact]
    public async Task Tasks_of_phases_ahead_are_held_and_those_of_earlier_ones_run()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket("PHASE_REQUIREMENTS");
        await rig.Move(ticket, "PHASE_DESIGN");
        Assert.All(await Tasks(rig, ticket), task => Assert.DoesNotContain("phase", task.Holds()));
        await rig.Move(ticket, "PHASE_REQUIREMENTS");
        var tasks = await Tasks(rig, ticket);
        Assert.All(
            tasks,
            task => Assert.Equal(task.Text("phase_id") == "PHASE_DESIGN", task.Holds().Contains("phase"))
        );
        Assert.Contains(tasks, task => task.Text("phase_id") == "PHASE_DESIGN");
    }

    [Fact]
    public async Task A_blocked_ticket_holds_its_tasks()
    {
        await using var rig = await TaskRig.Start();
        var task = await rig.OneTask();
        await rig.Write(write => rig.Tickets.Block(write, 1, "environment", "no disk", "operator"));
        Assert.Equal(["ticket"], (await rig.Task(task)).Holds());
        await rig.Write(write => rig.Tickets.Unblock(write, 1, "operator"));
        Assert.Empty((await rig.Task(task)).Holds());
    }

    [Fact]
    public async Task A_ticket_that_ends_cancels_what_is_open()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b", "a"), TaskRig.New("c", "b"));
        await rig.Give(ids[0], "alice");
        await rig.Move(ticket, "PHASE_DONE");
        Assert.All(await Tasks(rig, ticket), task => Assert.Equal("cancelled", task.Text("status")));
        Assert.Empty(await rig.Messages("alice"));
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM runs WHERE ended_at IS NULL"));
        Assert.Equal(3, await rig.Read<long>("SELECT count(*) FROM task_ends WHERE status = 'cancelled'"));
        await Recount(rig);
    }

    [Fact]
    public async Task A_deleted_ticket_leaves_nothing_of_its_tasks()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b", "a"));
        var turn = await rig.Run(ids[0], "alice");
        var events = await rig.Hive.Events();
        await rig.Write(write =>
        {
            rig.Tickets.Delete(write, ticket);
            return 0;
        });
        Assert.Equal(ids[0], (await events.Next("task_removed")).Number("id"));
        Assert.Equal("not_found", (await rig.Refused(rig.Task(ids[0]))).Code);
        // Its message was leased; it must not come again.
        await rig.EndTurn("alice", turn, "cancelled");
        foreach (var table in (string[])["tasks", "task_deps", "runs", "task_messages", "task_turns"])
            Assert.Equal(0, await rig.Read<long>($"SELECT count(*) FROM {table}"));
        rig.Pass(60);
        Assert.All(await rig.News("alice"), news => Assert.Equal("task_cancelled", news.Text("event")));
    }

    [Fact]
    public async Task Templates_make_their_tasks_also_for_a_missing_agent_and_keep_their_places()
    {
        await using var rig = await TaskRig.Start();
        await rig.Host.CallAsync("workflow_load", new { text = GhostWorkflow });
        var ticket = await rig.Ticket("PHASE_A", workflow: "Ghosts");
        var first = (await rig.Add(ticket, TaskRig.New("given")))[0];
        Assert.Equal(
            "not_found",
            (
                await rig.Refused(
                    rig.Add(
                        ticket,
                        new
                        {
                            task_type = "a",
                            title = "a",
                            agent = "ghost",
                        }
                    )
                )
            ).Code
        );
        // The task of PHASE_B has its place among the thousand.
        await rig.Copy(first, 998, "completed");
        var full = await rig.Refused(rig.Add(ticket, TaskRig.New("more")));
        Assert.Equal("conflict", full.Code);
        Assert.Contains(
            "has 999 tasks, and the phases of 'Ghosts' make 1 more",
            full.Message,
            StringComparison.Ordinal
        );
        await rig.Move(ticket, "PHASE_B");
        var made = (await Tasks(rig, ticket))[0];
        Assert.Equal(("haunt", "ghost"), (made.Text("task_type"), made.Text("wants_agent")));
        Assert.Empty(made.Holds());
        Assert.Equal(1000, await rig.Read<long>("SELECT count(*) FROM tasks"));
        var tasks = rig.Hive.Services.GetRequiredService<ITasks>();
        var rework = new TaskSpec("rework", "Rework");
        Assert.Equal(
            ErrorCode.Conflict,
            (await Assert.ThrowsAsync<Problem>(() => rig.Write(w => tasks.Add(w, ticket, rework, "system")))).Code
        );
        // A block itself is not refused.
        var seam = rig.Hive.Services.GetRequiredService<ITicketTasks>();
        await rig.Write(write => rig.Tickets.Block(write, ticket, "environment", "no disk", "operator"));
        await rig.Change(write =>
            seam.Add(
                write,
                rig.Tickets.Require(write.Db, ticket),
                [rework with { PhaseId = "PHASE_BLOCKED" }],
                "system"
            )
        );
        Assert.Equal(1000, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_barrier_of_a_block_is_cancelled_once_with_its_tasks()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        await rig.Write(write => rig.Tickets.Block(write, ticket, "environment", "no disk", "operator"));
        var ids = await rig.Add(
            ticket,
            new
            {
                task_type = "environment",
                title = "Free the disk",
                phase_id = "PHASE_BLOCKED",
            }
        );
        using var http = rig.Hive.Http();
        var answer = await http.PostAsJsonAsync(
            "/api/v1/coordination/sync",
            new { ticket_id = ticket, task_ids = ids }
        );
        var barrier = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>()).Number("id");
        Assert.Equal("PHASE_BLOCKED", (await rig.Task(barrier)).Text("phase_id"));
        var next = (await rig.Add(ticket, TaskRig.New("next", barrier)))[0];
        await rig.Write(write => rig.Tickets.Unblock(write, ticket, "operator"));
        Assert.Equal("cancelled", (await rig.Task(barrier)).Text("status"));
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM task_ends WHERE task = @barrier", new { barrier }));
        // The end of the block does not block the ticket again.
        Assert.Equal(["failed_dependency"], (await rig.Task(next)).Holds());
        await Recount(rig);
    }

    [Fact]
    public async Task A_task_of_a_block_runs_until_the_block_ends_and_is_cancelled_then()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        await rig.Write(write => rig.Tickets.Block(write, ticket, "environment", "no disk", "operator"));
        var task = (
            await rig.Add(
                ticket,
                new
                {
                    task_type = "environment",
                    title = "Free the disk",
                    phase_id = "PHASE_BLOCKED",
                }
            )
        )[0];
        Assert.Empty((await rig.Task(task)).Holds());
        var other = (await rig.Add(ticket, TaskRig.New("other")))[0];
        await rig.Worker("alice");
        await rig.Give(task, "alice");
        await rig.Write(write => rig.Tickets.Unblock(write, ticket, "operator"));
        Assert.Equal(("cancelled", "pending"), ((await rig.Task(task)).Text("status"), await Status(other)));
        Assert.Contains("the block of ticket", (await rig.Task(task)).Text("error_message"), StringComparison.Ordinal);
        Assert.Equal("cancelled", await rig.Read<string>("SELECT end FROM runs WHERE task = @task", new { task }));
        await Recount(rig);

        async Task<string> Status(long id) => (await rig.Task(id)).Text("status")!;
    }

    /// <summary>The counters are what a count over the edges says.</summary>
    internal static async Task Recount(TaskRig rig) => Assert.Equal(0, await rig.Read<long>(LegalRows.WrongCounters));

    private const string GhostWorkflow = """
        name: Ghosts
        phases:
          - id: PHASE_A
            name: A
            status: backlog
            allowed_transitions: [PHASE_B]
            next: PHASE_B
          - id: PHASE_B
            name: B
            status: building
            allowed_transitions: [PHASE_DONE]
            tasks:
              - type: haunt
                title: Haunt
                agent: ghost
          - id: PHASE_DONE
            name: Done
            status: done
            terminal: true
        board_columns:
          - { id: a, name: A, phase_mapping: [PHASE_A] }
          - { id: b, name: B, phase_mapping: [PHASE_B] }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    private static async Task<JsonElement[]> Tasks(TaskRig rig, long ticket) =>
        [.. (await rig.Host.CallAsync("tasks", new { ticket })).GetProperty("tasks").EnumerateArray()];
}
