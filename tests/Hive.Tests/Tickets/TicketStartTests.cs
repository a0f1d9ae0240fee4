using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>A new start of the host knows what the one before knew of the tickets.</summary>
public sealed class TicketStartTests
{
    [Fact]
    public async Task Counts_and_waiting_tickets_are_as_before_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild("first");
        var late = await host.CreateInBuild("late");
        var early = await host.CreateInBuild("early");
        await hive.Judge(first);
        await hive.Judge(early);
        await hive.Judge(late);
        var blocked = await host.Create();
        await host.Change(new { id = blocked, block = new { type = "environment" } });
        // Held, so that its gate is not judged.
        var marked = await host.CreateInBuild("marked");
        (await hive.Http().PostAsync($"/api/v1/tickets/{marked}/hold", null)).EnsureSuccessStatusCode();
        await hive.Write(write => hive.Tickets().MarkGate(write, marked));
        await host.CreateDone();
        var before = (await host.CallAsync("board")).GetRawText();
        await hive.Restart();
        host = await hive.Operator();
        Assert.Equal(before, (await host.CallAsync("board")).GetRawText());
        // The order in which they wait is stored too.
        await host.Move(first, "PHASE_END");
        Assert.Equal(("PHASE_TEST", "PHASE_BUILD"), (await host.Phase(early), await host.Phase(late)));
        var third = await host.Create();
        await host.Move(third, "PHASE_BUILD");
        var fourth = await host.Create();
        await host.Refused("conflict", "ticket_move", new { id = fourth, to_phase = "PHASE_BUILD" });
    }

    [Fact]
    public async Task A_ticket_that_should_have_gone_on_goes_at_the_next_start()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild();
        var second = await host.CreateInBuild();
        await hive.Judge(first);
        await hive.Judge(second);
        // As if the host had ended after it stored a raised limit, and before it let the ticket in.
        await hive.Write(write =>
            write.Db.Execute(
                """
                UPDATE workflows
                   SET spec = replace(spec, '"wip_limit":1', '"wip_limit":2')
                 WHERE name = 'ways'
                """
            )
        );
        await hive.Restart();
        host = await hive.Operator();
        await Patience.Until(async () => await host.Phase(second) == "PHASE_TEST", "the second ticket is in Test");
        Assert.Equal(2, await host.Count("test"));
    }

    [Fact]
    public async Task A_rolled_back_write_leaves_counts_and_waiting_tickets_as_they_were()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.CreateInBuild();
        var second = await host.CreateInBuild();
        await hive.Judge(first);
        await hive.Judge(second);
        var tickets = hive.Tickets();
        var before = (await host.CallAsync("board")).GetRawText();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            hive.Write(write =>
            {
                tickets.Block(write, second, BlockTypes.Environment, "no disk", "system");
                tickets.Regress(write, first, "PHASE_BUILD", "red", "system");
                throw new InvalidOperationException("undone");
            })
        );
        Assert.Equal(before, (await host.CallAsync("board")).GetRawText());
        await host.Move(first, "PHASE_END");
        Assert.Equal("PHASE_TEST", await host.Phase(second));
    }

    [Fact]
    public async Task Replacing_a_workflow_moves_the_tickets_of_phases_that_go()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (there, gone, other) = (await host.Create(), await host.CreateInBuild(), await host.CreateInBuild());
        var text = Ticketing.Ways.Replace("PHASE_BUILD", "PHASE_MAKE", StringComparison.Ordinal);
        Assert.Contains(
            $"PHASE_BUILD has tickets {gone}, {other}",
            await host.Refused("conflict", "workflow_load", new { text, replace = true }),
            StringComparison.Ordinal
        );
        var move = new Dictionary<string, string> { ["PHASE_BUILD"] = "PHASE_MAKE" };
        var narrow = new
        {
            text,
            replace = true,
            move = new Dictionary<string, string> { ["PHASE_BUILD"] = "PHASE_TEST" },
        };
        Assert.Contains(
            "would put 2 tickets into the column 'Test', whose 'wip_limit' is 1",
            await host.Refused("conflict", "workflow_load", narrow),
            StringComparison.Ordinal
        );
        Assert.Equal(("PHASE_BUILD", 2), (await host.Phase(gone), await host.Count("build")));
        var loaded = await host.CallAsync(
            "workflow_load",
            new
            {
                text,
                replace = true,
                move,
            }
        );
        Assert.Equal(2, loaded.GetProperty("moved").GetInt32());
        Assert.Equal(("PHASE_TODO", "PHASE_MAKE"), (await host.Phase(there), await host.Phase(gone)));
        Assert.Equal((1, 2), (await host.Count("todo"), await host.Count("build")));
        await host.CallAsync(
            "workflow_load",
            new
            {
                text = Ticketing.Ways.Replace("name: ways", "name: other", StringComparison.Ordinal),
                @default = true,
            }
        );
        Assert.Contains(
            "tickets",
            await host.Refused("conflict", "workflow_delete", new { name = "ways" }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_column_that_is_too_full_already_refuses_only_further_tickets()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await host.Create();
        for (var i = 0; i < 3; i++)
            await host.CreateInBuild();
        var text = Ticketing.Ways.Replace("wip_limit: 3", "wip_limit: 2", StringComparison.Ordinal);
        await host.CallAsync("workflow_load", new { text, replace = true });
        foreach (var (from, to) in new[] { ("PHASE_TODO", "PHASE_IDEA"), ("PHASE_BUILD", "PHASE_MAKE") })
        {
            text = text.Replace(from, to, StringComparison.Ordinal);
            await host.CallAsync("workflow_load", Load(from, to));
        }

        Assert.Equal((1, 3), (await host.Count("todo"), await host.Count("build")));
        text = text.Replace("PHASE_IDEA", "PHASE_WISH", StringComparison.Ordinal);
        Assert.Contains(
            "would put 4 tickets into the column 'Build', whose 'wip_limit' is 2",
            await host.Refused("conflict", "workflow_load", Load("PHASE_IDEA", "PHASE_MAKE")),
            StringComparison.Ordinal
        );

        object Load(string from, string to) =>
            new
            {
                text,
                replace = true,
                move = new Dictionary<string, string> { [from] = to },
            };
    }

    [Fact]
    public async Task Tickets_that_have_ended_go_with_their_phase_and_keep_their_workflow()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var id = await host.CreateDone();
        var text = Ticketing.Ways.Replace("PHASE_END", "PHASE_OVER", StringComparison.Ordinal);
        Assert.Contains(
            $"PHASE_END has ticket {id}",
            await host.Refused("conflict", "workflow_load", new { text, replace = true }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"PHASE_TEST, which is not an end, and ticket {id} of PHASE_END has ended",
            await host.Refused("invalid", "workflow_load", Load("PHASE_TEST")),
            StringComparison.Ordinal
        );
        Assert.Equal("PHASE_END", await host.Phase(id));
        var loaded = await host.CallAsync("workflow_load", Load("PHASE_OVER"));
        Assert.Equal(1, loaded.GetProperty("moved").GetInt32());
        var ticket = await host.Ticket(id);
        Assert.Equal(("PHASE_OVER", "done"), (ticket.Text("phase_id"), ticket.Text("status")));
        Assert.Equal(1, await host.Count("end"));
        Assert.Equal(
            ("moved", "PHASE_END", "PHASE_OVER"),
            (
                (await host.History(id))[^1].Text("kind"),
                (await host.History(id))[^1].Text("from_phase"),
                (await host.History(id))[^1].Text("to_phase")
            )
        );
        await host.CallAsync(
            "workflow_load",
            new
            {
                text = Ticketing.Ways.Replace("name: ways", "name: other", StringComparison.Ordinal),
                @default = true,
            }
        );
        Assert.Contains(
            $"is used by ticket {id}",
            await host.Refused("conflict", "workflow_delete", new { name = "ways" }),
            StringComparison.Ordinal
        );
        await host.CallAsync("ticket_delete", new { id });
        await host.CallAsync("workflow_delete", new { name = "ways" });

        object Load(string to) =>
            new
            {
                text,
                replace = true,
                move = new Dictionary<string, string> { ["PHASE_END"] = to },
            };
    }

    [Fact]
    public async Task Gates_of_a_replaced_workflow_are_marked_in_its_write_and_once()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var (open, passed) = (await host.CreateInBuild(), await host.CreateInBuild());
        foreach (var id in new[] { open, passed })
            (await hive.Http().PostAsync($"/api/v1/tickets/{id}/hold", null)).EnsureSuccessStatusCode();
        await hive.Judge(passed);
        var before = (await Rev(open), await Rev(passed));
        await host.CallAsync("workflow_load", new { text = Ticketing.Ways, replace = true });
        Assert.Equal((before.Item1 + 1, before.Item2), (await Rev(open), await Rev(passed)));
        await hive.Settled();
        Assert.Equal((before.Item1 + 1, before.Item2), (await Rev(open), await Rev(passed)));
        // A ticket that does not run keeps its mark, and is not looked at.
        Assert.Empty(await Store(hive).Read(db => hive.Tickets().Marked(db)));
        (await hive.Http().PostAsync($"/api/v1/tickets/{open}/release", null)).EnsureSuccessStatusCode();
        await Patience.Until(
            () => Store(hive).Read(db => hive.Tickets().Marked(db).Count == 0),
            "the released ticket's gate is judged"
        );

        Task<long> Rev(long id) => Store(hive).Read(db => hive.Tickets().Require(db, id).GateRev);
    }

    [Fact]
    public async Task A_writer_that_is_busy_keeps_no_reaction_to_a_workflow_back()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await host.CreateInBuild();
        await hive.Write(write => write.Db.Execute("UPDATE tickets SET gate = 'passed'"));
        var workflow = (await host.CallAsync("workflows"))
            .GetProperty("workflows")
            .Deserialize<WorkflowView[]>(WireJson.Options)!
            .Single(w => w.Name == "ways");
        using var over = new ManualResetEventSlim();
        using var begun = new SemaphoreSlim(0);
        var busy = Task.Run(
            () =>
                hive.Write(_ =>
                {
                    begun.Release();
                    over.Wait(TestContext.Current.CancellationToken);
                }),
            TestContext.Current.CancellationToken
        );
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        var handled = hive
            .Services.GetRequiredService<TicketSweep>()
            .Handle(new WorkflowChanged(workflow), CancellationToken.None);
        var isFree = handled.IsCompletedSuccessfully;
        over.Set();
        await busy;
        Assert.True(isFree);
    }

    [Fact]
    public async Task A_ticket_that_cannot_go_on_at_the_start_keeps_no_other_back()
    {
        var refuser = new Refuser();
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton<IPhaseEntered>(refuser));
        var host = await hive.Board(
            Ticketing.Ways.Replace("[PHASE_TEST], wip_limit: 1", "[PHASE_TEST]", StringComparison.Ordinal)
        );
        var (stuck, free) = (await host.CreateInBuild(), await host.CreateInBuild());
        refuser.Refused = stuck;
        // As if the host had ended before they went on.
        await hive.Write(write =>
            write.Db.Execute("UPDATE tickets SET gate = 'passed', gate_marked = 0, gate_rev = gate_rev + 1")
        );
        await hive.Restart();
        host = await hive.Operator();
        await Patience.Until(async () => await host.Phase(free) == "PHASE_TEST", "the free ticket is in Test");
        Assert.Equal("PHASE_BUILD", await host.Phase(stuck));
    }

    private static IStore Store(HiveFixture hive) => hive.Services.GetRequiredService<IStore>();

    private sealed class Refuser : IPhaseEntered
    {
        public long Refused { get; set; }

        public void Entered(IWrite write, TicketEntry ticket, Phase phase, string actor)
        {
            if (ticket.Id == Refused)
                throw Problem.Conflict("not now");
        }
    }
}
