using System.Net;
using System.Text.Json;
using Hive.Common.Linux;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests that a rebuild repairs an agent from any state.</summary>
public sealed class RebuildAgentTests
{
    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledReal), MemberType = typeof(Fleet))]
    public async Task A_rebuilt_agent_runs_on_its_present_configuration_from_any_state(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        var (hive, events) = (fleet.Hive, await fleet.Hive.Events());
        await fleet.Spawn("worker", runtime);
        await fleet.Spawn("other", runtime, start: false);
        await fleet.Up("worker");
        var first = fleet.Pid("worker");
        fleet.Configure("worker", "recipients: [operator]\n");
        await Fleet.Row(events, "worker", r => r.NeedsUpdate);
        Assert.Equal(["needs_update"], await Told(hive, "worker"));
        File.Delete(hive.AgentSocket("worker"));
        File.Delete(Path.Combine(hive.RunDir, "agents", "worker", "agent.yaml"));
        Directory.Delete(Path.Combine(hive.DataDir, "agents", "worker", "config"), recursive: true);

        var cursor = await hive.Cursor();
        await fleet.Do("rebuild", new { name = "worker" });
        var verb = await hive.Events(cursor);
        Assert.Equal(
            "rebuilding",
            (await verb.Next("transient_set")).GetProperty("transient").GetProperty("kind").GetString()
        );
        await verb.Next("transient_cleared");

        Assert.False(Fleet.IsAlive(first));
        var row = await fleet.Row("worker");
        Assert.Equal((true, false, false), (row.Running, row.Failed, row.NeedsUpdate));
        await fleet.Up("worker");
        Assert.True(Directory.Exists(Path.Combine(hive.DataDir, "agents", "worker", "config")));
        Assert.Equal(
            "recipients: [operator]\n",
            File.ReadAllText(Path.Combine(hive.RunDir, "agents", "worker", "agent.yaml"))
        );
        await Talk.Refused(async () => await (await hive.Connect("worker")).Send("other"), "forbidden");
        Assert.Equal(["rebuilt True"], await Told(hive, "worker"));

        // Stopped, failed and running agents end in the same state.
        await fleet.Do("stop", new { name = "worker" });
        await fleet.Do("rebuild", new { name = "worker" });
        await fleet.Up("worker");
        fleet.Configure("worker", "restart: never\n");
        Fleet.Signal(-fleet.Pid("worker"), LinuxProcess.SigKill);
        await Fleet.Row(events, "worker", r => r.Failed);
        await fleet.Do("rebuild", new { name = "worker" });
        await fleet.Do("rebuild", new { name = "worker" });
        row = await fleet.Row("worker");
        Assert.Equal((true, false, false), (row.Running, row.Failed, row.NeedsUpdate));
    }

    [Fact]
    public async Task RunsOnApplied_is_false_for_an_agent_that_should_run_and_does_not()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var events = await fleet.Hive.Events();
        await fleet.Spawn("worker", "process");
        var lifecycle = fleet.Hive.Services.GetRequiredService<IAgentLifecycle>();
        Assert.True(await lifecycle.RunsOnApplied("worker"));
        Fleet.Signal(-fleet.Pid("worker"), LinuxProcess.SigKill);
        while (
            !(await events.Next("sent"))
                .GetProperty("message")
                .Text("body")!
                .Contains("container_crash", StringComparison.Ordinal)
        ) { }
        Assert.False(await lifecycle.RunsOnApplied("worker"));
        await fleet.Do("stop", new { name = "worker" });
        Assert.True(await lifecycle.RunsOnApplied("worker"));
    }

    [Fact]
    public async Task A_rebuild_that_cannot_work_leaves_the_present_run_and_is_reported()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        var pid = fleet.Pid("worker");
        fleet.Configure("worker", "recipients: [operator\n");
        await Talk.Refused(() => fleet.Do("rebuild", new { name = "worker" }), "invalid");
        Assert.Equal((true, false), ((await fleet.Row("worker")).Running, (await fleet.Row("worker")).Failed));
        Assert.Equal(pid, fleet.Pid("worker"));
        Assert.Empty((await fleet.Hive.State()).GetProperty("transients").EnumerateArray());
        var told = Assert.Single(
            await (await fleet.Hive.Connect("manager")).Receive(),
            m => m.Body.Contains("rebuilt", StringComparison.Ordinal)
        );
        Assert.False(JsonElement.Parse(told.Body).GetProperty("ok").GetBoolean());
        Assert.Contains(
            "agent.yaml, line ",
            JsonElement.Parse(told.Body).GetProperty("note").GetString(),
            StringComparison.Ordinal
        );
        await Talk.Refused(() => fleet.Do("rebuild", new { name = "nobody" }), "not_found");
        await Talk.Refused(
            () => fleet.Do("rebuild", new { scope = new { agent_names = Array.Empty<string>() } }),
            "invalid"
        );
    }

    [Fact]
    public async Task Two_rebuilds_at_once_never_interleave()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var clock = fleet.Hive.Clock;
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        // The agent is suspended and ignores TERM, so that the first rebuild lasts.
        Fleet.Signal(fleet.Pid("worker"), 19);
        // Not while a sweep runs.
        clock.Advance(TimeSpan.FromMilliseconds(1));
        var rebuilding = fleet.Do("rebuild", new { name = "worker" });
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(10));
        foreach (var verb in new[] { "rebuild", "restart", "destroy" })
            Assert.Contains(
                "rebuilding",
                (await Talk.Refused(() => fleet.Do(verb, new { name = "worker" }), "conflict")).Message,
                StringComparison.Ordinal
            );
        clock.Advance(TimeSpan.FromSeconds(10));
        await rebuilding;
        Assert.True((await fleet.Row("worker")).Running);
        Assert.Equal(["rebuilt True"], await Told(fleet.Hive, "worker"));
    }

    [Fact]
    public async Task The_manager_rebuilds_others_and_never_itself()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        var (pid, manager) = (fleet.Pid("worker"), await fleet.Hive.Connect("manager"));
        await manager.CallAsync("rebuild", new { name = "worker" });
        Assert.NotEqual(pid, fleet.Pid("worker"));
        await Talk.Refused(() => manager.CallAsync("rebuild", new { name = "manager" }), "forbidden");
        await Talk.Refused(
            async () => await (await fleet.Hive.Connect("worker")).CallAsync("rebuild", new { name = "worker" }),
            "unknown_command"
        );
        Assert.Contains(
            "rebuild",
            (await manager.CallAsync("tools"))
                .GetProperty("tools")
                .EnumerateArray()
                .Select(t => t.GetProperty("name").GetString())
        );
    }

    [Fact]
    public async Task Update_all_rebuilds_agents_in_turn_and_continues_after_a_failure()
    {
        await using var fleet = await Fleet.Start("process");
        var (hive, events) = (fleet.Hive, await fleet.Hive.Events());
        foreach (var name in new[] { "broken", "changed", "same" })
            await fleet.Spawn(name, "process");
        await hive.Spawn("outside");
        await fleet.Spawn("resting", "process", start: false);
        var (changed, same) = (fleet.Pid("changed"), fleet.Pid("same"));
        fleet.Configure("broken", "recipients: [\n");
        fleet.Configure("changed", "recipients: [operator]\n");
        fleet.Configure("resting", "recipients: [operator]\n");
        fleet.Configure("outside", "recipients: [operator]\n");
        await Fleet.Row(events, "outside", r => r.NeedsUpdate);
        while (!(await fleet.Row("changed")).NeedsUpdate)
            await Fleet.Row(events, "changed", r => r.NeedsUpdate);

        var cursor = await hive.Cursor();
        using var answer = await hive.Http().PostAsync("/update-all", null);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);

        var round = await hive.Events(cursor);
        foreach (var name in new[] { "broken", "changed", "outside" })
        {
            Assert.Equal(
                name,
                (await round.Next("transient_set")).GetProperty("transient").GetProperty("name").GetString()
            );
            Assert.Equal(name, (await round.Next("transient_cleared")).GetProperty("name").GetString());
        }

        Assert.Equal("rebuilt False", (await Told(hive, "broken"))[^1]);
        Assert.NotEqual(changed, fleet.Pid("changed"));
        Assert.Equal(same, fleet.Pid("same"));
        Assert.False((await fleet.Row("resting")).Running);
        await Talk.Refused(async () => await (await hive.Connect("outside")).Send("same"), "forbidden");
    }

    [Fact]
    public async Task A_change_while_no_host_ran_is_shown_and_reported_once()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        await fleet.Hive.Restart(() => fleet.Configure("worker", "model: other\n"));
        var events = await fleet.Hive.Events();
        if (!(await fleet.Row("worker")).NeedsUpdate)
            await Fleet.Row(events, "worker", r => r.NeedsUpdate);
        await fleet.Hive.Restart();
        await fleet.Hive.Settled();
        Assert.Equal(["needs_update"], await Told(fleet.Hive, "worker"));

        // After the change is reverted nothing needs an update; a second change is reported again.
        events = await fleet.Hive.Events();
        await fleet.Do("restart", new { name = "worker" });
        Assert.False((await fleet.Row("worker")).NeedsUpdate);
        fleet.Configure("worker", "model: third\n");
        await Fleet.Row(events, "worker", r => r.NeedsUpdate);
        fleet.Configure("worker", "model: other\n");
        await Fleet.Row(events, "worker", r => !r.NeedsUpdate);
    }

    // The messages to the manager about an agent since the last call.
    private static async Task<string[]> Told(HiveFixture hive, string agent)
    {
        await hive.Settled();
        using var manager = await LineClient.ConnectAsync(hive.AgentSocket("manager"));
        var bodies = (await manager.Receive())
            .Select(m => JsonElement.Parse(m.Body))
            .Where(b => b.GetProperty("agent").GetString() == agent)
            .ToArray();
        await manager.CallAsync("ack", new { all = true });
        return
        [
            .. bodies.Select(b =>
                b.GetProperty("event").GetString() + (b.TryGetProperty("ok", out var ok) ? $" {ok.GetBoolean()}" : "")
            ),
        ];
    }
}
