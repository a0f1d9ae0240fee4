using System.Text.Json;
using Hive.Features.Tickets.Contracts;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tickets;

public sealed class LinkTicketsTests
{
    [Fact]
    public async Task A_ticket_that_waits_for_others_is_blocked_until_the_last_of_them_is_done()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (first, second) = (await host.Create("first"), await host.Create("second"));
        var id = await host.Create("third", new { blocked_by = new[] { first, second } });
        var ticket = await host.Ticket(id);
        Assert.Equal(
            ("dependency", $"waits for tickets {first}, {second}"),
            (ticket.Text("blocked"), ticket.Text("blocked_reason"))
        );
        Assert.Equal(
            [first, second],
            ticket.GetProperty("blocked_by").EnumerateArray().Select(l => l.GetProperty("id").GetInt64())
        );
        Assert.Equal(
            id,
            Assert
                .Single((await host.Ticket(first)).GetProperty("blocks").EnumerateArray())
                .GetProperty("id")
                .GetInt64()
        );
        // The operator has nothing to do about it.
        Assert.Empty(
            (await host.CallAsync("waiting", new { kind = "ticket_blocked" })).GetProperty("waiting").EnumerateArray()
        );
        await End(first);
        Assert.Equal(
            ("dependency", $"waits for ticket {second}"),
            ((await host.Ticket(id)).Text("blocked"), (await host.Ticket(id)).Text("blocked_reason"))
        );
        // A further one is named as well.
        var last = await host.Create("fourth");
        await host.Change(new { id, link = new { blocker = last } });
        Assert.Equal($"waits for tickets {second}, {last}", (await host.Ticket(id)).Text("blocked_reason"));
        await host.Change(new { id, unlink = new { blocker = last } });
        Assert.Equal($"waits for ticket {second}", (await host.Ticket(id)).Text("blocked_reason"));
        await End(second);
        Assert.Equal("-", (await host.Ticket(id)).Text("blocked"));
        Assert.Equal(
            ("unblocked", $"ticket {second} is done"),
            ((await host.History(id))[^1].Text("kind"), (await host.History(id))[^1].Text("reason"))
        );
        Assert.True((await host.Ticket(id)).GetProperty("blocked_by")[0].GetProperty("done").GetBoolean());

