using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Tickets;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

public sealed class CreateTicketTests
{
    [Fact]
    public async Task A_new_ticket_begins_in_the_first_phase_with_all_its_fields()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var parent = await host.Create("Sign up");
        var id = await host.Create(
            " Log in ",
            new
            {
                description = "With a password.",
                priority = "HIGH",
                labels = new[] { "auth", "auth", " web " },
                repository = "forge:agents/shop",
                deadline_at = "2026-02-28T12:00:00Z",
                parent,
            }
        );
        var ticket = await host.Ticket(id);
        Assert.Equal("Log in", ticket.Text("title"));
        Assert.Equal("With a password.", ticket.Text("description"));
        Assert.Equal(
            ("ways", "PHASE_TODO", "backlog"),
            (ticket.Text("workflow"), ticket.Text("phase_id"), ticket.Text("status"))
        );
        Assert.Equal(("HIGH", "passed"), (ticket.Text("priority"), ticket.Text("gate")));
        Assert.Equal(["auth", "web"], ticket.GetProperty("labels").EnumerateArray().Select(l => l.GetString()));
        Assert.Equal("forge:agents/shop", ticket.Text("repository"));
        Assert.Equal("2026-02-28T12:00:00.000Z", ticket.Text("deadline_at"));
        Assert.Equal(parent, ticket.GetProperty("parent").GetInt64());
        Assert.Equal(("operator", "approved"), (ticket.Text("requester"), ticket.Text("approval")));
        Assert.Equal(
            ["PHASE_BUILD"],
            ticket.GetProperty("allowed_transitions").EnumerateArray().Select(p => p.GetString())
        );
        var entry = Assert.Single(await host.History(id));
        Assert.Equal(("created", "operator"), (entry.Text("kind"), entry.Text("actor")));
        Assert.Equal("PHASE_TODO", entry.Text("to_phase"));
        Assert.Equal(2, await host.Count("todo"));
    }

    [Fact]
    public async Task A_new_ticket_goes_on_by_itself_while_gates_ask_nothing()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Operator();
        // The gate of the shipped workflow's backlog asks nothing.
        var id = await host.Create();
        var ticket = await host.Ticket(id);
        Assert.Equal(("PHASE_REQUIREMENTS", "open"), (ticket.Text("phase_id"), ticket.Text("gate")));
        Assert.Equal("PHASE_BACKLOG", ticket.Text("previous_phase_id"));
        Assert.Equal(["created", "advanced"], await host.Kinds(id));
    }

    [Fact]
    public async Task A_ticket_can_begin_in_a_later_phase_of_its_workflow()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        Assert.Equal("PHASE_BUILD", await host.Phase(await host.Create("Log in", new { phase_id = "PHASE_BUILD" })));
        var message = await host.Refused("invalid", "ticket_create", new { title = "t", phase_id = "PHASE_BILD" });
        Assert.Contains("'PHASE_BILD' is not a phase of the workflow 'ways'", message, StringComparison.Ordinal);
        message = await host.Refused("invalid", "ticket_create", new { title = "t", phase_id = "PHASE_REQUIREMENTS" });
        Assert.Contains("PHASE_TODO, PHASE_BUILD, PHASE_TEST, PHASE_END", message, StringComparison.Ordinal);
        await host.Refused("invalid", "ticket_create", new { title = "t", phase_id = "PHASE_END" });
        await host.Refused("invalid", "ticket_create", new { title = "t", phase_id = "PHASE_BLOCKED" });
    }

    [Fact]
    public async Task Bad_fields_are_refused_and_nothing_is_made()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        foreach (
            var (fields, words) in new[]
            {
                ("""{"title":" "}""", "blank"),
                ($$"""{"title":"{{new string('x', 501)}}"}""", "has 501 characters; the limit is 500"),
                ("""{"title":"t","priority":"high"}""", "CRITICAL, HIGH, MEDIUM, LOW"),
                ("""{"title":"t","labels":[""]}""", "one of the 'labels' is blank"),
                ("""{"title":"t","repository":"shop"}""", "forge:<owner>/<name>"),
                ("""{"title":"t","deadline_at":"tomorrow"}""", "not an instant"),
                ("""{"title":"two\nlines"}""", "control characters"),
                ("""{"title":"t","phase_id":"PHASE_REQUIREMENTS"}""", "not a phase of the workflow 'ways'"),
            }
        )
        {
            var message = await host.Refused("invalid", "ticket_create", JsonElement.Parse(fields));
            Assert.Contains(words, message, StringComparison.Ordinal);
        }

        Assert.Empty((await host.CallAsync("tickets")).GetProperty("tickets").EnumerateArray());
    }

    [Fact]
    public async Task A_title_may_have_500_characters_and_a_description_16_KiB()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var title = string.Concat(Enumerable.Repeat("ü", 500));
        var id = await host.Create(title, new { description = new string('x', 16 << 10) });
        Assert.Equal(title, (await host.Ticket(id)).Text("title"));
        await host.Refused(
            "too_large",
            "ticket_create",
            new { title = "t", description = new string('x', (16 << 10) + 1) }
        );
    }

    [Fact]
    public async Task An_unknown_workflow_parent_or_blocker_is_not_found()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        Assert.Contains(
            "did you mean ways?",
            await host.Refused("not_found", "ticket_create", new { title = "t", workflow = "way" }),
            StringComparison.Ordinal
        );
        await host.Refused("not_found", "ticket_create", new { title = "t", parent = 7 });
        await host.Refused("not_found", "ticket_create", new { title = "t", blocked_by = new[] { 7 } });
        Assert.Equal(0, await host.Count("todo"));
    }

    [Fact]
    public async Task A_ticket_cannot_begin_in_a_full_column()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board(
            Ticketing.Ways.Replace(
                "phase_mapping: [PHASE_TODO]",
                "phase_mapping: [PHASE_TODO], wip_limit: 1",
                StringComparison.Ordinal
            )
        );
        await host.Create();
        var message = await host.Refused("conflict", "ticket_create", new { title = "t" });
        Assert.Contains("column 'Todo' is full: 1 of 1", message, StringComparison.Ordinal);
        Assert.Equal(1, await host.Count("todo"));
    }

    [Fact]
    public async Task The_manager_makes_tickets_with_its_tool_and_a_key_makes_one()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Board();
        using var manager = await hive.Connect("manager");
        var made = await manager.CallAsync("create_ticket", new { title = "Log in", key = "one" });
        var again = await manager.CallAsync("create_ticket", new { title = "Log in", key = "one" });
        var id = made.GetProperty("ticket").GetProperty("id").GetInt64();
        Assert.Equal(id, again.GetProperty("ticket").GetProperty("id").GetInt64());
        Assert.Equal("manager", made.GetProperty("ticket").Text("requester"));
        Assert.Equal(1, await (await hive.Operator()).Count("todo"));
    }

    [Fact]
    public async Task Agents_without_the_duty_cannot_make_or_change_tickets()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        using var alice = await hive.Connect("alice");
        await alice.Refused("unknown_command", "create_ticket", new { title = "t" });
        await alice.Refused("unknown_command", "change_ticket", new { id = 1, comment = "c" });
        using var manager = await hive.Connect("manager");
        await manager.Refused("unknown_command", "ticket_move", new { id = 1, to_phase = "PHASE_DONE" });
    }

    [Fact]
    public async Task An_agent_has_at_most_2000_open_tickets_of_its_making()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var tickets = hive.Services.GetRequiredService<NewTickets>();
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write =>
        {
            for (var i = 0; i < NewTickets.MostOfAgent; i++)
                tickets.Make(
                    write,
                    new NewTicket("t", null, [], null, null, null, null, null, null, [], null, []),
                    "manager"
                );
        });
        using var manager = await hive.Connect("manager");
        Assert.Contains(
            "2000",
            await manager.Refused("conflict", "create_ticket", new { title = "t" }),
            StringComparison.Ordinal
        );
        // The operator's own are not counted, and one that has ended makes room.
        var last = await host.Create();
        await host.CallAsync("ticket_delete", new { id = last - 1 });
        await manager.CallAsync("create_ticket", new { title = "t" });
    }

    [Fact]
    public async Task REST_answers_flat_under_the_names_of_upstream()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Board();
        var http = hive.Http();
        var response = await http.PostAsJsonAsync("/api/v1/tickets", new { title = "Log in", priority = "LOW" });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var made = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(
            ("Log in", "PHASE_TODO", "LOW"),
            (made.Text("title"), made.Text("phase_id"), made.Text("priority"))
        );
        var id = made.GetProperty("id").GetInt64();
        Assert.Equal("Log in", (await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{id}")).Text("title"));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/api/v1/tickets/99")).StatusCode);
        var all = await http.GetFromJsonAsync<JsonElement>("/api/v1/tickets?limit=10");
        Assert.Equal(id, Assert.Single(all.EnumerateArray()).GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task Tickets_are_listed_by_every_filter_the_newest_first()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var first = await host.Create("100% done", new { labels = new[] { "web" } });
        var second = await host.CreateInBuild("Log in", new { description = "with a snake_case name" });
        var third = await host.Create("Log out", new { workflow = "software_development" });
        Assert.Equal([third, second, first], await Ids(new { }));
        Assert.Equal([first], await Ids(new { label = "web" }));
        Assert.Equal([second], await Ids(new { phase_id = "PHASE_BUILD" }));
        Assert.Equal([second], await Ids(new { status = "building" }));
        Assert.Equal([third], await Ids(new { workflow = "Software_Development" }));
        Assert.Equal([third, second], await Ids(new { text = "LOG" }));
        Assert.Equal([first], await Ids(new { text = "0% d" }));
        Assert.Equal([second], await Ids(new { text = "e_c" }));
        Assert.Equal([third], await Ids(new { limit = 1 }));
        Assert.Equal([second, first], await Ids(new { before = third }));
        await host.Refused("not_found", "tickets", new { workflow = "none" });
        // Signs of query languages are searched as they are.
        var odd = await host.Create("Say \"no\" NEAR(it's) OR 50_% -- \\ *");
        foreach (var text in new[] { "\"NO\" near(", "it's)", "OR 50_%", "-- \\ *" })
            Assert.Equal([odd], await Ids(new { text }));
        foreach (var text in new[] { "log OR say", "\"log", "log*", "title:log", "' OR 1=1 --", "%_" })
            Assert.Empty(await Ids(new { text }));
        await host.Refused("invalid", "tickets", new { text = "\0" });

        async Task<long[]> Ids(object filters) =>
            [
                .. (await host.CallAsync("tickets", filters))
                    .GetProperty("tickets")
                    .EnumerateArray()
                    .Select(t => t.GetProperty("id").GetInt64()),
            ];
    }

    [Fact]
    public async Task Cards_columns_and_removals_are_published_and_a_refusal_publishes_nothing()
    {
        await using var hive = await HiveFixture.Start(realClock: true);
        var host = await hive.Board();
        using var events = await hive.Events();
        var id = await host.Create();
        var card = (await events.Next("ticket_changed")).GetProperty("ticket");
        Assert.Equal((id, "Log in"), (card.GetProperty("id").GetInt64(), card.Text("title")));
        Assert.False(card.TryGetProperty("description", out _));
        Assert.Equal(1, await Counted("todo"));

        await host.Refused("conflict", "ticket_move", new { id, to_phase = "PHASE_TEST" });
        await host.CallAsync("ticket_delete", new { id });
        Assert.Equal(id, (await events.Next("ticket_changed", "ticket_removed")).GetProperty("id").GetInt64());
        Assert.Equal(0, await Counted("todo"));

        // Columns of a workflow that was just loaded are published too.
        async Task<int> Counted(string name)
        {
            while (true)
            {
                var column = (await events.Next("column_changed")).GetProperty("column");
                if ((column.Text("workflow"), column.Text("id")) == ("ways", name))
                    return column.GetProperty("count").GetInt32();
            }
        }
    }

    [Fact]
    public async Task The_snapshot_has_the_columns_with_their_counts()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        await host.CreateDone();
        await host.CreateInBuild();
        var state = await hive.State();
        var columns = state.GetProperty("board").EnumerateArray().Where(c => c.Text("workflow") == "ways").ToArray();
        Assert.Equal(["todo", "build", "test", "end", "blocked"], columns.Select(c => c.Text("id")));
        Assert.Equal([0, 1, 0, 1, 0], columns.Select(c => c.GetProperty("count").GetInt32()));
    }
}
