using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Hive.Tests.Doors;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Agents;

/// <summary>The registry of who can do what.</summary>
public sealed class RegistryTests
{
    private static readonly string[] Csharp = ["csharp"];

    [Fact]
    public async Task An_agents_duty_and_abilities_come_from_its_file_and_show_on_its_row()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\ncapabilities: [CSharp]\ncapacity: 3\ntags: [night]\n");
        await hive.Spawn("bob");

        await hive.Restart();

        var row = await hive.Row("alice");
        Assert.Equal("worker", row.GetProperty("duty").GetString());
        Assert.Equal(["csharp"], Texts(row, "capabilities"));
        Assert.Equal((3, 0), (row.GetProperty("capacity").GetInt32(), row.GetProperty("active_tasks").GetInt32()));
        var plain = await hive.Row("bob");
        foreach (var member in new[] { "duty", "capabilities", "capacity", "active_tasks", "held" })
            Assert.False(plain.TryGetProperty(member, out _), member);
        var alice = await Get(hive, "/api/v1/agents/alice");
        Assert.Equal(["night"], Texts(alice, "tags"));
        Assert.Equal("worker", alice.GetProperty("agent_type").GetString());
        Assert.Equal("2026-01-31T12:00:00.000Z", alice.GetProperty("created_at").GetString());
        Assert.Equal(
            ["manager/manager", "alice/worker", "bob/agent"],
            (await Get(hive, "/api/v1/agents"))
                .EnumerateArray()
                .Select(a => $"{a.GetProperty("agent_id").GetString()}/{a.GetProperty("agent_type").GetString()}")
        );
        // Pages are read from the end.
        foreach (var route in new[] { "agents", "agents/health" })
        {
            Assert.Equal(["alice", "bob"], await Ids($"{route}?limit=2"));
            Assert.Equal(["manager"], await Ids($"{route}?limit=2&before=alice"));
        }

