using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;

namespace Hive.Tests.Tickets;

public sealed class MoveTicketTests
{
    [Fact]
    public async Task A_move_along_the_map_is_noted_with_its_phases()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.Create();
        var moved = await host.Move(id, "PHASE_BUILD", "it is wanted");
        Assert.Equal(
            ("PHASE_BUILD", "PHASE_TODO", "building"),
            (moved.Text("phase_id"), moved.Text("previous_phase_id"), moved.Text("status"))
        );
        Assert.Equal("open", moved.Text("gate"));
        var entry = (await host.History(id))[^1];
        Assert.Equal(
            ("moved", "operator", "it is wanted"),
            (entry.Text("kind"), entry.Text("actor"), entry.Text("reason"))
        );
        Assert.Equal(("PHASE_TODO", "PHASE_BUILD"), (entry.Text("from_phase"), entry.Text("to_phase")));
        Assert.Equal(("backlog", "building"), (entry.Text("from_status"), entry.Text("to_status")));
        Assert.Equal((0, 1), (await host.Count("todo"), await host.Count("build")));
    }

    [Fact]
    public async Task A_move_off_the_map_is_refused_with_the_targets()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.Create();
        var message = await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TEST" });
        Assert.Contains("PHASE_TODO does not lead to PHASE_TEST", message, StringComparison.Ordinal);
        Assert.Contains("may move to PHASE_BUILD", message, StringComparison.Ordinal);
        Assert.Contains("force", message, StringComparison.Ordinal);
        Assert.Contains(
            "its phases",
            await host.Refused("invalid", "ticket_move", new { id, to_phase = "PHASE_X" }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "already",
            await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TODO" }),
            StringComparison.Ordinal
        );
        Assert.Equal(["created"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_move_forward_past_a_gate_that_has_not_passed_is_refused()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        var message = await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TEST" });
        Assert.Contains("the gate of PHASE_BUILD has not passed", message, StringComparison.Ordinal);
        // Back is not forward.
        Assert.Equal("PHASE_TODO", (await host.Move(id, "PHASE_TODO")).Text("phase_id"));
    }

    [Fact]
    public async Task A_move_into_a_full_column_is_refused_with_its_count()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        for (var i = 0; i < 3; i++)
            await host.CreateInBuild();
        var fourth = await host.Create();
        await host.Change(new { id = 1, block = new { type = "environment", reason = "no disk" } });
        var message = await host.Refused("conflict", "ticket_move", new { id = fourth, to_phase = "PHASE_BUILD" });
        Assert.Contains("column 'Build' is full: 3 of 3, 1 of them blocked", message, StringComparison.Ordinal);
        Assert.Equal("PHASE_TODO", await host.Phase(fourth));
    }

    [Fact]
    public async Task Fifty_moves_into_a_column_at_once_let_in_as_many_as_fit()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var ids = new List<long>();
        for (var i = 0; i < 50; i++)
            ids.Add(await host.Create());
        var http = hive.Http();
        var answers = await Task.WhenAll(
            ids.Select(id => http.PostAsJsonAsync($"/api/v1/tickets/{id}/transition", new { to_phase = "PHASE_BUILD" }))
        );
        Assert.Equal(3, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.Equal(47, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
        Assert.Equal((47, 3), (await host.Count("todo"), await host.Count("build")));
    }

    [Fact]
    public async Task A_held_ticket_does_not_move_until_it_is_released()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var id = await host.Create();
        (
            await http.PostAsJsonAsync($"/api/v1/tickets/{id}/hold", new { reason = "not now" })
        ).EnsureSuccessStatusCode();
        Assert.True((await host.Ticket(id)).GetProperty("held").GetBoolean());
        Assert.Contains(
            "held",
            await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_BUILD" }),
            StringComparison.Ordinal
        );
        Assert.Equal(
            HttpStatusCode.Conflict,
            (await http.PostAsJsonAsync($"/api/v1/tickets/{id}/hold", new { })).StatusCode
        );
        (await http.PostAsync($"/api/v1/tickets/{id}/release", null)).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Conflict, (await http.PostAsync($"/api/v1/tickets/{id}/release", null)).StatusCode);
        await host.Move(id, "PHASE_BUILD");
        Assert.Equal(["created", "held", "released", "moved"], await host.Kinds(id));
    }

    [Fact]
    public async Task Force_asks_neither_map_gate_block_hold_nor_limit_and_needs_a_reason()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var standing = await host.Create();
        await Force(standing, "PHASE_TEST");
        var id = await host.CreateInBuild();
        await host.Change(new { id, block = new { type = "environment" } });
        (await http.PostAsync($"/api/v1/tickets/{id}/hold", null)).EnsureSuccessStatusCode();
        Assert.Contains(
            "reason",
            await host.Refused(
                "invalid",
                "ticket_move",
                new
                {
                    id,
                    to_phase = "PHASE_TEST",
                    force = true,
                }
            ),
            StringComparison.Ordinal
        );
        await Force(id, "PHASE_TEST");
        var ticket = await host.Ticket(id);
        Assert.Equal(("PHASE_TEST", "-"), (ticket.Text("phase_id"), ticket.Text("blocked")));
        Assert.True(ticket.GetProperty("held").GetBoolean());
        Assert.Equal("forced", (await host.History(id))[^1].Text("kind"));
        // A violation shows as one.
        Assert.Equal(2, await host.Count("test"));
        var violation = Assert.Single(
            (await http.GetFromJsonAsync<JsonElement>("/api/v1/board/wip-violations")).EnumerateArray()
        );
        Assert.Equal(("test", 1), (violation.Text("column_id"), violation.GetProperty("excess").GetInt32()));

        Task Force(long ticketId, string phase) =>
            host.CallAsync(
                "ticket_move",
                new
                {
                    id = ticketId,
                    to_phase = phase,
                    force = true,
                    reason = "urgent",
                }
            );
    }

    [Fact]
    public async Task A_ticket_that_has_ended_takes_only_comments()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateDone();
        var ticket = await host.Ticket(id);
        Assert.Equal("done", ticket.Text("status"));
        Assert.NotEqual("-", ticket.Text("done_at"));
        var refused = await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TEST" });
        Assert.Contains($"make a follow-up with 'parent': {id}", refused, StringComparison.Ordinal);
        await host.Refused(
            "conflict",
            "ticket_move",
            new
            {
                id,
                to_phase = "PHASE_TEST",
                force = true,
                reason = "again",
            }
        );
        await host.Refused("conflict", "ticket_change", new { id, title = "Other" });
        await host.Refused(
            "conflict",
            "ticket_change",
            new
            {
                id,
                comment = "c",
                block = new { type = "budget" },
            }
        );
        await host.Change(new { id, comment = "well done" });
        Assert.Equal(["created", "forced", "comment"], await host.Kinds(id));
        await host.Create("Log in faster", new { parent = id });
    }

    [Fact]
    public async Task A_move_back_with_a_reason_is_a_regress_and_one_without_is_a_move()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        await host.Move(id, "PHASE_TODO", "it is not clear");
        var entry = (await host.History(id))[^1];
        Assert.Equal(("regressed", "it is not clear"), (entry.Text("kind"), entry.Text("reason")));
        await host.Move(id, "PHASE_BUILD");
        await host.Move(id, "PHASE_TODO");
        Assert.Equal("moved", (await host.History(id))[^1].Text("kind"));
    }

    [Fact]
    public async Task Regress_goes_only_to_an_earlier_phase_on_the_map()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var id = await host.CreateInBuild();
        Assert.Equal(HttpStatusCode.Conflict, await Regress("PHASE_TEST"));
        Assert.Equal(HttpStatusCode.BadRequest, await Regress("PHASE_X"));
        Assert.Equal(HttpStatusCode.OK, await Regress("PHASE_TODO"));
        Assert.Equal("PHASE_TODO", await host.Phase(id));
        await host.CallAsync(
            "ticket_move",
            new
            {
                id,
                to_phase = "PHASE_TEST",
                force = true,
                reason = "r",
            }
        );
        Assert.Equal(HttpStatusCode.Conflict, await Regress("PHASE_TODO"));

        async Task<HttpStatusCode> Regress(string phase) =>
            (
                await http.PostAsJsonAsync(
                    $"/api/v1/tickets/{id}/regress",
                    new { to_phase = phase, reason = "unclear" }
                )
            ).StatusCode;
    }

    [Fact]
    public async Task The_manager_moves_by_phase_or_status_and_never_by_force()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.Create();
        using var manager = await hive.Connect("manager");
        await manager.CallAsync("change_ticket", new { id, to_status = "building" });
        Assert.Equal("PHASE_BUILD", await host.Phase(id));
        Assert.Contains(
            "backlog, analyzing",
            await manager.Refused("invalid", "change_ticket", new { id, to_status = "open" }),
            StringComparison.Ordinal
        );
        await manager.Refused("invalid", "change_ticket", new { id, to_status = "building-done" });
        await manager.Refused(
            "conflict",
            "change_ticket",
            new
            {
                id,
                to_phase = "PHASE_END",
                force = true,
                reason = "r",
            }
        );
        Assert.Equal("manager", (await host.History(id))[^1].Text("actor"));
    }

    [Fact]
    public async Task Several_changes_in_one_call_are_made_together_or_not_at_all()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.Create();
        await host.Refused(
            "conflict",
            "ticket_change",
            new
            {
                id,
                title = "Other",
                priority = "LOW",
                comment = "c",
                to_phase = "PHASE_END",
            }
        );
        Assert.Equal("Log in", (await host.Ticket(id)).Text("title"));
        Assert.Equal(["created"], await host.Kinds(id));
        var changed = await host.Change(
            new
            {
                id,
                title = "Other",
                priority = "LOW",
                labels = new[] { "x" },
                comment = "c",
                to_phase = "PHASE_BUILD",
            }
        );
        Assert.Equal(
            ("Other", "LOW", "PHASE_BUILD"),
            (changed.Text("title"), changed.Text("priority"), changed.Text("phase_id"))
        );
        Assert.Equal(["created", "comment", "changed", "moved"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_change_that_makes_no_sense_is_invalid()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await host.Create();
        foreach (
            var fields in new[]
            {
                """{"id":1}""",
                """{"id":1,"title":" "}""",
                $$"""{"id":1,"title":"{{new string('x', 501)}}"}""",
                """{"id":1,"priority":"high"}""",
                """{"id":1,"to_phase":"PHASE_REQUIREMENTS"}""",
                """{"id":1,"reason":"r"}""",
                """{"id":1,"to_phase":"PHASE_BUILD","to_status":"building"}""",
                """{"id":1,"block":{"type":"weather"}}""",
                """{"id":1,"block":{"type":"budget"},"unblock":true}""",
                """{"id":1,"unblock":false}""",
                """{"id":1,"link":{}}""",
                """{"id":1,"link":{"blocker":2,"blocked":3}}""",
                """{"id":1,"before":-1}""",
                """{"id":1,"comment":" "}""",
                """{"id":0,"comment":"c"}""",
            }
        )
        {
            await host.Refused("invalid", "ticket_change", JsonElement.Parse(fields));
            Assert.Equal(["created"], await host.Kinds(1));
        }
    }

    [Fact]
    public async Task A_ticket_is_placed_above_another_one_of_its_column()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        long[] ids = [await host.Create("a"), await host.Create("b"), await host.Create("c")];
        await host.Change(new { id = ids[2], before = ids[0] });
        Assert.Equal([ids[2], ids[0], ids[1]], await Order());
        await host.Change(new { id = ids[2], before = 0 });
        Assert.Equal(ids, await Order());
        // Between two neighbours there is always room.
        for (var i = 0; i < 70; i++)
            await host.Change(new { id = ids[1 + (i % 2)], before = ids[2 - (i % 2)] });
        Assert.Equal([ids[0], ids[2], ids[1]], await Order());
        var other = await host.CreateInBuild("d");
        await host.Refused("conflict", "ticket_change", new { id = ids[0], before = other });

        async Task<long[]> Order() =>
            [
                .. (await host.CallAsync("tickets", new { phase_id = "PHASE_TODO" }))
                    .GetProperty("tickets")
                    .EnumerateArray()
                    .OrderBy(t => t.GetProperty("rank").GetDouble())
                    .Select(t => t.GetProperty("id").GetInt64()),
            ];
    }

    [Fact]
    public async Task Can_transition_tells_the_reasons_without_moving()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var id = await host.CreateInBuild();
        var answer = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{id}/can-transition/PHASE_END");
        Assert.False(answer.GetProperty("allowed").GetBoolean());
        Assert.Equal(2, answer.GetProperty("reasons").GetArrayLength());
        Assert.Equal(
            ["PHASE_TEST", "PHASE_TODO"],
            answer.GetProperty("allowed_transitions").EnumerateArray().Select(p => p.GetString())
        );
        answer = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{id}/can-transition/PHASE_TODO");
        Assert.True(answer.GetProperty("allowed").GetBoolean());
        Assert.Equal("PHASE_BUILD", await host.Phase(id));
    }

    [Fact]
    public async Task A_ticket_that_is_blocked_within_its_own_move_runs_nothing_in_the_new_phase()
    {
        const string Workflow = """
            name: merging
            phases:
              - id: PHASE_PARTS
                name: Parts
                allowed_transitions: [PHASE_WHOLE]
              - id: PHASE_WHOLE
                name: Whole
                allowed_transitions: [PHASE_END]
                tasks: [{ type: assemble, title: Assemble }]
              - id: PHASE_END
                name: End
                terminal: true
            board_columns:
              - { id: parts, name: Parts, phase_mapping: [PHASE_PARTS] }
              - { id: whole, name: Whole, phase_mapping: [PHASE_WHOLE] }
              - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
            """;
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board(Workflow);
        await hive.SpawnAs("alice", "duty: worker\ncapacity: 4\n");
        using var alice = await hive.Connect("alice");
        await alice.CallAsync("status");
        var ticket = await host.Create();
        var parts = await Add([.. Enumerable.Range(0, 3).Select(i => TaskRig.New($"part {i}"))]);
        foreach (var part in parts)
            await Patience.Until(async () => (await Find(part)).Text("status") == "assigned", $"{part} is assigned");
        using var http = hive.Http();
        var merged = await http.PostAsJsonAsync(
            "/api/v1/coordination/merge",
            new { ticket_id = ticket, task_ids = parts }
        );
        var merge = (await merged.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64();
        await Add(TaskRig.New("next", merge));
        await host.Change(new { id = ticket, block = new { type = "environment", reason = "no power" } });
        foreach (var part in parts)
            await alice.CallAsync(
                "complete_task",
                new
                {
                    task = part,
                    summary = "done",
                    outputs = new Dictionary<string, string> { [$"of_{part}"] = new('x', 16_000) },
                }
            );
        Assert.Equal(["ticket"], (await Find(merge)).Holds());

        // The end of the block frees the merge, which is too large, so that nothing is possible any more.
        await host.CallAsync(
            "ticket_move",
            new
            {
                id = ticket,
                to_phase = "PHASE_WHOLE",
                force = true,
                reason = "go on",
            }
        );
        var moved = await host.Ticket(ticket);
        Assert.Equal(("PHASE_WHOLE", "dependency"), (moved.Text("phase_id"), moved.Text("blocked")));
        Assert.Equal("failed", (await Find(merge)).Text("status"));
        var made = Assert.Single(
            (await host.CallAsync("tasks", new { ticket })).GetProperty("tasks").EnumerateArray(),
            task => task.Text("task_type") == "assemble"
        );
        Assert.Equal(("pending", "ticket"), (made.Text("status"), Assert.Single(made.Holds())));

        async Task<JsonElement> Find(long id) => (await host.CallAsync("task", new { id })).GetProperty("task");

        async Task<long[]> Add(params object[] tasks) =>
            [
                .. (await host.CallAsync("add_tasks", new { ticket, tasks }))
                    .GetProperty("tasks")
                    .EnumerateArray()
                    .Select(task => task.GetProperty("id").GetInt64()),
            ];
    }
}
