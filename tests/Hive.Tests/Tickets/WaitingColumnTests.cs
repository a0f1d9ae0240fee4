using System.Net.Http.Json;
using System.Text.Json;
using Hive.Features.Tickets;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>Tickets whose gate has passed: they move on by themselves, or wait before a full column.</summary>
public sealed class WaitingColumnTests
{
    [Fact]
    public async Task A_ticket_whose_gate_passes_moves_on_when_the_next_column_has_room()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        Assert.True(await hive.Judge(id));
        Assert.Equal("PHASE_TEST", await host.Phase(id));
        Assert.Equal(["created", "moved", "gate", "advanced"], await host.Kinds(id));
        Assert.Equal("system", (await host.History(id))[^1].Text("actor"));
    }

    [Fact]
    public async Task A_ticket_waits_before_a_full_column_and_goes_when_a_card_leaves()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild();
        var second = await host.CreateInBuild();
        await hive.Judge(first);
        // It has stood there for a while when it begins to wait.
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        await hive.Judge(second);
        var waiting = await host.Ticket(second);
        Assert.Equal(
            ("2026-01-31T12:00:00.000Z", "2026-01-31T12:00:01.000Z"),
            (waiting.Text("entered_at"), waiting.Text("waiting_since"))
        );
        Assert.Equal(
            ("PHASE_BUILD", "waiting", "Test"),
            (waiting.Text("phase_id"), waiting.Text("gate"), waiting.Text("waiting_for"))
        );
        Assert.Equal("building-done", waiting.Text("status"));
        Assert.Equal(1, (await host.Column("test")).GetProperty("waiting").GetInt32());
        await host.Move(first, "PHASE_END");
        Assert.Equal("PHASE_TEST", await host.Phase(second));
        Assert.Equal("-", (await host.Ticket(second)).Text("waiting_for"));
        Assert.Equal(0, (await host.Column("test")).GetProperty("waiting").GetInt32());
    }

    [Fact]
    public async Task A_line_that_changes_while_it_is_read_names_each_ticket_once()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await hive.Judge(await host.CreateInBuild("standing"));
        var early = await host.CreateInBuild("early");
        var late = await host.CreateInBuild("late");
        await hive.Judge(early);
        await hive.Judge(late);
        var workflow = hive.Services.GetRequiredService<IWorkflows>().Require("ways");
        var line = hive
            .Services.GetRequiredService<ColumnCounts>()
            .Line(workflow, workflow.ColumnOf("PHASE_TEST")!)
            .GetEnumerator();
        using (line)
        {
            Assert.True(line.MoveNext());
            List<long> read = [line.Current];
            await host.Change(new { id = late, priority = "CRITICAL" });
            while (line.MoveNext())
                read.Add(line.Current);
            Assert.Equal([early, late], read);
        }
    }

    [Fact]
    public async Task Waiting_tickets_go_by_priority_and_then_by_how_long_they_have_waited()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var standing = await host.Create("standing");
        await host.CallAsync(
            "ticket_move",
            new
            {
                id = standing,
                to_phase = "PHASE_TEST",
                force = true,
                reason = "r",
            }
        );
        var early = await host.CreateInBuild("early");
        var late = await host.CreateInBuild("late");
        var urgent = await host.CreateInBuild("urgent");
        await hive.Judge(early);
        await hive.Judge(late);
        await hive.Judge(urgent);
        await host.Change(new { id = urgent, priority = "CRITICAL" });
        List<long> order = [];
        for (var i = 0; i < 3; i++)
        {
            var inTest = Assert.Single(
                (await host.CallAsync("tickets", new { phase_id = "PHASE_TEST" }))
                    .GetProperty("tickets")
                    .EnumerateArray()
            );
            await host.Move(inTest.GetProperty("id").GetInt64(), "PHASE_END");
            order.Add(
                Assert
                    .Single(
                        (await host.CallAsync("tickets", new { phase_id = "PHASE_TEST" }))
                            .GetProperty("tickets")
                            .EnumerateArray()
                    )
                    .GetProperty("id")
                    .GetInt64()
            );
        }

        Assert.Equal([urgent, early, late], order);
    }

    [Fact]
    public async Task A_column_that_is_entered_by_hand_takes_no_ticket_by_itself()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board(
            Ticketing.Ways.Replace(
                "[PHASE_TEST], wip_limit: 1",
                "[PHASE_TEST], wip_limit: 1, pull: manual",
                StringComparison.Ordinal
            )
        );
        var id = await host.CreateInBuild();
        await hive.Judge(id);
        Assert.Equal("waiting", (await host.Ticket(id)).Text("gate"));
        Assert.Equal("Test", (await host.Ticket(id)).Text("waiting_for"));
        // The operator draws it in.
        var answer = await (
            await hive.Http().PostAsJsonAsync($"/api/v1/board/auto-transition/{id}", new { })
        ).Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.GetProperty("transitioned").GetBoolean());
        Assert.Equal("PHASE_TEST", answer.Text("new_phase"));
    }

    [Fact]
    public async Task A_blocked_or_held_ticket_is_passed_over_and_goes_on_once_it_may()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        var blocked = await host.CreateInBuild("blocked");
        var held = await host.CreateInBuild("held");
        var free = await host.CreateInBuild("free");
        await host.Change(new { id = blocked, block = new { type = "environment" } });
        (await http.PostAsync($"/api/v1/tickets/{held}/hold", null)).EnsureSuccessStatusCode();
        foreach (var id in new[] { blocked, held, free })
            await hive.Judge(id);
        Assert.Equal("PHASE_TEST", await host.Phase(free));
        Assert.Equal("passed", (await host.Ticket(blocked)).Text("gate"));
        await host.Change(new { id = blocked, unblock = true });
        (await http.PostAsync($"/api/v1/tickets/{held}/release", null)).EnsureSuccessStatusCode();
        Assert.Equal(
            ["waiting", "waiting"],
            [(await host.Ticket(blocked)).Text("gate"), (await host.Ticket(held)).Text("gate")]
        );
        await host.Move(free, "PHASE_END");
        Assert.Equal("PHASE_TEST", await host.Phase(blocked));
    }

    [Fact]
    public async Task A_gate_judged_again_as_failed_takes_a_waiting_ticket_out_of_the_line()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild();
        var second = await host.CreateInBuild();
        await hive.Judge(first);
        await hive.Judge(second);
        await hive.Judge(second, passed: false);
        Assert.Equal(
            ("failed", "building"),
            ((await host.Ticket(second)).Text("gate"), (await host.Ticket(second)).Text("status"))
        );
        await host.Move(first, "PHASE_END");
        Assert.Equal("PHASE_BUILD", await host.Phase(second));
    }

    [Fact]
    public async Task A_failed_gate_opens_again_with_new_work()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        await hive.Judge(id, passed: false);
        Assert.Equal("failed", (await host.Ticket(id)).Text("gate"));
        await hive.Write(write =>
        {
            hive.Tickets().MarkGate(write, id);
            Assert.True(hive.Tickets().Judged(write, hive.Tickets().Require(write.Db, id), passed: null));
        });
        Assert.Equal("open", (await host.Ticket(id)).Text("gate"));
    }

    [Fact]
    public async Task New_work_takes_a_waiting_ticket_out_of_the_line_until_its_gate_passes_again()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (first, second, third) = (
            await host.CreateInBuild(),
            await host.CreateInBuild(),
            await host.CreateInBuild()
        );
        foreach (var id in new[] { first, second, third })
            await hive.Judge(id);
        // As a task that is made does. Its gate cannot be decided: an operator is asked.
        await hive.Write(write => hive.Tickets().MarkGate(write, second));
        await host.Move(first, "PHASE_END");
        Assert.Equal(("PHASE_BUILD", "PHASE_TEST"), (await host.Phase(second), await host.Phase(third)));
        await Patience.Until(
            async () => (await host.Ticket(second)).Text("gate") == "open",
            "the second ticket's gate is open"
        );
        Assert.Equal("building", (await host.Ticket(second)).Text("status"));
        Assert.StartsWith("open again", (await host.History(second))[^1].Text("reason"), StringComparison.Ordinal);
        await host.Move(third, "PHASE_END");
        Assert.Equal("PHASE_BUILD", await host.Phase(second));
        await hive.Judge(second);
        Assert.Equal("PHASE_TEST", await host.Phase(second));
    }

    [Fact]
    public async Task A_verdict_on_a_gate_that_has_changed_since_counts_no_more()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        var tickets = hive.Tickets();
        await hive.Write(write =>
        {
            var read = tickets.Require(write.Db, id);
            tickets.MarkGate(write, id);
            Assert.False(tickets.Judged(write, read, passed: true));
            Assert.Equal(id, Assert.Single(tickets.Marked(write.Db)).Id);
            Assert.True(tickets.Judged(write, tickets.Require(write.Db, id), passed: null));
            Assert.Empty(tickets.Marked(write.Db));
        });
        Assert.Equal(("PHASE_BUILD", "open"), (await host.Phase(id), (await host.Ticket(id)).Text("gate")));
    }

    [Fact]
    public async Task A_raised_limit_lets_waiting_tickets_in()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild();
        var second = await host.CreateInBuild();
        await hive.Judge(first);
        await hive.Judge(second);
        var text = Ticketing.Ways.Replace(
            "[PHASE_TEST], wip_limit: 1",
            "[PHASE_TEST], wip_limit: 2",
            StringComparison.Ordinal
        );
        await host.CallAsync("workflow_load", new { text, replace = true });
        // The reaction comes after the answer.
        await Patience.Until(async () => await host.Phase(second) == "PHASE_TEST", "the second ticket is in Test");
        Assert.Equal(2, await host.Count("test"));
    }

    [Fact]
    public async Task A_lowered_limit_moves_nothing_and_lets_nothing_in()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild();
        var second = await host.CreateInBuild();
        var text = Ticketing.Ways.Replace("wip_limit: 3", "wip_limit: 1", StringComparison.Ordinal);
        await host.CallAsync("workflow_load", new { text, replace = true });
        Assert.Equal(2, await host.Count("build"));
        var third = await host.Create();
        await host.Refused("conflict", "ticket_move", new { id = third, to_phase = "PHASE_BUILD" });
        await host.Move(first, "PHASE_TODO");
        await host.Refused("conflict", "ticket_move", new { id = third, to_phase = "PHASE_BUILD" });
        await host.Move(second, "PHASE_TODO");
        await host.Move(third, "PHASE_BUILD");
    }
}
