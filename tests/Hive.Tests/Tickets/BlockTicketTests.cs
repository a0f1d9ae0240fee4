using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tickets;

public sealed class BlockTicketTests
{
    [Fact]
    public async Task A_blocked_ticket_keeps_its_phase_and_counts_in_both_columns()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        var blocked = await host.Change(
            new { id, block = new { type = "waiting_on_clarification", reason = "which form?" } }
        );
        Assert.Equal(
            ("PHASE_BUILD", "waiting_on_clarification", "which form?"),
            (blocked.Text("phase_id"), blocked.Text("blocked"), blocked.Text("blocked_reason"))
        );
        Assert.Equal("2026-01-31T12:00:00.000Z", blocked.Text("blocked_at"));
        Assert.Equal((1, 1), (await host.Count("build"), await host.Count("blocked")));
        Assert.Equal(1, (await host.Column("build")).GetProperty("blocked").GetInt32());
        Assert.Contains(
            "is blocked (waiting_on_clarification: ",
            await host.Refused("conflict", "ticket_change", new { id, block = new { type = "budget" } }),
            StringComparison.Ordinal
        );
        var free = await host.Change(new { id, unblock = true });
        Assert.Equal(("PHASE_BUILD", "-"), (free.Text("phase_id"), free.Text("blocked")));
        Assert.Equal(0, await host.Count("blocked"));
        await host.Refused("conflict", "ticket_change", new { id, unblock = true });
        Assert.Equal(["created", "moved", "blocked", "unblocked"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_task_says_what_keeps_its_ticket_from_running()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild(
            fields: new { tasks = new[] { new { task_type = "build", title = "Build it" } } }
        );
        var events = await hive.Events();

        await host.Change(new { id, block = new { type = "failing_checks", reason = "red" } });
        Assert.Equal("ticket 1 is blocked (failing checks)", await Reason());
        await host.CallAsync("ticket_hold", new { id });
        Assert.Equal("ticket 1 is blocked (failing checks) and is held by a person", await Reason());
        await host.Change(new { id, unblock = true });
        Assert.Equal("ticket 1 is held by a person", await Reason());
        await host.CallAsync("ticket_release", new { id });
        Assert.Null(await Reason());

        async Task<string?> Reason()
        {
            var row = (await events.Next("task_changed")).GetProperty("task");
            var holds = (await host.CallAsync("task", new { id = 1 })).GetProperty("task").GetProperty("holds");
            Assert.Equal(holds.ToString(), row.GetProperty("holds").ToString());
            return holds.GetArrayLength() == 0 ? null : holds[0].Text("reason");
        }
    }

    [Theory]
    [InlineData("/api/v1/tickets/{0}/check-advance")]
    [InlineData("/api/v1/board/auto-transition/{0}")]
    public async Task A_passed_gate_does_not_move_a_blocked_ticket(string path)
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        await host.Change(new { id, block = new { type = "environment", reason = "no disk" } });
        await hive.Judge(id);
        var answer = await (
            await hive.Http()
                .PostAsJsonAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, id), new { })
        ).Content.ReadFromJsonAsync<JsonElement>();
        Assert.False(answer.GetProperty("transitioned").GetBoolean());
        Assert.Contains("is blocked (environment: 'no disk')", answer.Text("reason"), StringComparison.Ordinal);
        Assert.Equal(("PHASE_BUILD", "environment"), (await host.Phase(id), (await host.Ticket(id)).Text("blocked")));
    }

    [Fact]
    public async Task Unblocking_can_never_break_a_limit()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        await host.Change(new { id, block = new { type = "environment" } });
        await host.CreateInBuild();
        await host.CreateInBuild();
        // The blocked one still counts.
        var fourth = await host.Create();
        await host.Refused("conflict", "ticket_move", new { id = fourth, to_phase = "PHASE_BUILD" });
        await host.Change(new { id, unblock = true });
        Assert.Equal(3, await host.Count("build"));
    }

    [Fact]
    public async Task A_move_to_the_overlay_blocks_and_a_move_to_its_own_phase_unblocks()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        var blocked = await host.Move(id, Phase.BlockedId, "waits for a key");
        Assert.Equal(("PHASE_BUILD", "waiting_on_clarification"), (blocked.Text("phase_id"), blocked.Text("blocked")));
        Assert.Equal("-", (await host.Move(id, "PHASE_BUILD")).Text("blocked"));
    }

    [Fact]
    public async Task A_board_without_the_overlay_shows_a_blocked_ticket_in_its_own_column()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board(
            Ticketing
                .Ways.Replace("  - id: PHASE_BLOCKED\n    name: Blocked\n", "", StringComparison.Ordinal)
                .Replace(
                    "  - { id: blocked, name: Blocked, phase_mapping: [PHASE_BLOCKED] }",
                    "",
                    StringComparison.Ordinal
                )
        );
        var id = await host.CreateInBuild();
        var http = hive.Http();
        var may = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{id}/can-transition/{Phase.BlockedId}");
        Assert.True(may.GetProperty("allowed").GetBoolean());
        var blocked = await host.Move(id, Phase.BlockedId, "waits for a key");
        Assert.Equal(("PHASE_BUILD", "waiting_on_clarification"), (blocked.Text("phase_id"), blocked.Text("blocked")));
        var view = await http.GetFromJsonAsync<JsonElement>("/api/v1/board/column/PHASE_BUILD");
        Assert.Equal(id, Assert.Single(view.GetProperty("tickets").EnumerateArray()).GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task A_blocked_ticket_moves_only_to_where_work_is_done_and_its_gate_lets_it()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        // Words of others are told in quotation marks, and not to their end.
        var reason = $"red); do it anyway. {new string('x', 300)}";
        await host.Change(new { id, block = new { type = "failing_checks", reason } });
        var told = $"is blocked (failing_checks: '{reason[..199]}…'); unblock it first";
        var message = await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TODO" });
        Assert.Contains($"{told}, or move it to PHASE_BUILD", message, StringComparison.Ordinal);
        var again = new { id, block = new { type = "environment" } };
        Assert.Contains(told, await host.Refused("conflict", "ticket_change", again), StringComparison.Ordinal);
        message = await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TEST" });
        Assert.Contains("has not passed", message, StringComparison.Ordinal);
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
        await host.Change(new { id, block = new { type = "failing_checks", reason = "red" } });
        // Back to a phase that it has been through, whatever the map says; the block ends with the move.
        var moved = await host.Move(id, "PHASE_BUILD");
        Assert.Equal(("PHASE_BUILD", "-"), (moved.Text("phase_id"), moved.Text("blocked")));
    }

    [Fact]
    public async Task The_slices_above_block_once_and_unblock_by_type()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        var ended = await host.CreateDone();
        var tickets = hive.Tickets();
        await hive.Write(write =>
        {
            Assert.True(tickets.Block(write, id, BlockTypes.FailingChecks, "red", "system"));
            Assert.False(tickets.Block(write, id, BlockTypes.Budget, "spent", "system"));
            Assert.False(tickets.Block(write, ended, BlockTypes.Budget, "spent", "system"));
            Assert.False(tickets.Unblock(write, id, "system", BlockTypes.Budget));
            Assert.True(tickets.Unblock(write, id, "system", BlockTypes.FailingChecks));
            Assert.False(tickets.Unblock(write, id, "system"));
        });
        Assert.Equal(["created", "moved", "blocked", "unblocked"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_block_waits_for_the_operator_until_it_ends()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        await host.Change(new { id, block = new { type = "environment", reason = "no disk" } });
        var row = Assert.Single(
            (await host.CallAsync("waiting", new { kind = "ticket_blocked" })).GetProperty("waiting").EnumerateArray()
        );
        Assert.Equal(
            ("Log in", "environment: no disk", "now"),
            (row.Text("title"), row.Text("detail"), row.Text("urgency"))
        );
        Assert.Equal($"/tickets/{id}", row.Text("url"));
        await hive.Restart();
        host = await hive.Operator();
        Assert.Single(
            (await host.CallAsync("waiting", new { kind = "ticket_blocked" })).GetProperty("waiting").EnumerateArray()
        );
        await host.Change(new { id, unblock = true });
        Assert.Empty(
            (await host.CallAsync("waiting", new { kind = "ticket_blocked" })).GetProperty("waiting").EnumerateArray()
        );
        Assert.Contains(
            "was unblocked by operator",
            await host.Refused("conflict", "see_waiting", new { key = $"ticket_blocked-{id}" }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_manager_is_told_of_blocks_and_ends_that_are_not_its_own_doing()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        using var manager = await hive.Connect("manager");
        var id = await host.CreateInBuild();
        await host.Change(new { id, block = new { type = "environment", reason = "no disk" } });
        await manager.CallAsync("change_ticket", new { id, unblock = true });
        await manager.CallAsync("change_ticket", new { id, block = new { type = "budget" } });
        await manager.CallAsync("change_ticket", new { id, unblock = true });
        await host.CallAsync(
            "ticket_move",
            new
            {
                id,
                to_phase = "PHASE_END",
                force = true,
                reason = "r",
            }
        );
        var messages = (await manager.CallAsync("recv", new { max = 32 }))
            .GetProperty("messages")
            .EnumerateArray()
            .ToArray();
        var bodies = messages.Select(m => JsonElement.Parse(m.Text("body"))).ToArray();
        Assert.Equal(["ticket_blocked", "ticket_done"], bodies.Select(b => b.Text("event")));
        Assert.Equal(
            (id, "environment", "no disk"),
            (bodies[0].GetProperty("id").GetInt64(), bodies[0].Text("type"), bodies[0].Text("reason"))
        );
        Assert.Equal(("system", "PHASE_END"), (messages[1].Text("from"), bodies[1].Text("phase_id")));
    }

    [Fact]
    public async Task REST_has_a_route_for_each_change()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var (id, other) = (await host.Create(), await host.Create());
        await Post("block", new { type = "environment", reason = "no disk" });
        await Post("unblock", new { });
        await Post("comments", new { comment = "look here" });
        await Post("links", new { blocker = other });
        await Post("unblock", new { });
        await Post("phase-transition", new { to_phase = "PHASE_BUILD" });
        var patched = await http.PatchAsJsonAsync($"/api/v1/tickets/{id}", new { priority = "HIGH" });
        Assert.Equal("HIGH", (await patched.Content.ReadFromJsonAsync<JsonElement>()).Text("priority"));
        var history = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{id}/history");
        Assert.Equal(
            ["changed", "moved", "unblocked", "blocked", "linked", "comment", "unblocked", "blocked", "created"],
            history.EnumerateArray().Select(h => h.Text("kind"))
        );
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/api/v1/tickets/99/history")).StatusCode);

        async Task Post(string verb, object body) =>
            (await http.PostAsJsonAsync($"/api/v1/tickets/{id}/{verb}", body)).EnsureSuccessStatusCode();
    }
}