        async Task<string[]> Ids(string query) =>
            [
                .. (await Get(hive, $"/api/v1/{query}"))
                    .EnumerateArray()
                    .Select(a => a.GetProperty("agent_id").GetString()!),
            ];
    }

    [Fact]
    public async Task A_search_orders_by_coverage_then_idleness_then_capacity()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("both", "duty: worker\ncapabilities: [csharp, testing]\n");
        await hive.SpawnAs("half", "duty: worker\ncapabilities: [csharp]\ncapacity: 16\n");
        await hive.SpawnAs("half-small", "duty: validator\ncapabilities: [testing]\n");
        await hive.SpawnAs("other", "duty: worker\ncapabilities: [writing]\n");
        await hive.Online("both", "half", "half-small", "other");

        var found = await Search(hive, "capabilities=csharp&capabilities=Testing");

        Assert.Equal(["both 1.45", "half 1.15", "half-small 0.95"], found.Select(Shown));
        Assert.Equal(["csharp", "testing"], Texts(found[0], "matched_capabilities"));
        Assert.Equal(["testing"], Texts(found[2], "matched_capabilities"));
        Assert.Equal(
            ["half-small 0.95"],
            (await Search(hive, "capabilities=testing,csharp&agent_type=validator")).Select(Shown)
        );
        Assert.Equal(["both 1.45"], (await Search(hive, "capabilities=csharp,testing&limit=0")).Select(Shown));
        // Nothing required is nothing covered.
        Assert.Equal(
            ["half 0.65", "both 0.45", "half-small 0.45", "other 0.45"],
            (await Search(hive, "")).Select(Shown)
        );
        Assert.Equal(
            ["csharp", "testing"],
            Texts((await Search(hive, "capabilities=testing,csharp"))[0], "matched_capabilities")
        );
        Assert.Empty(await Search(hive, "capabilities=nonesuch"));
    }

    [Fact]
    public async Task Agents_that_cannot_work_are_never_found()
    {
        await using var hive = await HiveFixture.Start();
        foreach (var name in new[] { "away", "paused", "held", "ready", "elsewhere" })
            await hive.SpawnAs(
                name,
                $"duty: worker\ncapabilities: [csharp]\n{(name == "elsewhere" ? "phases: [PHASE_B]\n" : "")}"
            );
        await hive.SpawnAs("no-duty", "capabilities: [csharp]\n");
        await hive.Online("paused", "held", "ready", "elsewhere", "no-duty", "manager");
        await (await hive.Operator()).CallAsync("set_paused", new { name = "paused", paused = true });
        var roster = hive.Services.GetRequiredService<IRoster>();
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write => roster.Change(write, "held", agent => agent with { Held = "the night shift is over" }));

        Assert.Equal(["ready"], (await Search(hive, "capabilities=csharp&phase_id=PHASE_A")).Select(Name));
        Assert.Equal(["elsewhere", "ready"], (await Search(hive, "phase_id=PHASE_B")).Select(Name));
        Assert.Equal("the night shift is over", (await hive.Row("held")).GetProperty("held").GetString());
        await hive.Restart();
        Assert.Equal("degraded", await Status(hive, "held", connected: true));
        Assert.Equal("maintenance", await Status(hive, "paused", connected: true));
        Assert.Equal("terminated", await Status(hive, "away", connected: false));
        Assert.Equal("idle", await Status(hive, "ready", connected: true));
    }

    [Fact]
    public async Task The_best_fit_is_one_agent_or_not_found_with_the_reason()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\ncapabilities: [csharp]\n");
        using (var nobody = await hive.Http().GetAsync("/api/v1/agents/best-fit?capabilities=csharp"))
        {
            Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
            await RestTests.IsProblem(nobody, "not_found");
        }

        await hive.Online("alice");

        Assert.Equal("alice", Name(await Get(hive, "/api/v1/agents/best-fit?capabilities=csharp")));
        var host = await hive.Operator();
        var match = (await host.CallAsync("agents_best_fit", new { capabilities = Csharp })).GetProperty("match");
        var found = (await host.CallAsync("agents_search")).GetProperty("agents").EnumerateArray().Single();
        foreach (var one in new[] { match, found })
        {
            var agent = one.GetProperty("agent");
            Assert.Equal(
                ("alice", "worker", "healthy"),
                (Word(agent, "name"), Word(agent, "duty"), Word(agent, "health"))
            );
            Assert.Equal("2026-01-31T12:00:00.000Z", Word(agent, "seen_at"));
            // Upstream's names are those of its routes.
            foreach (var name in new[] { "agent_id", "agent_type", "health_status", "phase_id", "last_heartbeat" })
                Assert.False(agent.TryGetProperty(name, out _), name);
        }
    }

    [Fact]
    public async Task A_change_by_the_operator_wins_over_a_redeploy_until_it_is_cleared()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\ncapabilities: [csharp]\nphases: [PHASE_A]\n");

        var changed = await Change(hive, new { capabilities = new[] { " Writing " }, phases = Array.Empty<string>() });
        Assert.Equal(["writing"], Texts(changed, "capabilities"));
        Assert.Equal(["capabilities", "phases"], Texts(changed, "overridden"));
        Assert.False(changed.TryGetProperty("phases", out _));
        await hive.Redeploy("alice", "duty: worker\ncapabilities: [testing]\ncapacity: 2\nphases: [PHASE_A]\n");
        await hive.Restart();

        var kept = await Get(hive, "/api/v1/agents/alice");
        Assert.Equal(["writing"], Texts(kept, "capabilities"));
        Assert.Equal(2, kept.GetProperty("capacity").GetInt32());
        Assert.Equal(["writing"], Texts(await hive.Row("alice"), "capabilities"));
        var cleared = await Change(hive, new { clear = new[] { "capabilities", "phases" } });
        Assert.Equal(["testing"], Texts(cleared, "capabilities"));
        Assert.Equal("PHASE_A", cleared.GetProperty("phase_id").GetString());
        Assert.False(cleared.TryGetProperty("overridden", out _));
    }

    [Fact]
    public async Task A_revived_agent_has_the_changes_of_the_operator_again()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\ncapacity: 2\n");
        await Change(
            hive,
            new
            {
                duty = "validator",
                capacity = 5,
                phases = Array.Empty<string>(),
            }
        );
        var before = await Get(hive, "/api/v1/agents/alice");

        await (await hive.Operator()).CallAsync("destroy", new { name = "alice" });
        await hive.Restart();
        await (await hive.Operator()).CallAsync("revive_tombstone", new { name = "alice" });

        Assert.Equal(before.GetRawText(), (await Get(hive, "/api/v1/agents/alice")).GetRawText());
        var cleared = await Change(hive, new { clear = new[] { "duty", "capacity", "phases" } });
        Assert.Equal(
            ("worker", 2),
            (cleared.GetProperty("duty").GetString(), cleared.GetProperty("capacity").GetInt32())
        );
    }

    [Fact]
    public async Task A_duty_can_be_taken_and_given_back_without_a_deploy()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        await hive.Online("alice");
        var host = await hive.Operator();

        var agent = (await host.CallAsync("agent_change", new { name = "alice", duty = "none" })).GetProperty("agent");

        Assert.Equal("alice", Word(agent, "name"));
        Assert.False(agent.TryGetProperty("duty", out _));
        Assert.Equal("agent", Word(await Get(hive, "/api/v1/agents/alice"), "agent_type"));
        Assert.Empty(await Search(hive, ""));
        Assert.Equal("validator", (await Change(hive, new { duty = "validator" })).GetProperty("duty").GetString());
        Assert.Equal(["alice"], (await Search(hive, "agent_type=validator")).Select(Name));
        await Talk.Refused(() => host.CallAsync("agent_change", new { name = "manager", duty = "worker" }), "conflict");
        await Talk.Refused(() => host.CallAsync("agent_change", new { name = "alcie", duty = "worker" }), "not_found");
    }

    [Theory]
    [InlineData("""{"capacity":0}""", "'capacity' must be from 1 to 16")]
    [InlineData("""{"capacity":17}""", "'capacity' must be from 1 to 16")]
    [InlineData("""{"duty":"boss"}""", "'duty' can be 'worker' or 'validator', or 'none'")]
    [InlineData("""{"phases":["BACKLOG"]}""", "'BACKLOG' in 'phases' is not a phase's id")]
    [InlineData("""{"tags":["a\u0001"]}""", "contains control characters")]
    [InlineData("""{"capabilities":["a",null]}""", "an entry of 'capabilities' is null")]
    [InlineData("""{"phases":[null]}""", "an entry of 'phases' is null")]
    [InlineData("""{"clear":[null]}""", "'clear' can name capabilities")]
    [InlineData("""{"clear":["status"]}""", "'clear' can name capabilities, capacity, tags, phases, duty")]
    [InlineData("""{"capacity":2,"clear":["capacity"]}""", "a field is both given and in 'clear'")]
    public async Task A_wrong_change_is_refused_and_changes_nothing(string body, string said)
    {
        var hive = await AllRows.Share(async () =>
        {
            var started = await HiveFixture.Start();
            await started.SpawnAs("alice", "duty: worker\ncapacity: 3\n");
            return started;
        });
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using var answer = await hive.Http().PatchAsync("/api/v1/agents/alice", content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(
            said,
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString(),
            StringComparison.Ordinal
        );
        var alice = await Get(hive, "/api/v1/agents/alice");
        Assert.Equal(3, alice.GetProperty("capacity").GetInt32());
        Assert.False(alice.TryGetProperty("overridden", out _));
    }

    [Theory]
    [InlineData("agent_type=watchdog")]
    [InlineData("phase_id=BACKLOG")]
    [InlineData("capabilities=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public async Task A_search_for_what_cannot_exist_is_refused(string query)
    {
        var hive = await AllRows.Share([]);
        foreach (var route in new[] { "search", "best-fit" })
        {
            using var answer = await hive.Http().GetAsync($"/api/v1/agents/{route}?{query}");
            await RestTests.IsProblem(answer, "invalid");
        }
    }

    [Fact]
    public async Task An_agent_that_is_made_unavailable_is_paused()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        await hive.Online("alice");
        foreach (var available in new[] { false, true })
        {
            using var answer = await hive.Http()
                .PostAsJsonAsync("/api/v1/agents/alice/availability", new { available });
            var agent = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal(!available, agent.GetProperty("paused").GetBoolean());
            Assert.Equal(!available, (await hive.Row("alice")).GetProperty("paused").GetBoolean());
            Assert.Equal(available ? "idle" : "maintenance", agent.GetProperty("status").GetString());
        }
    }

    [Fact]
    public async Task An_open_connection_is_an_agents_heartbeat()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\nphases: [PHASE_A]\n");
        await hive.Spawn("bob");
        await hive.Online("alice");
        hive.Clock.Advance(TimeSpan.FromMinutes(10));

        var alice = await Get(hive, "/api/v1/agents/alice/health");
        Assert.True(alice.GetProperty("healthy").GetBoolean());
        Assert.Equal("2026-01-31T12:10:00.000Z", alice.GetProperty("last_heartbeat").GetString());
        Assert.Equal("2026-01-31T12:10:00.000Z", Word(await Get(hive, "/api/v1/agents/alice"), "last_heartbeat"));
        var bob = await Get(hive, "/api/v1/agents/bob/health?timeout_seconds=600");
        Assert.Equal(("terminated", true), (bob.GetProperty("status").GetString(), Stale(bob)));
        Assert.Equal("2026-01-31T12:00:00.000Z", bob.GetProperty("last_heartbeat").GetString());
        Assert.False(Stale(await Get(hive, "/api/v1/agents/bob/health?timeout_seconds=601")));
        Assert.Equal(
            [("alice", false), ("bob", true)],
            (await Get(hive, "/api/v1/agents/health"))
                .EnumerateArray()
                .Where(a => Id(a) != "manager")
                .Select(a => (Id(a), Stale(a)))
        );
        var stale = (await Get(hive, "/api/v1/agents/stale")).EnumerateArray().Select(Id).ToArray();
        Assert.Contains("bob", stale);
        Assert.DoesNotContain("alice", stale);
        Assert.Empty((await Get(hive, "/api/v1/agents/stale?timeout_seconds=86400")).EnumerateArray());

        var all = await Get(hive, "/api/v1/agents/statistics");
        Assert.Equal(3, all.GetProperty("total_agents").GetInt32());
        Assert.Equal(1, all.GetProperty("by_type").GetProperty("worker").GetInt32());
        Assert.Equal(1, all.GetProperty("by_status").GetProperty("idle").GetInt32());
        Assert.Equal(1, all.GetProperty("by_phase").GetProperty("PHASE_A").GetInt32());
        Assert.Equal(2, all.GetProperty("by_phase").GetProperty("no_phase").GetInt32());
        Assert.Equal(1, all.GetProperty("health_summary").GetProperty("healthy").GetInt32());
        Assert.Equal(1, all.GetProperty("recent_heartbeats").GetProperty("last_5_minutes").GetInt32());
        using var refused = await hive.Http().GetAsync("/api/v1/agents/stale?timeout_seconds=0");
        await RestTests.IsProblem(refused, "invalid");
    }

    [Fact]
    public async Task A_heartbeat_answers_the_real_health_and_changes_nothing()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        await hive.Spawn("bob");
        await hive.Online("alice");
        hive.Clock.Advance(TimeSpan.FromMinutes(10));

        var alice = await Post(hive, "alice/heartbeat");
        Assert.True(alice.GetProperty("success").GetBoolean());
        Assert.Equal("healthy", Word(alice.GetProperty("agent_health"), "health_status"));
        var bob = await Post(hive, "bob/heartbeat");
        Assert.False(bob.GetProperty("success").GetBoolean());
        Assert.Equal("bob is not connected; only a connection to its socket is a heartbeat", Word(bob, "message"));
        Assert.Equal(
            (await Get(hive, "/api/v1/agents/bob/health")).GetRawText(),
            bob.GetProperty("agent_health").GetRawText()
        );
        using var unknown = await hive.Http().PostAsync("/api/v1/agents/nobody/heartbeat", null);
        await RestTests.IsProblem(unknown, "not_found");
    }

    [Fact]
    public async Task A_cleanup_pauses_the_agents_without_a_connection_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        await hive.Spawn("bob");
        await hive.Spawn("carol");
        await hive.Online("alice", "manager");
        await (await hive.Operator()).CallAsync("set_paused", new { name = "carol", paused = true });
        hive.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(0, (await Post(hive, "cleanup-stale?timeout_seconds=601")).GetProperty("marked_count").GetInt32());
        var done = await Post(hive, "cleanup-stale?timeout_seconds=600&mark_as=timeout");
        Assert.Equal(
            (1, 600, "paused", "paused 1 agent without a connection for 600 seconds"),
            (
                done.GetProperty("marked_count").GetInt32(),
                done.GetProperty("timeout_seconds").GetInt32(),
                Word(done, "marked_as"),
                Word(done, "message")
            )
        );
        Assert.Equal(
            [("alice", false), ("bob", true), ("carol", true), ("manager", false)],
            (await Get(hive, "/api/v1/agents"))
                .EnumerateArray()
                .Select(a => (Id(a)!, a.GetProperty("paused").GetBoolean()))
                .Order()
        );
        var again = await Post(hive, "cleanup-stale");
        Assert.Equal(
            (0, 90),
            (again.GetProperty("marked_count").GetInt32(), again.GetProperty("timeout_seconds").GetInt32())
        );
        foreach (var wrong in new[] { "mark_as=terminated", "timeout_seconds=0" })
        {
            using var refused = await hive.Http().PostAsync($"/api/v1/agents/cleanup-stale?{wrong}", null);
            await RestTests.IsProblem(refused, "invalid");
        }
    }

    [Fact]
    public async Task A_database_without_the_registrys_columns_is_opened_and_keeps_its_agents()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        await (await hive.Operator()).CallAsync("set_paused", new { name = "alice", paused = true });

        await hive.Restart(() =>
        {
            var file = Path.Combine(hive.DataDir, "hive.sqlite");
            using var db = new SqliteConnection($"Data Source={file};Pooling=False");
            foreach (
                var column in new[]
                {
                    "duty",
                    "capabilities",
                    "capacity",
                    "phases",
                    "tags",
                    "capacity_delta",
                    "work_override",
                    "held",
                }
            )
                db.Execute($"ALTER TABLE agents DROP COLUMN {column}");
            db.Execute("DELETE FROM schema_history WHERE slice = 'agents' AND version = 3");
            db.Execute("INSERT OR IGNORE INTO schema_history (slice, version, applied_at) VALUES ('agents', 2, 0)");
        });

        Assert.True((await hive.Row("alice")).GetProperty("paused").GetBoolean());
        Assert.Equal(1, (await Get(hive, "/api/v1/agents/alice")).GetProperty("capacity").GetInt32());
        Assert.Equal("worker", (await Change(hive, new { duty = "worker" })).GetProperty("duty").GetString());
    }

    private static async Task<JsonElement> Get(HiveFixture hive, string path) =>
        await hive.Http().GetFromJsonAsync<JsonElement>(path);

    private static async Task<JsonElement> Post(HiveFixture hive, string path)
    {
        using var answer = await hive.Http().PostAsync($"/api/v1/agents/{path}", null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<JsonElement[]> Search(HiveFixture hive, string query) =>
        [.. (await Get(hive, $"/api/v1/agents/search?{query}")).EnumerateArray()];

    private static async Task<JsonElement> Change(HiveFixture hive, object fields)
    {
        using var answer = await hive.Http().PatchAsJsonAsync("/api/v1/agents/alice", fields);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<string?> Status(HiveFixture hive, string agent, bool connected)
    {
        if (connected)
            await hive.Online(agent);
        return (await Get(hive, $"/api/v1/agents/{agent}")).GetProperty("status").GetString();
    }

    private static string? Word(JsonElement of, string member) => of.GetProperty(member).GetString();

    private static string? Id(JsonElement agent) => agent.GetProperty("agent_id").GetString();

    private static bool Stale(JsonElement agent) => agent.GetProperty("stale").GetBoolean();

    private static string Name(JsonElement match) => match.GetProperty("agent").GetProperty("agent_id").GetString()!;

    private static string Shown(JsonElement match) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{Name(match)} {match.GetProperty("match_score").GetDouble():0.00}"
        );

    private static string[] Texts(JsonElement of, string member) =>
        [.. of.GetProperty(member).EnumerateArray().Select(text => text.GetString()!)];
}
