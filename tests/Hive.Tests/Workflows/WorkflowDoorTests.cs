using System.Data.Common;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Workflows;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Workflows;

/// <summary>Workflows through the host's socket, REST, the snapshot and the stream.</summary>
public sealed class WorkflowDoorTests
{
    [Fact]
    public async Task A_loaded_workflow_is_shown_exported_replaced_and_survives_a_restart()
    {
        await using var hive = await HiveFixture.Start();
        using var events = await hive.Events();
        var host = await hive.Operator();
        var loaded = await host.CallAsync("workflow_load", new { text = Texts.Small, @default = true });
        Assert.Equal((3, 3, 0), Counts(loaded));
        Assert.Equal(1, loaded.GetProperty("workflow").GetProperty("version").GetInt32());
        Assert.Equal("operator", loaded.GetProperty("workflow").GetProperty("loaded_by").GetString());
        // The mark of the default one moves, and the page is told of both.
        var former = (await events.Next("workflow_changed")).GetProperty("workflow");
        Assert.Equal("software_development", former.GetProperty("name").GetString());
        Assert.False(former.GetProperty("is_default").GetBoolean());
        Assert.Equal(
            "small",
            (await events.Next("workflow_changed")).GetProperty("workflow").GetProperty("name").GetString()
        );

        Assert.Equal(
            "conflict",
            await Code(host, "workflow_load", new { text = Texts.Small.Replace("small", "SMALL") })
        );
        var replaced = await host.CallAsync(
            "workflow_load",
            new { text = Texts.Small.Replace("name: small", "name: SMALL\ntitle: Again"), replace = true }
        );
        Assert.Equal("small", replaced.GetProperty("workflow").GetProperty("name").GetString());
        Assert.Equal(2, replaced.GetProperty("workflow").GetProperty("version").GetInt32());
        Assert.True(replaced.GetProperty("workflow").GetProperty("is_default").GetBoolean());

        await hive.Restart();
        host = await hive.Operator();
        var text = (await host.CallAsync("workflow_export", new { name = "Small" })).GetProperty("text").GetString()!;
        Assert.StartsWith("name: small\ntitle: Again\nphases:\n  - id: PHASE_OPEN\n", text, StringComparison.Ordinal);
        Assert.Equal(
            ["small", "software_development"],
            (await hive.State())
                .GetProperty("workflows")
                .EnumerateArray()
                .Select(w => w.GetProperty("name").GetString())
        );
        var configs = await hive.Http().GetFromJsonAsync<JsonElement>("/api/v1/configs");
        Assert.Equal("PHASE_OPEN", configs[0].GetProperty("phase_id").GetString());
    }

