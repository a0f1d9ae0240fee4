using System.Data.Common;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>Tickets tell the slices above them of each change, in its write.</summary>
public sealed class TicketSeamTests
{
    [Fact]
    public async Task Each_phase_that_is_entered_is_told_also_those_passed_through_and_the_last()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        await hive.Judge(id);
        await host.Move(id, "PHASE_END");
        Assert.Equal(
            [
                "entered PHASE_TODO by operator",
                "entered PHASE_BUILD by operator",
                "entered PHASE_TEST by system",
                "entered PHASE_END by operator",
            ],
            above.Told
        );
    }

    [Fact]
    public async Task A_block_a_hold_and_the_end_of_the_last_are_told()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.Create();
        above.Told.Clear();
        await host.Change(new { id, block = new { type = "environment" } });
        (await hive.Http().PostAsync($"/api/v1/tickets/{id}/hold", null)).EnsureSuccessStatusCode();
        await host.Change(new { id, unblock = true });
        (await hive.Http().PostAsync($"/api/v1/tickets/{id}/release", null)).EnsureSuccessStatusCode();
        // The end of the block changed the reason alone: the ticket was held.
        Assert.Equal(["runs False", "runs False", "block ended by operator", "runs False", "runs True"], above.Told);
    }

    [Fact]
    public async Task Tasks_that_come_with_a_ticket_are_made_after_it_has_begun()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var tasks = new[] { new { task_type = "look", title = "Look" }, new { task_type = "leap", title = "Leap" } };
        await host.Create("Log in", new { tasks });
        Assert.Equal(["entered PHASE_TODO by operator", "tasks look, leap"], above.Told);
    }

    [Fact]
    public async Task Tasks_of_a_ticket_under_review_are_kept_until_its_approval()
    {
        var above = new Above();
        await using var hive = await Start(above, "true");
        var host = await hive.Board();
        var id = await host.Create(
            "Log in",
            new
            {
                tasks = new[]
                {
                    new
                    {
                        task_type = "look",
                        title = "Look",
                        @ref = "eyes",
                        depends_on = Array.Empty<string>(),
                    },
                    new
                    {
                        task_type = "leap",
                        title = "Leap",
                        @ref = "legs",
                        depends_on = (string[])["eyes"],
                    },
                },
            }
        );
        Assert.Empty(above.Told);
        await hive.Restart();
        await (await hive.Operator()).CallAsync("ticket_approve", new { id });
        Assert.Equal(["entered PHASE_TODO by operator", "tasks look, leap"], above.Told);
        Assert.Equal("eyes", Assert.Single(above.Specs[1].DependsOn!).GetString());
    }

    [Fact]
    public async Task A_regress_by_hand_makes_a_rework_task_and_one_by_the_gate_does_not()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        above.Told.Clear();
        await host.Move(id, "PHASE_TODO", "it is not clear");
        Assert.Equal(["entered PHASE_TODO by operator", "tasks rework"], above.Told);
        Assert.Equal(("PHASE_TODO", "it is not clear"), (above.Specs[0].PhaseId, above.Specs[0].Description));
        await host.Move(id, "PHASE_BUILD");
        above.Told.Clear();
        await hive.Write(write => hive.Tickets().Regress(write, id, "PHASE_TODO", "red", "system"));
        Assert.Equal(["entered PHASE_TODO by system"], above.Told);
        Assert.Equal("regressed", (await host.History(id))[^1].Text("kind"));
    }

    [Fact]
    public async Task The_titles_of_rework_and_remedies_are_cut_between_characters()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board(WithRemedy);
        // "Rework: " and the title, of which the 500th character is half an emoji.
        var id = await host.CreateInBuild(new string('x', 491) + "😀");
        await host.Move(id, "PHASE_TODO", "it is not clear");
        Assert.Equal($"Rework: {new string('x', 491)}…", above.Specs[^1].Title);
        await host.Change(new { id, block = new { type = "failing_checks" } });
        Assert.Equal($"Fix the checks of {new string('x', 481)}…", above.Specs[^1].Title);
    }

    [Fact]
    public async Task A_regress_that_is_not_allowed_changes_nothing_and_one_that_fails_is_undone()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        above.Told.Clear();
        foreach (var phase in new[] { "PHASE_TEST", "PHASE_BUILD", "PHASE_NONE" })
            await hive.Write(write => Assert.False(hive.Tickets().Regress(write, id, phase, "red", "system")));
        Assert.Empty(above.Told);
        above.Refuses = "PHASE_TODO";
        await Assert.ThrowsAsync<Problem>(() =>
            hive.Write(write => hive.Tickets().Regress(write, id, "PHASE_TODO", "red", "system"))
        );
        Assert.Equal(("PHASE_BUILD", 1), (await host.Phase(id), await host.Count("build")));
        Assert.Equal(["created", "moved"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_refusal_by_a_slice_above_undoes_the_move_and_the_counts()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.Create();
        above.Refuses = "PHASE_BUILD";
        await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_BUILD" });
        Assert.Equal(("PHASE_TODO", 1, 0), (await host.Phase(id), await host.Count("todo"), await host.Count("build")));
        above.Refuses = null;
        await host.Move(id, "PHASE_BUILD");
        Assert.Equal((0, 1), (await host.Count("todo"), await host.Count("build")));
    }

    [Fact]
    public async Task Reasons_of_a_gate_are_told_and_the_work_on_a_ticket_shows_on_its_card()
    {
        var above = new Above { Blocking = ["the requirements are missing"] };
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.CreateInBuild();
        const string Words = "the gate of PHASE_BUILD has not passed: (.*; )?the requirements are missing; complete";
        // What a gate lacks takes all of its evidence, which no write reads.
        foreach (var command in new[] { "ticket_move", "ticket_change" })
            Assert.Matches(Words, await host.Refused("conflict", command, new { id, to_phase = "PHASE_TEST" }));
        var http = hive.Http();
        var moved = await http.PostAsJsonAsync("/api/v1/board/move", new { ticket_id = id, target_column_id = "test" });
        Assert.Matches(Words, (await moved.Content.ReadFromJsonAsync<JsonElement>()).Text("detail"));
        var advanced = await http.PostAsync($"/api/v1/tickets/{id}/check-advance", null);
        Assert.Matches(Words, (await advanced.Content.ReadFromJsonAsync<JsonElement>()).Text("reason"));
        var card = await host.Ticket(id);
        Assert.Equal(3, card.GetProperty("tasks").GetProperty("open").GetInt32());
        Assert.Equal("alice", card.GetProperty("agents")[0].GetString());
    }

    [Fact]
    public async Task A_deleted_ticket_is_told_before_it_is_gone()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board();
        var id = await host.Create();
        above.Told.Clear();
        await host.CallAsync("ticket_delete", new { id });
        Assert.Equal([$"removed {id} by operator"], above.Told);
    }

    [Fact]
    public async Task A_block_makes_the_remedy_that_the_overlay_has_for_its_type()
    {
        var above = new Above();
        await using var hive = await Start(above);
        var host = await hive.Board(WithRemedy);
        var id = await host.CreateInBuild();
        above.Told.Clear();
        await host.Change(new { id, block = new { type = "environment" } });
        await host.Change(new { id, unblock = true });
        await host.Change(new { id, block = new { type = "failing_checks", reason = "red" } });
        Assert.Equal(
            ["runs False", "block ended by operator", "runs True", "runs False", "tasks failing_checks"],
            above.Told
        );
        // What is left of it goes also when a move ends the block.
        above.Told.Clear();
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
        Assert.Equal("block ended by operator", above.Told[0]);
        Assert.Equal(
            ("Fix the checks of Log in", "red", Phase.BlockedId),
            (above.Specs[0].Title, above.Specs[0].Description, above.Specs[0].PhaseId)
        );
    }

    private static string WithRemedy =>
        Ticketing.Ways.Replace(
            "    name: Blocked\n",
            "    name: Blocked\n    tasks:\n"
                + "      - { type: failing_checks, title: \"Fix the checks of {ticket_title}\" }\n",
            StringComparison.Ordinal
        );

    private static Task<HiveFixture> Start(Above above, string review = "false") =>
        HiveFixture.StartWith(services => Add(services, above), "--tickets-human-review", review);

    private static void Add(IServiceCollection services, Above above) =>
        services
            .AddSingleton<IPhaseEntered>(above)
            .AddSingleton<ITicketHeld>(above)
            .AddSingleton<ITicketRemoved>(above)
            .AddSingleton<ITicketTasks>(above)
            .AddSingleton<ITicketWork>(above)
            .AddSingleton<IGateVerdicts>(above);

    private sealed class Above : IPhaseEntered, ITicketHeld, ITicketRemoved, ITicketTasks, ITicketWork, IGateVerdicts
    {
        private DbConnection? writer;

        public List<string> Told { get; } = [];

        public IReadOnlyList<TaskSpec> Specs { get; private set; } = [];

        public string? Refuses { get; set; }

        public IReadOnlyList<string> Blocking { get; init; } = [];

        public void Entered(IWrite write, TicketEntry ticket, Phase phase, string actor)
        {
            if (phase.Id == Refuses)
                throw Problem.Conflict("not now");
            Assert.Equal(phase.Id, ticket.PhaseId);
            writer = write.Db;
            Told.Add($"entered {phase.Id} by {actor}");
        }

        public void Changed(IWrite write, TicketEntry ticket) => Told.Add($"runs {ticket.Runs}");

        public void Removed(IWrite write, TicketEntry ticket, string actor) =>
            Told.Add($"removed {ticket.Id} by {actor}");

        public void Check(Workflow workflow, IReadOnlyList<TaskSpec> tasks) =>
            Assert.All(tasks, task => Assert.NotNull(task.TaskType));

        public void Add(IWrite write, TicketEntry ticket, IReadOnlyList<TaskSpec> tasks, string actor)
        {
            Specs = tasks;
            Told.Add($"tasks {string.Join(", ", tasks.Select(t => t.TaskType))}");
        }

        public IReadOnlyDictionary<long, TicketWork> Of(DbConnection db, IReadOnlyCollection<long> tickets) =>
            tickets.ToDictionary(id => id, _ => new TicketWork(new TaskCounts(3, 1, 0, 0), ["alice"]));

        public void BlockEnded(IWrite write, TicketEntry ticket, string actor) => Told.Add($"block ended by {actor}");

        public void RepositoryChanged(IWrite write, TicketEntry ticket) => Told.Add($"repository {ticket.Repository}");

        bool IGateVerdicts.HasPassed(DbConnection db, TicketEntry ticket, Phase phase) => Blocking.Count == 0;

        IReadOnlyList<string> IGateVerdicts.Blocking(DbConnection db, TicketEntry ticket, Phase phase)
        {
            Assert.NotSame(writer, db);
            return Blocking;
        }
    }
}
