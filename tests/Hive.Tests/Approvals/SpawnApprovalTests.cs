using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;

namespace Hive.Tests.Approvals;

public sealed class SpawnApprovalTests
{
    [Fact]
    public async Task An_approved_agent_is_spawned_and_the_manager_is_notified()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host, cursor) = (await hive.Connect("manager"), await hive.Operator(), await hive.Cursor());
        var id = await manager.RequestSpawn("alice", "to write the docs");
        Assert.DoesNotContain(
            "alice",
            (await host.CallAsync("list")).GetProperty("agents").EnumerateArray().Select(a => a.GetString())
        );
        var asked = Assert.Single((await host.CallAsync("pending")).Approvals());
        Assert.Equal(
            (id, "alice", "spawn", "", "pending", "manager", "to write the docs"),
            (asked.Id, asked.Agent, asked.Kind, asked.CommitRef, asked.Status, asked.Requester, asked.Description)
        );
        Assert.Null(asked.ResolvedAt);
        Assert.Equal(
            JsonSerializer.Serialize(asked),
            JsonSerializer.Serialize(Assert.Single((await hive.State()).Approvals()))
        );
        var end = Assert.Single((await manager.CallAsync("loose_ends")).GetProperty("items").EnumerateArray());
        Assert.Equal(
            ("approval", id, "spawn alice: to write the docs", "waits"),
            (end.Text("kind"), end.GetProperty("id").GetInt64(), end.Text("text"), end.Text("role"))
        );

        await host.Approve(id);
        var done = await host.End(id);

        Assert.Equal(("approved", (string?)null), (done.Status, done.Note));
        await (await hive.Connect("alice")).CallAsync("whoami");
        Assert.Equal(
            ["approval_added pending", "approval_changed building", "approval_resolved approved"],
            (await hive.ApprovalEvents(cursor)).Select(e => $"{e.Kind} {e.Approval.Status}")
        );
        Assert.Equal(
            [("spawned", "alice"), ("approval_resolved", "alice")],
            (await hive.ApprovalMessages()).Select(b => (b.Text("event")!, b.Text("agent")!))
        );
        var (spawned, resolved) = ((await hive.ApprovalMessages())[0], (await hive.ApprovalMessages())[1]);
        Assert.True(spawned.GetProperty("ok").GetBoolean());
        Assert.Equal((Proposing.Of(hive, "alice").Main(), "deployed/0"), (spawned.Text("sha"), spawned.Text("tag")));
        Assert.Equal(
            (id, "spawn", "approved"),
            (resolved.GetProperty("id").GetInt64(), resolved.Text("kind"), resolved.Text("status"))
        );
        var state = await hive.State();
        Assert.Empty(state.Approvals());
        Assert.Equal(id, Assert.Single(state.Approvals("approval_history")).Id);
        Assert.Empty((await manager.CallAsync("loose_ends")).GetProperty("items").EnumerateArray());
        Assert.Empty((await host.CallAsync("pending")).Approvals());
        Assert.Single((await host.CallAsync("pending", new { all = true })).Approvals());
    }

    [Fact]
    public async Task A_denial_spawns_nothing_and_its_reason_reaches_the_manager()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host, cursor) = (await hive.Connect("manager"), await hive.Operator(), await hive.Cursor());
        var id = await manager.RequestSpawn("alice");
        await host.Deny(id, "not \u0001 \"now\"");
        Assert.Equal(("denied", "not \u0001 \"now\""), ((await host.Shown(id)).Status, (await host.Shown(id)).Note));
        Assert.Equal(
            ["manager"],
            (await host.CallAsync("list")).GetProperty("agents").EnumerateArray().Select(a => a.GetString())
        );
        var notice = Assert.Single(await hive.ApprovalMessages());
        Assert.Equal(
            ("approval_resolved", "denied", "not \u0001 \"now\""),
            (notice.Text("event"), notice.Text("status"), notice.Text("note"))
        );
        Assert.Equal(["approval_added", "approval_resolved"], (await hive.ApprovalEvents(cursor)).Select(e => e.Kind));
        // The agent can be requested again, with another id.
        Assert.NotEqual(id, await manager.RequestSpawn("alice"));
    }

    [Fact]
    public async Task The_longest_note_is_stored_whole_and_cut_in_the_message()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        var id = await manager.RequestSpawn("alice");
        await Talk.Refused(() => host.Deny(id, new string('x', 4097)), "too_large");
        await host.Deny(id, new string('\u0001', 4096));
        Assert.Equal(4096, (await host.Shown(id)).Note!.Length);
        var notice = Assert.Single(await manager.ApprovalMessages()).Text("note")!;
        Assert.EndsWith("…", notice, StringComparison.Ordinal);
        Assert.True(notice.Length > 2000);
    }

    [Fact]
    public async Task Only_the_first_decision_counts_and_later_ones_get_the_status()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        var id = await manager.RequestSpawn("alice");
        var lines = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => hive.Operator()));
        var outcomes = await Task.WhenAll(
            lines.Select(
                async (line, i) =>
                {
                    try
                    {
                        await (i % 2 == 0 ? line.Approve(id) : line.Deny(id));
                        return "ok";
                    }
                    catch (HiveException e)
                    {
                        return e.Code;
                    }
                }
            )
        );
        Assert.Equal(1, outcomes.Count(o => o == "ok"));
        Assert.Equal(7, outcomes.Count(o => o == "conflict"));
        var end = await host.End(id);
        var late = await Talk.Refused(() => host.Approve(id), "conflict");
        Assert.Contains(end.Status, late.Message, StringComparison.Ordinal);
        await Talk.Refused(() => host.Deny(id), "conflict");
        await Talk.Refused(() => host.Approve(4711), "not_found");
        await Talk.Refused(() => host.Approve(0), "invalid");
        Assert.Single(await hive.ApprovalMessages(), b => b.Text("event") == "approval_resolved");
    }

    [Fact]
    public async Task A_taken_requested_reserved_or_invalid_name_is_refused_and_stores_nothing()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        await hive.Spawn("alice");
        var cursor = await hive.Cursor();
        await Talk.Refused(() => manager.RequestSpawn("alice"), "conflict");
        foreach (
            var name in new[]
            {
                "manager",
                "operator",
                "",
                "Alice",
                "a..b",
                "a/b",
                "ä",
                "-a",
                "a-",
                new string('a', 32),
            }
        )
            await Talk.Refused(() => manager.RequestSpawn(name), "invalid");
        await Talk.Refused(() => manager.RequestSpawn("bob", new string('x', 4097)), "too_large");
        await Talk.Refused(() => host.CallAsync("request_spawn", new { name = "bob", runtime = "warp" }), "invalid");
        Assert.Empty(await hive.ApprovalEvents(cursor));
        var id = await manager.RequestSpawn("bob");
        Assert.Contains(
            $"approval {id}",
            (await Talk.Refused(() => manager.RequestSpawn("bob"), "conflict")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => host.RequestSpawn("bob"), "conflict");
    }

    [Fact]
    public async Task Only_the_manager_can_ask_and_no_agent_can_decide()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, manager) = (await hive.Connect("alice"), await hive.Connect("manager"));
        var id = await manager.RequestSpawn("bob");
        await Talk.Refused(() => alice.RequestSpawn("carol"), "unknown_command");
        foreach (var line in new[] { alice, manager })
        {
            await Talk.Refused(() => line.Approve(id), "unknown_command");
            await Talk.Refused(() => line.Deny(id), "unknown_command");
            await Talk.Refused(() => line.CallAsync("pending"), "unknown_command");
        }

        Assert.Equal("pending", (await (await hive.Operator()).Shown(id)).Status);
        var tools = (await manager.CallAsync("tools"))
            .GetProperty("tools")
            .EnumerateArray()
            .Single(t => t.Text("name") == "request_spawn")
            .GetProperty("input_schema")
            .GetProperty("properties");
        Assert.Equal(["name", "description"], tools.EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task The_operator_requests_with_a_runtime_and_decides_over_REST()
    {
        await using var hive = await HiveFixture.Start();
        var (http, host) = (hive.Http(), await hive.Operator());
        using var asked = await http.PostAsJsonAsync(
            "/request-spawn",
            new
            {
                name = "alice",
                runtime = "external",
                description = "mine",
            }
        );
        var id = (await asked.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64();
        Assert.Equal(("external", "operator"), ((await host.Shown(id)).Runtime, (await host.Shown(id)).Requester));
        // A request of the operator is not a loose end.
        Assert.Empty((await hive.State()).GetProperty("loose_ends").EnumerateArray());
        using var approved = await http.PostAsync($"/approve/{id}", null);
        Assert.Equal(System.Net.HttpStatusCode.Accepted, approved.StatusCode);
        Assert.Equal("approved", (await host.End(id)).Status);
        Assert.Equal("conflict", await http.Post($"/approve/{id}"));
        using var form = await http.PostAsync(
            "/request-spawn",
            new FormUrlEncodedContent([KeyValuePair.Create("name", "bob")])
        );
        id = (await form.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64();
        Assert.Null(await http.Post($"/deny/{id}", new { note = "no" }));
        Assert.Equal("denied", (await host.Shown(id)).Status);
    }

    [Fact]
    public async Task Approving_an_agent_that_was_spawned_in_the_meantime_fails_and_keeps_it()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        var id = await manager.RequestSpawn("alice");
        await hive.Spawn("alice");
        await host.Approve(id);
        var end = await host.End(id);
        Assert.Equal("failed", end.Status);
        Assert.Contains("alice", end.Note, StringComparison.Ordinal);
        var notice = await hive.ApprovalMessages();
        Assert.Equal(["spawned", "approval_resolved"], notice.Select(b => b.Text("event")));
        Assert.False(notice[0].GetProperty("ok").GetBoolean());
        Assert.NotNull(notice[0].Text("note"));
        await (await hive.Connect("alice")).CallAsync("whoami");
    }

    [Fact]
    public async Task Approvals_never_expire_survive_restarts_and_never_reuse_ids()
    {
        await using var hive = await HiveFixture.Start();
        var manager = await hive.Connect("manager");
        var (first, second) = (await manager.RequestSpawn("alice"), await manager.RequestSpawn("bob"));
        await (await hive.Operator()).Deny(second);
        await hive.Restart();
        hive.Clock.Advance(TimeSpan.FromDays(400));
        var host = await hive.Operator();
        Assert.Equal([first], (await host.CallAsync("pending")).Approvals().Select(a => a.Id));
        Assert.True(await host.RequestSpawn("bob") > second);
        await host.Approve(first);
        Assert.Equal("approved", (await host.End(first)).Status);
    }

    [Theory]
    [InlineData(true, "approved")]
    [InlineData(false, "failed")]
    public async Task A_spawn_interrupted_by_a_kill_is_resolved_by_whether_the_agent_exists(bool exists, string status)
    {
        await using var hive = await HiveFixture.Start();
        var id = await (await hive.Connect("manager")).RequestSpawn("alice");
        if (exists)
            await hive.Spawn("alice");
        // The state that a kill during the spawn leaves behind.
        await hive.Sql("UPDATE approvals SET status = 'building'");
        for (var i = 0; i < 2; i++)
        {
            await hive.Restart();
            var end = await (await hive.Operator()).End(id);
            Assert.Equal(status, end.Status);
            Assert.Equal(exists ? null : "the host ended while this was building; request it again", end.Note);
            Assert.Single(await hive.ApprovalMessages(), b => b.Text("event") == "approval_resolved");
        }
    }

    [Fact]
    public async Task At_most_fifty_approvals_are_pending()
    {
        await using var hive = await HiveFixture.Start();
        var manager = await hive.Connect("manager");
        for (var i = 0; i < 50; i++)
            await manager.RequestSpawn($"a{i}");
        Assert.Contains(
            "50",
            (await Talk.Refused(() => manager.RequestSpawn("one-more"), "conflict")).Message,
            StringComparison.Ordinal
        );
        await (await hive.Operator()).Deny(1);
        await manager.RequestSpawn("one-more");
    }

    [Fact]
    public async Task Waiting_for_an_approval_ends_when_it_is_resolved_or_the_time_is_up()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        var id = await manager.RequestSpawn("alice");
        var waiting = host.CallAsync("approval", new { id, wait_seconds = 100 });
        await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromSeconds(100));
        hive.Clock.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal("pending", (await waiting).GetProperty("approval").Text("status"));
        waiting = host.CallAsync("approval", new { id, wait_seconds = 4711 });
        await hive.Clock.Set(hive.Clock.GetUtcNow() + TimeSpan.FromSeconds(180));
        await (await hive.Operator()).Deny(id);
        Assert.Equal("denied", (await waiting).GetProperty("approval").Text("status"));
    }
}
