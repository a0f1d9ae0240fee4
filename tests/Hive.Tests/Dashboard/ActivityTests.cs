using System.Text.Json;
using Hive.Features.Containers.Runs;
using Hive.Features.Turns;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Turns;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Dashboard;

/// <summary>The activity of agents: one vocabulary for the page, the command line and the tools.</summary>
public sealed class ActivityTests
{
    private const string Since = "2026-01-31T11:00:00.000Z";

    [Fact]
    public async Task Every_state_has_the_same_word_at_every_door()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        var expected = await Make(fleet);
        var watcher = await hive.Connect("watcher");

        var rows = (await hive.State()).GetProperty("agents").EnumerateArray().ToDictionary(row => row.Word("name")!);
        var peers = (await watcher.CallAsync("whoami")).GetProperty("peers").EnumerateArray().ToArray();
        var told = await Built.HiveAsync(["status", "--run-dir", hive.RunDir]);
        foreach (var (name, state) in expected)
        {
            var activity = rows[name].GetProperty("activity");
            Assert.Equal((name, state), (name, activity.Word("state")));
            Assert.Equal((name, state), (name, peers.Single(p => p.Word("name") == name).Word("state")));
            Assert.Contains(told.Lines, line => line.StartsWith($"{name} ", StringComparison.Ordinal));
            Assert.Matches(
                $"^{name} +{state}(,| |$)",
                told.Lines.Single(l => l.StartsWith($"{name} ", StringComparison.Ordinal))
            );
            Assert.Equal(
                state,
                (await watcher.CallAsync("send", new { to = name, body = "x" })).Word("recipient_state")
            );
        }

