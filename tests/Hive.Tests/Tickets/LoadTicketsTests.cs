using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tickets;

public sealed class LoadTicketsTests
{
    [Fact]
    public async Task The_tickets_of_a_file_are_made_with_their_links_in_its_order()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var there = await host.Create("there");
        var loaded = await host.CallAsync(
            "tickets_load",
            new
            {
                text = $"""
                tickets:
                  - ref: ship
                    title: Ship it
                    blocked_by: [login, {there}]
                  - ref: login
                    title: Log in
                    description: |
                      With a password.
                    workflow: software_development
                    priority: HIGH
                    labels: [auth, "2026"]
                    repository: forge:agents/shop
                    deadline_at: "2026-02-28T12:00:00Z"
                  - title: Nameless
                """,
            }
        );
        var tickets = loaded.GetProperty("tickets");
        Assert.Equal(["ship", "login", "-"], tickets.EnumerateArray().Select(t => t.Text("ref")));
        var ids = tickets.EnumerateArray().Select(t => t.GetProperty("id").GetInt64()).ToArray();
        var ship = await host.Ticket(ids[0]);
        Assert.Equal("dependency", ship.Text("blocked"));
        Assert.Equal(
            [there, ids[1]],
            ship.GetProperty("blocked_by").EnumerateArray().Select(l => l.GetProperty("id").GetInt64())
        );
        var login = await host.Ticket(ids[1]);
        Assert.Equal(("HIGH", "With a password.\n"), (login.Text("priority"), login.Text("description")));
        Assert.Equal(("PHASE_REQUIREMENTS", "forge:agents/shop"), (login.Text("phase_id"), login.Text("repository")));
        Assert.Equal("2026-02-28T12:00:00.000Z", login.Text("deadline_at"));
        Assert.Equal(["auth", "2026"], login.GetProperty("labels").EnumerateArray().Select(l => l.GetString()));
        Assert.Equal("operator", (await host.Ticket(ids[2])).Text("requester"));
    }

    private static readonly (string Text, string Words)[] Faulty =
    [
        ("tickets: []", "line 1, column 10: there is not one ticket"),
        (
            "tickets:\n  - titel: x",
            "line 2, column 5: unknown key 'titel' in an entry of 'tickets'; did you mean title?"
        ),
        ("tickets:\n  - ref: a", "line 2, column 5: 'title' is missing"),
        ("tickets:\n  - { title: t, priority: high }", "CRITICAL, HIGH, MEDIUM, LOW"),
        (
            "tickets:\n  - { title: t, phase_id: PHASE_X }",
            "line 2, column 5: 'PHASE_X' is not a phase of the workflow 'ways'"
        ),
        ("tickets:\n  - { title: t, workflow: way }", "did you mean ways?"),
        (
            "tickets:\n  - { title: t, blocked_by: [nobody] }",
            "line 2, column 30: 'nobody' is neither a ref of this file nor the id"
        ),
        ("tickets:\n  - { title: t, blocked_by: [77] }", "line 2, column 30: ticket 77 not found"),
        (
            "tickets:\n  - { ref: a, title: t }\n  - { ref: a, title: u }",
            "line 3, column 5: the ref 'a' is given twice; the other is on line 2"
        ),
        (
            "tickets:\n  - { ref: a, title: t, blocked_by: [b] }\n  - { ref: b, title: u, blocked_by: [a] }",
            "wait for each other in a circle: a, b"
        ),
        ("tickets:\n  - &x { title: t }", "anchors and aliases"),
        ("tickets:\n\t- title: t", "line 2, column 1: this line is indented with a tab; indent it with spaces"),
        ("tickets:\n  - { title: t, title: u }", "line 2"),
        ("tickets:\n  - { title: t, tasks: [{ title: x }] }", "'task_type' is missing"),
        ("tickets:\n  - { title: t, deadline_at: soon }", "line 2, column 30: 'deadline_at' is not an instant"),
        ("tickets:\n  - { title: 12 }", "write it in quotes"),
        ("tickets: " + new string('[', 300), "line 1, column "),
    ];

    [Fact]
    public async Task A_fault_is_told_with_its_place_and_nothing_is_made()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        foreach (var (text, words) in Faulty)
        {
            var message = await host.Refused("invalid", "tickets_load", new { text });
            Assert.Contains(words, message, StringComparison.Ordinal);
        }

        Assert.Empty((await host.CallAsync("tickets")).GetProperty("tickets").EnumerateArray());
        Assert.Equal(0, await host.Count("todo"));
    }

    [Fact]
    public async Task All_faults_are_told_and_one_of_them_keeps_all_tickets_out()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var message = await host.Refused(
            "invalid",
            "tickets_load",
            new
            {
                text = "tickets:\n  - title: fine\n  - { title: t, blocked_by: [5] }\n  - { title: t, workflow: none }",
            }
        );
        Assert.StartsWith("line 3, column 30: ", message, StringComparison.Ordinal);
        Assert.Contains("\nline 4, column 5: ", message, StringComparison.Ordinal);
        Assert.Equal(0, await host.Count("todo"));
        // What was undone is not counted.
        await host.CallAsync("tickets_load", new { text = "tickets:\n  - title: fine" });
        Assert.Equal(1, await host.Count("todo"));
    }

    [Fact]
    public async Task A_file_that_is_loaded_again_with_its_key_makes_no_second_tickets()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var file = new { text = "tickets:\n  - { ref: a, title: Log in }\n  - title: Log out\n", key = "monday" };
        var first = (await host.CallAsync("tickets_load", file)).GetProperty("tickets").GetRawText();
        Assert.Equal(first, (await host.CallAsync("tickets_load", file)).GetProperty("tickets").GetRawText());
        using var again = await hive.Http().PostAsJsonAsync("/api/v1/tickets/load", file);
        Assert.Equal(first, (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("tickets").GetRawText());
        Assert.Equal(2, await host.Count("todo"));
        await host.Refused("conflict", "ticket_create", new { title = "Other", key = "monday" });
        await host.CallAsync("tickets_load", new { file.text });
        Assert.Equal(4, await host.Count("todo"));
    }

    [Fact]
    public async Task A_file_has_at_most_100_tickets_and_48_KiB()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        Assert.Contains(
            "'tickets' has 101 entries; the limit is 100",
            await host.Refused("invalid", "tickets_load", new { text = File(101) }),
            StringComparison.Ordinal
        );
        Assert.Equal(
            100,
            (await host.CallAsync("tickets_load", new { text = File(100) })).GetProperty("tickets").GetArrayLength()
        );
        var large = await http.PostAsJsonAsync(
            "/api/v1/tickets/load",
            new { text = $"# {new string('x', 48 << 10)}\n{File(1)}" }
        );
        Assert.Equal("too_large", (await large.Content.ReadFromJsonAsync<JsonElement>()).Text("code"));
        Assert.Equal(100, await host.Count("todo"));

        static string File(int tickets) =>
            "tickets:\n" + string.Concat(Enumerable.Range(0, tickets).Select(i => $"  - title: Ticket {i}\n"));
    }
}
