using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Tickets;

public sealed class TicketApprovalTests
{
    [Fact]
    public async Task A_ticket_waits_for_its_approval_and_begins_with_it()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var id = await host.Create();
        var ticket = await host.Ticket(id);
        Assert.Equal(("pending_review", "pending_review"), (ticket.Text("status"), ticket.Text("approval")));
        Assert.Equal("2026-01-31T12:30:00.000Z", ticket.Text("approval_deadline_at"));
        Assert.Empty(ticket.GetProperty("allowed_transitions").EnumerateArray());
        Assert.Equal(0, await host.Count("todo"));
        await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_BUILD" });
        await host.Refused(
            "conflict",
            "ticket_move",
            new
            {
                id,
                to_phase = "PHASE_BUILD",
                force = true,
                reason = "r",
            }
        );
        await host.Refused("conflict", "ticket_change", new { id, block = new { type = "budget" } });
        var row = Assert.Single(
            (await host.CallAsync("waiting", new { kind = "ticket_approval" })).GetProperty("waiting").EnumerateArray()
        );
        Assert.Equal(
            ("Log in", "now", "2026-01-31T12:30:00.000Z"),
            (row.Text("title"), row.Text("urgency"), row.Text("deadline_at"))
        );

        var approved = (await host.CallAsync("ticket_approve", new { id })).GetProperty("ticket");
        Assert.Equal(
            ("backlog", "approved", "-"),
            (approved.Text("status"), approved.Text("approval"), approved.Text("approval_deadline_at"))
        );
        Assert.Equal(1, await host.Count("todo"));
        Assert.Empty(
            (await host.CallAsync("waiting", new { kind = "ticket_approval" })).GetProperty("waiting").EnumerateArray()
        );
        Assert.Contains(
            "is approved",
            await host.Refused("conflict", "ticket_approve", new { id }),
            StringComparison.Ordinal
        );
        await host.Refused("conflict", "ticket_reject", new { id, reason = "no" });
        Assert.Equal(["created", "approved"], await host.Kinds(id));
        hive.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("approved", (await host.Ticket(id)).Text("approval"));
    }

    [Fact]
    public async Task The_manager_is_told_of_a_ticket_that_waits_and_of_the_boards_own_counts()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        using var manager = await hive.Connect("manager");
        var (pending, done, blocked) = (await host.Create(), await host.Create(), await host.Create());
        foreach (var id in new[] { done, blocked })
            await host.CallAsync("ticket_approve", new { id });
        await host.CallAsync(
            "ticket_move",
            new
            {
                id = done,
                to_phase = "PHASE_END",
                force = true,
                reason = "r",
            }
        );
        await host.Change(new { id = blocked, block = new { type = "environment" } });
        var told = (await manager.CallAsync("list_work", new { what = "board" })).GetProperty("board");
        var shown = (await host.CallAsync("board")).GetProperty("board");
        Assert.Equal(shown.GetProperty("columns").GetRawText(), told.GetProperty("columns").GetRawText());
        Assert.Equal(
            [1, 0, 0, 1, 1],
            told.GetProperty("columns").EnumerateArray().Select(c => c.GetProperty("count").GetInt32())
        );
        Assert.Equal(
            [(blocked, "-"), (pending, "pending_review")],
            (await manager.CallAsync("list_work", new { what = "tickets" }))
                .GetProperty("tickets")
                .EnumerateArray()
                .Select(t => (t.GetProperty("id").GetInt64(), t.Text("approval")))
        );
    }

    [Fact]
    public async Task A_rejected_ticket_is_removed()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var id = await host.Create();
        await host.Refused("invalid", "ticket_reject", new { id, reason = " " });
        await host.CallAsync("ticket_reject", new { id, reason = "not now" });
        await host.Refused("not_found", "ticket", new { id });
    }

    [Fact]
    public async Task A_rejected_ticket_can_be_kept_with_the_reason()
    {
        await using var hive = await HiveFixture.Start(
            "--tickets-human-review",
            "true",
            "--tickets-on-reject",
            "archive"
        );
        var host = await hive.Board();
        var id = await host.Create();
        var early = await host.Create("early", new { blocked_by = new[] { id } });
        await host.CallAsync("ticket_approve", new { id = early });
        Assert.Empty(await Blocked());
        await host.CallAsync("ticket_reject", new { id, reason = "not now" });
        var ticket = await host.Ticket(id);
        Assert.Equal(
            ("rejected", "rejected", "not now"),
            (ticket.Text("status"), ticket.Text("approval"), ticket.Text("rejection_reason"))
        );
        Assert.NotEqual("-", ticket.Text("done_at"));
        await host.Refused("conflict", "ticket_approve", new { id });
        await host.Change(new { id, comment = "a pity" });
        // It is not done: a ticket that waits for it goes on waiting.
        var other = await host.Create("second", new { blocked_by = new[] { id } });
        await host.CallAsync("ticket_approve", new { id = other });
        Assert.Equal("dependency", (await host.Ticket(other)).Text("blocked"));
        // Neither ends by itself, so that the operator is told.
        string[] told = [.. new[] { early, other }.Select(t => $"{t} waits for ticket {id}; not approved: {id}")];
        Assert.Equal(told, await Blocked());
        await hive.Restart();
        host = await hive.Operator();
        Assert.Equal(told, await Blocked());
        await host.Change(new { id = early, unlink = new { blocker = id } });
        Assert.Equal(told[1..], await Blocked());

        async Task<string[]> Blocked() =>
            [
                .. (await host.CallAsync("waiting", new { kind = "ticket_blocked" }))
                    .GetProperty("waiting")
                    .EnumerateArray()
                    .Select(w => $"{w.Text("url")["/tickets/".Length..]} {w.Text("detail")}")
                    .Select(w => w.Replace("dependency: ", "", StringComparison.Ordinal))
                    .Select(w => w[..w.LastIndexOf(';')])
                    .Order(),
            ];
    }

    [Fact]
    public async Task An_approval_that_nobody_decides_counts_as_rejected()
    {
        await using var hive = await HiveFixture.Start(
            "--tickets-human-review",
            "true",
            "--tickets-on-reject",
            "archive",
            "--tickets-approval-seconds",
            "60"
        );
        var host = await hive.Board();
        var (early, decided) = (await host.Create(), await host.Create());
        await host.CallAsync("ticket_approve", new { id = decided });
        await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromSeconds(60));
        hive.Clock.Advance(TimeSpan.FromSeconds(60));
        await Patience.Until(
            async () => (await host.Ticket(early)).Text("approval") != "pending_review",
            "the approval has timed out"
        );
        var entry = (await host.History(early))[^1];
        Assert.Equal(("timed_out", "system"), ((await host.Ticket(early)).Text("approval"), entry.Text("actor")));
        Assert.Equal("approved", (await host.Ticket(decided)).Text("approval"));
    }

    [Fact]
    public async Task A_deadline_that_passed_while_no_host_ran_counts_at_the_next_start()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var (old, young) = (await host.Create(), 0L);
        await hive.Restart(async () =>
        {
            await Task.CompletedTask;
            hive.Clock.Advance(TimeSpan.FromMinutes(31));
        });
        host = await hive.Operator();
        young = await host.Create();
        await Patience.Until(
            async () => (await host.CallAsync("tickets")).GetProperty("tickets").GetArrayLength() == 1,
            "one ticket is left"
        );
        await host.Refused("not_found", "ticket", new { id = old });
        Assert.Equal("pending_review", (await host.Ticket(young)).Text("status"));
    }

    [Fact]
    public async Task Links_and_limits_count_from_the_approval_on()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board(
            Ticketing.Ways.Replace(
                "phase_mapping: [PHASE_TODO]",
                "phase_mapping: [PHASE_TODO], wip_limit: 1",
                StringComparison.Ordinal
            )
        );
        var first = await host.Create();
        var second = await host.Create("second", new { blocked_by = new[] { first } });
        Assert.Equal("-", (await host.Ticket(second)).Text("blocked"));
        await host.CallAsync("ticket_approve", new { id = first });
        Assert.Contains(
            "column 'Todo' is full",
            await host.Refused("conflict", "ticket_approve", new { id = second }),
            StringComparison.Ordinal
        );
        await host.Move(first, "PHASE_BUILD");
        await host.CallAsync("ticket_approve", new { id = second });
        Assert.Equal("dependency", (await host.Ticket(second)).Text("blocked"));
    }

    [Fact]
    public async Task A_changed_description_is_what_the_operator_is_asked_to_approve()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var id = await host.Create("Log in", new { description = "with a password" });
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        await host.Change(new { id, description = "with a key" });
        await hive.Settled();
        var row = Assert.Single(
            (await host.CallAsync("waiting", new { kind = "ticket_approval" })).GetProperty("waiting").EnumerateArray()
        );
        Assert.Equal("with a key", row.Text("detail"));
    }

    [Fact]
    public async Task REST_approves_rejects_and_counts_under_the_names_of_upstream()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var http = hive.Http();
        var (first, second) = (await host.Create(), await host.Create());
        Assert.Equal(2, (await Get("pending-review-count")).GetProperty("pending_count").GetInt32());
        var status = await Get($"approval-status?ticket_id={first}");
        Assert.Equal(
            ("pending_review", "operator"),
            (status.Text("approval_status"), status.Text("requested_by_agent_id"))
        );
        (await http.PostAsJsonAsync("/api/v1/tickets/approve", new { ticket_id = first })).EnsureSuccessStatusCode();
        (
            await http.PostAsJsonAsync("/api/v1/tickets/reject", new { ticket_id = second, rejection_reason = "no" })
        ).EnsureSuccessStatusCode();
        Assert.Equal("approved", (await Get($"approval-status?ticket_id={first}")).Text("approval_status"));
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await http.GetAsync($"/api/v1/tickets/approval-status?ticket_id={second}")).StatusCode
        );
        Assert.Equal(0, (await Get("pending-review-count")).GetProperty("pending_count").GetInt32());

        Task<JsonElement> Get(string path) => http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{path}");
    }
}