        Task End(long ticket) =>
            host.CallAsync(
                "ticket_move",
                new
                {
                    id = ticket,
                    to_phase = "PHASE_END",
                    force = true,
                    reason = "r",
                }
            );
    }

    [Fact]
    public async Task A_ticket_whose_gate_has_passed_goes_on_in_the_write_that_frees_it()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var blocker = await host.Create("first");
        var id = await host.CreateInBuild();
        await host.Change(new { id, link = new { blocker } });
        await hive.Judge(id);
        Assert.Equal("PHASE_BUILD", await host.Phase(id));
        await host.CallAsync(
            "ticket_move",
            new
            {
                id = blocker,
                to_phase = "PHASE_END",
                force = true,
                reason = "r",
            }
        );
        Assert.Equal("PHASE_TEST", await host.Phase(id));
    }

    [Fact]
    public async Task A_chain_of_a_thousand_links_ends_in_one_write()
    {
        await using var hive = await HiveFixture.Start();
        // A ticket of this workflow ends as soon as nothing keeps it.
        var host = await hive.Board(
            """
            name: short
            phases:
              - { id: PHASE_OPEN, name: Open, allowed_transitions: [PHASE_END], next: PHASE_END }
              - { id: PHASE_END, name: End, terminal: true }
            """
        );
        await host.CallAsync("workflow_load", new { text = Ticketing.Ways, @default = true });
        var head = await host.Create("head");
        var last = head;
        for (var i = 0; i < 10; i++)
            last = await Load(last);
        await host.CallAsync(
            "ticket_move",
            new
            {
                id = head,
                to_phase = "PHASE_END",
                force = true,
                reason = "r",
            }
        );
        Assert.Equal("PHASE_END", await host.Phase(last));

        async Task<long> Load(long from)
        {
            var entries = Enumerable
                .Range(0, 100)
                .Select(i =>
                    $"  - {{ ref: t{i}, title: T, workflow: short, blocked_by: [{(i == 0 ? from : $"t{i - 1}")}] }}"
                );
            var loaded = await host.CallAsync(
                "tickets_load",
                new { text = $"tickets:\n{string.Join('\n', entries)}\n" }
            );
            return loaded.GetProperty("tickets")[99].GetProperty("id").GetInt64();
        }
    }

    [Fact]
    public async Task A_link_that_closes_a_circle_is_refused_with_the_path()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        long[] ids = [await host.Create("a"), await host.Create("b"), await host.Create("c")];
        await host.Change(new { id = ids[1], link = new { blocker = ids[0] } });
        await host.Change(new { id = ids[1], link = new { blocked = ids[2] } });
        var message = await host.Refused(
            "conflict",
            "ticket_change",
            new { id = ids[0], link = new { blocker = ids[2] } }
        );
        Assert.Contains($"{ids[0]} → {ids[2]} → {ids[1]} → {ids[0]}", message, StringComparison.Ordinal);
        await host.Refused("invalid", "ticket_change", new { id = ids[0], link = new { blocker = ids[0] } });
        await host.Refused("not_found", "ticket_change", new { id = ids[0], link = new { blocker = 99 } });
        Assert.Equal(["created"], await host.Kinds(ids[0]));
    }

    [Fact]
    public async Task A_ticket_for_which_too_many_wait_takes_no_further_one()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (blocker, id) = (await host.Create("first"), await host.Create("second"));
        await hive.Write(write =>
            Dapper.SqlMapper.Execute(
                write.Db,
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50),
                     columns AS (SELECT * FROM tickets WHERE id = @id)
                INSERT INTO tickets (workflow, title, description, description_refs, priority, phase_id, status,
                    entered_at, rank, labels, requester, created_at, updated_at)
                SELECT workflow, title, description, description_refs, priority, phase_id, status,
                       entered_at, rank, labels, requester, created_at, updated_at
                  FROM columns, n;
                INSERT INTO ticket_links (blocker, blocked) SELECT @blocker, id FROM tickets WHERE id > @id
                """,
                new { id, blocker }
            )
        );
        Assert.Contains(
            "50 tickets wait for ticket",
            await host.Refused("conflict", "ticket_change", new { id, link = new { blocker } }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "50 tickets wait for ticket",
            await host.Refused("conflict", "ticket_create", new { title = "third", blocked_by = new[] { blocker } }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_link_counts_once_and_removing_the_last_one_frees_the_ticket()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (blocker, id) = (await host.Create("first"), await host.Create("second"));
        await host.Change(new { id, link = new { blocker } });
        await host.Change(new { id, link = new { blocker } });
        Assert.Single((await host.Ticket(id)).GetProperty("blocked_by").EnumerateArray());
        await host.Change(new { id, unlink = new { blocker } });
        Assert.Equal("-", (await host.Ticket(id)).Text("blocked"));
        await host.Refused("not_found", "ticket_change", new { id, unlink = new { blocker } });
        Assert.Equal(["created", "linked", "blocked", "unlinked", "unblocked"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_block_that_does_not_come_from_links_is_not_lifted_with_them()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (blocker, id) = (await host.Create("first"), await host.Create("second"));
        await host.Change(new { id, block = new { type = BlockTypes.Dependency, reason = "a supplier" } });
        await host.Change(new { id, link = new { blocker } });
        await host.CallAsync(
            "ticket_move",
            new
            {
                id = blocker,
                to_phase = "PHASE_END",
                force = true,
                reason = "r",
            }
        );
        Assert.Equal("a supplier", (await host.Ticket(id)).Text("blocked_reason"));
        // A link to a ticket that is done blocks nothing.
        await host.Change(new { id, unblock = true });
        var other = await host.Create("third", new { blocked_by = new[] { blocker } });
        Assert.Equal("-", (await host.Ticket(other)).Text("blocked"));
    }

    [Theory]
    [InlineData("PHASE_BUILD")]
    [InlineData("PHASE_TEST")]
    [InlineData(null)]
    public async Task A_ticket_that_was_blocked_otherwise_still_waits_for_those_it_is_linked_to(string? from)
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (blocker, id) = (await host.Create("first"), await host.CreateInBuild("second"));
        if (from == "PHASE_TEST")
            await host.CallAsync(
                "ticket_move",
                new
                {
                    id,
                    to_phase = from,
                    force = true,
                    reason = "r",
                }
            );
        await host.Change(new { id, block = new { type = "environment", reason = "no disk" } });
        await host.Change(new { id, link = new { blocker } });
        var freed = from is null ? await host.Change(new { id, unblock = true }) : await host.Move(id, "PHASE_BUILD");
        Assert.Equal(
            ("PHASE_BUILD", "dependency", $"waits for ticket {blocker}"),
            (freed.Text("phase_id"), freed.Text("blocked"), freed.Text("blocked_reason"))
        );
        // A block by links ends with the operator's word.
        Assert.Equal("-", (await host.Change(new { id, unblock = true })).Text("blocked"));
    }

    [Fact]
    public async Task Deleting_a_ticket_frees_those_that_wait_for_it()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var blocker = await host.Create("first");
        var id = await host.Create("second", new { blocked_by = new[] { blocker } });
        await host.CallAsync("ticket_delete", new { id = blocker });
        var ticket = await host.Ticket(id);
        Assert.Equal("-", ticket.Text("blocked"));
        Assert.Empty(ticket.GetProperty("blocked_by").EnumerateArray());
        Assert.Equal($"ticket {blocker} was deleted", (await host.History(id))[^1].Text("reason"));
        await host.Refused("not_found", "ticket", new { id = blocker });
        await host.Refused("not_found", "ticket_delete", new { id = blocker });
    }
}