    [Fact]
    public async Task The_default_workflow_stays_and_another_can_be_deleted()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        Assert.Equal(
            HttpStatusCode.Conflict,
            (await http.DeleteAsync("/api/v1/workflows/software_development")).StatusCode
        );
        (await http.PostAsJsonAsync("/api/v1/workflows/load", new { text = Texts.Small })).EnsureSuccessStatusCode();
        using var events = await hive.Events();
        (await http.DeleteAsync("/api/v1/workflows/small")).EnsureSuccessStatusCode();
        Assert.Equal("small", (await events.Next("workflow_removed")).GetProperty("name").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await http.DeleteAsync("/api/v1/workflows/small")).StatusCode);
    }

    [Fact]
    public async Task Tickets_in_a_phase_that_goes_are_named_until_move_says_where_they_go()
    {
        var tickets = new StandInTickets();
        await using var hive = await HiveFixture.StartWith(services =>
            services.AddSingleton<IWorkflowTickets>(tickets)
        );
        var host = await hive.Operator();
        var early = new
        {
            text = Texts.Small,
            replace = true,
            move = new Dictionary<string, string> { ["PHASE_OLD"] = "PHASE_WORK" },
        };
        Assert.Equal("invalid", await Code(host, "workflow_load", early));
        await host.CallAsync("workflow_load", new { text = Texts.Small });
        tickets.Places = [new TicketPlace("PHASE_WORK", 12, [5, 7]), new TicketPlace("PHASE_OPEN", 1, [6])];
        var text = Texts.Small.Replace("PHASE_WORK", "PHASE_LABOUR", StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<HiveException>(() =>
            host.CallAsync("workflow_load", new { text, replace = true })
        );
        Assert.Contains("PHASE_WORK has tickets 5, 7 and 10 more", refused.Message, StringComparison.Ordinal);
        Assert.Equal(
            "invalid",
            await Code(
                host,
                "workflow_load",
                new
                {
                    text,
                    replace = true,
                    move = new Dictionary<string, string> { ["PHASE_WORK"] = "PHASE_WORK" },
                }
            )
        );
        Assert.Null(tickets.Moved);
        var moved = await host.CallAsync(
            "workflow_load",
            new
            {
                text,
                replace = true,
                move = new Dictionary<string, string> { ["PHASE_WORK"] = "PHASE_LABOUR" },
            }
        );
        Assert.Equal((3, 3, 12), Counts(moved));
        Assert.Equal("PHASE_LABOUR", tickets.Moved!["PHASE_WORK"]);
        Assert.Equal("conflict", await Code(host, "workflow_delete", new { name = "small" }));
    }

    [Fact]
    public async Task A_bad_text_is_refused_at_both_doors_and_changes_nothing()
    {
        await using var hive = await HiveFixture.Start();
        var (host, http) = (await hive.Operator(), hive.Http());
        await host.CallAsync("workflow_load", new { text = Texts.Small });
        await host.CallAsync("ticket_create", new { title = "Log in", workflow = "small" });
        var before = await Stored();
        foreach (
            var (text, code, said) in new[]
            {
                ($"# {new string('x', 1_000_000)}", "too_large", "49152"),
                ($"name: small\nphases: {new string('[', 300)}", "invalid", "line 2, column "),
                ("name: &a small\ntitle: *a", "invalid", "line 1, column 7: anchors and aliases"),
                (
                    "name: small\nphases:\n\t- id: PHASE_A",
                    "invalid",
                    "line 3, column 1: this line is indented with a tab"
                ),
                ("name: small\nname: small", "invalid", "line 2, column 1: "),
                (Changed("next: PHASE_WORK", "next: PHASE_WORKS"), "invalid", "line 6, column 11: 'next' leads to"),
                (
                    Changed("[PHASE_WORK], wip", "[PHASE_OPEN, PHASE_WORK], wip"),
                    "invalid",
                    "PHASE_OPEN is in two columns"
                ),
                (Changed("PHASE_WORK", "PHASE_LABOUR"), "conflict", "PHASE_WORK has ticket 1; name a new phase"),
            }
        )
        {
            var answer = await http.PostAsJsonAsync("/api/v1/workflows/load", new { text, replace = true });
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal(code, problem.GetProperty("code").GetString());
            Assert.Contains(said, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            // A line on the socket has at most 64 KiB.
            var part = text[..Math.Min(text.Length, 60_000)];
            Assert.Equal(code, await Code(host, "workflow_load", new { text = part, replace = true }));
            Assert.Equal(before, await Stored());
        }

        static string Changed(string right, string wrong) =>
            Texts.Small.Replace(right, wrong, StringComparison.Ordinal);

        async Task<string> Stored()
        {
            var state = await hive.State();
            return $"{state.GetProperty("workflows")}\n{await hive.Http().GetStringAsync("/api/v1/tickets")}";
        }
    }

    [Fact]
    public async Task A_file_with_upstreams_keys_takes_tickets()
    {
        await using var hive = await HiveFixture.Start();
        var (host, http) = (await hive.Operator(), hive.Http());
        var answer = await http.PostAsJsonAsync("/api/v1/workflows/load", new { text = Texts.Upstreams });
        Assert.Equal((8, 7, 0), Counts(await answer.Content.ReadFromJsonAsync<JsonElement>()));
        var made = await host.CallAsync("ticket_create", new { title = "Log in", workflow = "software development" });
        var ticket = made.GetProperty("ticket");
        Assert.Equal("Software Development", ticket.GetProperty("workflow").GetString());
        Assert.Equal("PHASE_REQUIREMENTS", ticket.GetProperty("phase_id").GetString());
        var board = (await host.CallAsync("board", new { workflow = "Software Development" })).GetProperty("board");
        Assert.Equal(
            ["backlog 0", "analyzing 1", "building 0", "testing 0", "deploying 0", "done 0", "blocked 0"],
            board
                .GetProperty("columns")
                .EnumerateArray()
                .Select(c => $"{c.GetProperty("id").GetString()} {c.GetProperty("count")}")
        );
        foreach (var dialect in new[] { "hive", "upstream" })
        {
            var exported = await host.CallAsync("workflow_export", new { name = "Software Development", dialect });
            var text = exported.GetProperty("text").GetString();
            await host.CallAsync("workflow_load", new { text, replace = true });
        }
    }

    [Fact]
    public async Task Patterns_are_listed_loaded_exported_and_deleted()
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Operator();
        var text = (await host.CallAsync("pattern_export", new { name = "majority_vote" }))
            .GetProperty("text")
            .GetString()!;
        Assert.Equal("conflict", await Code(host, "pattern_load", new { text }));
        var http = hive.Http();
        foreach (
            var (query, names) in new[]
            {
                ("", "majority_vote parallel_implementation review_feedback_loop"),
                ("?limit=2", "parallel_implementation review_feedback_loop"),
                ("?limit=2&before=parallel_implementation", "majority_vote"),
            }
        )
            Assert.Equal(
                names.Split(' '),
                (await http.GetFromJsonAsync<JsonElement>($"/api/v1/patterns{query}"))
                    .EnumerateArray()
                    .Select(p => p.GetProperty("name").GetString())
            );
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/api/v1/workflows?before=no")).StatusCode);
        Assert.Single((await http.GetFromJsonAsync<JsonElement>("/api/v1/workflows")).EnumerateArray());
        var loaded = await host.CallAsync("pattern_load", new { text, replace = true });
        Assert.Equal(2, loaded.GetProperty("pattern").GetProperty("version").GetInt32());
        await host.CallAsync("pattern_delete", new { name = "majority_vote" });
        Assert.Equal(
            ["parallel_implementation", "review_feedback_loop"],
            (await host.CallAsync("patterns"))
                .GetProperty("patterns")
                .EnumerateArray()
                .Select(p => p.GetProperty("name").GetString())
        );
        await hive.Restart();
        host = await hive.Operator();
        Assert.Equal("not_found", await Code(host, "pattern_export", new { name = "majority_vote" }));
    }

    private static (int Phases, int Columns, int Moved) Counts(JsonElement loaded) =>
        (
            loaded.GetProperty("phases_loaded").GetInt32(),
            loaded.GetProperty("columns_loaded").GetInt32(),
            loaded.GetProperty("moved").GetInt32()
        );

    private static async Task<string> Code(LineClient host, string cmd, object fields) =>
        (await Assert.ThrowsAsync<HiveException>(() => host.CallAsync(cmd, fields))).Code;

    private sealed class StandInTickets : IWorkflowTickets
    {
        public IReadOnlyList<TicketPlace> Places { get; set; } = [];

        public IReadOnlyDictionary<string, string>? Moved { get; private set; }

        public IReadOnlyList<TicketPlace> In(DbConnection db, string workflow) => workflow == "small" ? Places : [];

        public int Move(IWrite write, Workflow before, IReadOnlyDictionary<string, string> phases)
        {
            Moved = phases;
            var moved = Places.Where(p => phases.ContainsKey(p.PhaseId)).Sum(p => p.Count);
            Places = [.. Places.Select(p => p with { PhaseId = phases.GetValueOrDefault(p.PhaseId, p.PhaseId) })];
            return moved;
        }

        public void MarkGates(IWrite write, string workflow) { }
    }
}