        var working = rows["works"].GetProperty("activity");
        Assert.Equal("Bash npm test", working.Word("tool"));
        Assert.Equal(6, working.Number("context_percent"));
        Assert.Equal(working.Word("turn_started_at"), working.Word("since_at"));
        Assert.Equal("2026-01-31T13:00:00.000Z", rows["limited"].GetProperty("activity").Word("until_at"));
        Assert.Equal("operator", rows["asks"].GetProperty("activity").Word("waiting_for"));
        Assert.Equal("works", rows["asks-peer"].GetProperty("activity").Word("waiting_for"));
        // A paused agent's current work continues, and shows.
        Assert.NotNull(rows["rests"].GetProperty("activity").Number("turn"));
    }

    [Fact]
    public async Task An_agent_waits_until_its_question_or_approval_is_decided()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob, manager) = (
            await hive.Connect("alice"),
            await hive.Connect("bob"),
            await hive.Connect("manager")
        );
        var peer = (await alice.CallAsync("ask", new { question = "and you?", to = "bob" })).Number("id");
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        var mine = (await alice.CallAsync("ask", new { question = "which?", ttl_seconds = 600 })).Number("id");
        var asked = await manager.CallAsync("request_spawn", new { name = "carol" });
        var waits = await Of(hive, "alice");
        Assert.Equal(
            ("waits for you", "operator", "2026-01-31T12:00:05.000Z", "2026-01-31T12:10:05.000Z"),
            (waits.Word("state"), waits.Word("waiting_for"), waits.Word("since_at"), waits.Word("until_at"))
        );
        await Talk.Refused(() => bob.CallAsync("answer", new { id = mine, answer = "no" }), "forbidden");
        Assert.Equal("waits for you", (await Of(hive, "alice")).Word("state"));

        // The next host knows what they wait for.
        await hive.Restart();
        (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        manager = await hive.Connect("manager");
        await manager.CallAsync("whoami");
        Assert.Equal("waits for you", (await Of(hive, "manager")).Word("state"));
        await hive.Post($"/api/questions/{mine}/answer", new { answer = "this" });
        await hive.Post($"/api/approvals/{asked.Number("id")}/deny");
        Assert.Equal("waits for bob", (await Of(hive, "alice")).Word("state"));
        Assert.Equal("idle", (await Of(hive, "manager")).Word("state"));
        await bob.CallAsync("answer", new { id = peer, answer = "me too" });
        Assert.Equal("idle", (await Of(hive, "alice")).Word("state"));
        Assert.False((await Of(hive, "alice")).TryGetProperty("waiting_for", out _));
    }

    [Fact]
    public async Task Tools_show_while_they_run_and_change_a_row_at_most_four_times_a_second()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (turn, _) = await hive.Turn(alice, "alice");
        await Report(alice, "thinking", new { turn });
        await Call(alice, turn, "1", "Read", new { file_path = "/shared/plan.md" });
        await Call(alice, turn, "2", "mcp__hive__send", new { to = "bob", body = "a\nb" });
        Assert.Equal("hive · send bob", (await Of(hive, "alice")).Word("tool"));
        await Result(alice, turn, "2");
        Assert.Equal("Read /shared/plan.md", (await Of(hive, "alice")).Word("tool"));
        await Result(alice, turn, "1");
        Assert.Null((await Of(hive, "alice")).Word("tool"));
        // One that never ended is not shown in the next turn.
        await Call(alice, turn, "3", "Bash", new { command = new string('x', 500) + "\nsecond line" });
        var text = (await Of(hive, "alice")).Word("tool")!;
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(text), 100, 160);
        await Report(alice, "idle", new { });
        Assert.Null((await Of(hive, "alice")).Word("tool"));
        await Report(alice, "thinking", new { turn });
        await Call(alice, turn, "4", "Read", new { });
        await Call(alice, turn, new string('4', 201), "Bash", new { });
        Assert.Equal("Read", (await Of(hive, "alice")).Word("tool"));

        await Report(alice, "thinking", new { turn });
        var events = await hive.Events((await hive.State()).GetProperty("cursor").GetString());
        var (advances, shown) = (0, 0);
        for (var i = 0; i < 10; i++)
        {
            for (var j = 0; j < 10; j++)
                await Call(alice, turn, $"{i}-{j}", "Bash", new { command = $"{i} {j}" });
            hive.Clock.Advance(TimeSpan.FromMilliseconds(250));
            advances++;
        }

        await alice.CallAsync("send", new { to = "operator", body = "mark" });
        while ((await events.Next("sent", "container_state_changed")).Word("kind") != "sent")
            shown++;
        Assert.InRange(shown, 0, advances + 1);
        alice.Dispose();
        await AgentRowTests.Until(
            hive,
            events,
            "alice",
            row => row.GetProperty("activity") is var a && a.Word("state") == "not connected" && a.Word("tool") is null
        );
    }

    [Fact]
    public async Task A_program_that_reports_nothing_is_working_in_its_turns()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (turn, _) = await hive.Turn(alice, "alice");
        var working = await Of(hive, "alice");
        Assert.Equal(
            ("working", turn, "2026-01-31T12:00:00.000Z"),
            (working.Word("state"), working.Number("turn"), working.Word("since_at"))
        );
        await hive.Restart();
        alice = await hive.Connect("alice");
        await alice.CallAsync("whoami");
        Assert.Equal("working", (await Of(hive, "alice")).Word("state"));
        await alice.CallAsync("end_turn", new { turn, result = "ok" });
        Assert.Equal("idle", (await Of(hive, "alice")).Word("state"));
        (turn, _) = await hive.Turn(alice, "alice");
        Assert.Equal("working", (await Of(hive, "alice")).Word("state"));
        await alice.CallAsync("requeue_inflight");
        Assert.Equal("idle", (await Of(hive, "alice")).Word("state"));
    }

    [Fact]
    public async Task The_tools_of_a_destroyed_agent_are_forgotten()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, tools) = (await hive.Connect("alice"), hive.Services.GetRequiredService<RunningTools>());
        var (turn, _) = await hive.Turn(alice, "alice");
        await Call(alice, turn, "1", "Bash", new { });
        Assert.Equal("Bash", tools.Of("alice", turn));
        await (await hive.Operator()).CallAsync("destroy", new { name = "alice" });
        Assert.Null(tools.Of("alice", turn));
    }

    [Fact]
    public async Task An_adopted_run_whose_harness_stays_away_is_not_connected()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var pid = fleet.Pid("worker");
        await fleet.Hive.Restart(() => Fleet.Signal(-pid, 19));
        Assert.Equal("not connected", (await fleet.Row("worker")).Activity?.State);
        Fleet.Signal(-pid, 18);
        await fleet.Up("worker");
        Assert.Equal(pid, fleet.Pid("worker"));
    }

    // An agent in each state, by its name.
    private static async Task<Dictionary<string, string>> Make(Fleet fleet)
    {
        var hive = fleet.Hive;
        await hive.Spawn("watcher", "away", "idles", "works", "compacts", "limited", "logs-in", "rests");
        await hive.Spawn("asks", "asks-peer", "changes");
        var (works, rests) = (await hive.Connect("works"), await hive.Connect("rests"));
        await (await hive.Connect("idles")).CallAsync("whoami");
        await (await hive.Connect("changes")).CallAsync("whoami");
        await (await hive.Connect("asks")).CallAsync("ask", new { question = "?" });
        await (await hive.Connect("asks-peer")).CallAsync("ask", new { question = "?", to = "works" });
        var (turn, _) = await hive.Turn(works, "works");
        await Report(
            works,
            "thinking",
            new
            {
                turn,
                context_tokens = 12_000,
                context_limit = 200_000,
            }
        );
        await Call(works, turn, "1", "Bash", new { command = "npm test", description = "runs tests" });
        await Report(rests, "thinking", new { turn = (await hive.Turn(rests, "rests")).Turn });
        await fleet.Do("set_paused", new { name = "rests", paused = true });
        await Report(await hive.Connect("compacts"), "compacting", new { });
        await Report(
            await hive.Connect("limited"),
            "rate_limited",
            new { rate_limited_until = "2026-01-31T13:00:00.000Z" }
        );
        await Report(await hive.Connect("logs-in"), "logging_in", new { });
        await hive.Services.GetRequiredService<Transients>().Begin("changes", "rebuilding");

        using var events = await hive.Events();
        await fleet.Spawn("halted", "process", start: false);
        await fleet.Spawn("lacks", "process");
        fleet.Configure("crashes", "driver: scripted\nrestart: never\n");
        File.WriteAllText(Path.Combine(hive.DataDir, "applied", "crashes", "script.yaml"), "start:\n  - exit: 3\n");
        await fleet.Spawn("crashes", "process");
        await Fleet.Row(events, "crashes", row => row.Activity?.State == "failed");
        if ((await fleet.Row("lacks")).Activity?.State != "no driver")
            await Fleet.Row(events, "lacks", row => row.Activity?.State == "no driver");
        return new()
        {
            ["away"] = "not connected",
            ["idles"] = "idle",
            ["works"] = "working",
            ["rests"] = "paused",
            ["compacts"] = "compacting",
            ["limited"] = "rate limited",
            ["logs-in"] = "needs login",
            ["asks"] = "waits for you",
            ["asks-peer"] = "waits for works",
            ["changes"] = "rebuilding",
            ["halted"] = "stopped",
            ["lacks"] = "no driver",
            ["crashes"] = "failed",
        };
    }

    private static async Task<JsonElement> Of(HiveFixture hive, string agent) =>
        (await hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .Single(row => row.Word("name") == agent)
            .GetProperty("activity");

    private static Task Report(LineClient agent, string state, object more)
    {
        var fields = JsonSerializer.SerializeToNode(more)!.AsObject();
        (fields["state"], fields["since_at"]) = (state, Since);
        return agent.CallAsync("report_harness", fields);
    }

    private static Task Call(LineClient agent, long turn, string id, string tool, object input) =>
        Emit(
            agent,
            new
            {
                kind = "tool_call",
                at = Since,
                turn,
                id,
                tool,
                input,
            }
        );

    private static Task Result(LineClient agent, long turn, string id) =>
        Emit(
            agent,
            new
            {
                kind = "tool_result",
                at = Since,
                turn,
                id,
                text = "",
                error = false,
            }
        );

    private static Task Emit(LineClient agent, object told) => agent.CallAsync("emit", new { events = new[] { told } });
}
