using System.Text.Json;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the verbs on the real harness in each runtime.</summary>
public sealed class LifecycleTests
{
    private const int SigStop = 19;

    [Theory]
    [MemberData(nameof(Fleet.Real), MemberType = typeof(Fleet))]
    public async Task An_agent_is_spawned_stopped_started_restarted_killed_and_destroyed(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        var events = await fleet.Hive.Events();
        var spawned = await fleet.Spawn("worker", runtime);
        await fleet.Up("worker");
        Assert.True(spawned.GetProperty("running").GetBoolean(), spawned.ToString());
        var row = await Fleet.Row(events, "worker", r => r.Running);
        Assert.Equal((runtime, false), (row.Runtime, row.Failed));
        Assert.NotNull(row.StartedAt);
        Assert.Equal(runtime == "process", row.Note?.Contains("no isolation", StringComparison.Ordinal) == true);
        var first = fleet.Pid("worker");

        await fleet.Do("start", new { name = "worker" });
        Assert.Equal(first, fleet.Pid("worker"));
        await fleet.Do("stop", new { name = "worker" });
        Assert.False((await Fleet.Row(events, "worker", r => !r.Running)).Failed);
        Assert.False(Fleet.IsAlive(first));
        await fleet.Do("start", new { name = "worker" });
        await Fleet.Row(events, "worker", r => r.Running);
        await fleet.Up("worker");
        var second = fleet.Pid("worker");
        await fleet.Do("restart", new { scope = new { agent_names = new[] { "worker" } } });
        Assert.NotEqual(second, fleet.Pid("worker"));
        await fleet.Up("worker");
        Assert.True((await fleet.Row("worker")).Running);
        await fleet.Do("kill", new { name = "worker" });
        Assert.Equal((false, false), ((await fleet.Row("worker")).Running, (await fleet.Row("worker")).Failed));

        await fleet.Do("start", new { name = "worker" });
        await fleet.Up("worker");
        var agent = Path.Combine(fleet.Hive.DataDir, "agents", "worker");
        File.WriteAllText(Path.Combine(agent, "state", "notes.md"), "remember");
        await fleet.Do("destroy", new { name = "worker" });
        Assert.Equal("worker", (await events.Next("container_removed")).GetProperty("name").GetString());
        Assert.True(File.Exists(Path.Combine(agent, "state", "notes.md")));
        Assert.False(File.Exists(fleet.Hive.AgentSocket("worker")));
        Assert.Empty(Fleet.Processes(fleet.Hive.RunDir + "/agents/worker"));
        await fleet.Spawn("worker", runtime);
        Assert.True(File.Exists(Path.Combine(agent, "state", "notes.md")));
        await fleet.Up("worker");
        await fleet.Do("destroy", new { name = "worker", purge = true });
        Assert.False(Directory.Exists(agent));
        Assert.False(Directory.Exists(Path.Combine(fleet.Hive.DataDir, "applied", "worker")));
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledReal), MemberType = typeof(Fleet))]
    public async Task An_agent_killed_by_hand_is_noticed_at_once_and_its_leases_return(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        var hive = fleet.Hive;
        var events = await hive.Events();
        fleet.Configure("worker", "restart: never\n");
        await fleet.Spawn("worker", runtime);
        var manager = await hive.Connect("manager");
        await fleet.Up("worker");
        foreach (var pid in fleet.Members("worker"))
            Fleet.Signal(pid, SigStop);
        // The dying harness may still have received one of the two.
        var receiving = (await hive.Connect("worker")).Receive(max: 1, wait: 180);
        await manager.Send("worker");
        await manager.Send("worker");
        var held = Assert.Single(await receiving).Id;

        Fleet.Signal(-fleet.Pid("worker"), LinuxProcess.SigKill);

        while ((await events.Next("requeued")).GetProperty("message").GetProperty("id").GetInt64() != held) { }
        var crash = JsonElement.Parse(Assert.Single(await manager.Receive(wait: 60)).Body);
        Assert.Equal(
            ("container_crash", "worker"),
            (crash.GetProperty("event").GetString(), crash.GetProperty("agent").GetString())
        );
        var row = await fleet.Row("worker");
        Assert.Equal((false, true), (row.Running, row.Failed));
        Assert.Contains("signal 9", row.Note, StringComparison.Ordinal);
        var again = Assert.Single(await (await hive.Connect("worker")).Receive(), m => m.Id == held);
        Assert.True(again.Redelivered);
    }

    [Fact]
    public async Task Other_slices_can_restart_an_agent_that_Hive_runs()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var first = fleet.Pid("worker");
        await fleet.Hive.Spawn("outside");
        var lifecycle = fleet.Hive.Services.GetRequiredService<IAgentLifecycle>();

        await lifecycle.Restart("worker");

        await fleet.Up("worker");
        Assert.False(Fleet.IsAlive(first));
        Assert.NotEqual(first, fleet.Pid("worker"));
        var refused = await Assert.ThrowsAsync<Problem>(() => lifecycle.Restart("outside"));
        Assert.Equal(ErrorCode.Conflict, refused.Code);
    }

    [Fact]
    public async Task A_start_that_fails_on_its_configuration_names_file_and_line()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process", start: false);
        var file = Path.Combine(fleet.Hive.DataDir, "applied", "worker", "agent.yaml");
        File.WriteAllText(file, "driver: scripted\nrecipients: [operator\n");
        var refused = await Talk.Refused(() => fleet.Do("start", new { name = "worker" }), "invalid");
        Assert.Contains($"{file}, line ", refused.Message, StringComparison.Ordinal);
        var row = await fleet.Row("worker");
        Assert.Equal((false, true), (row.Running, row.Failed));
        Assert.Contains("agent.yaml, line ", row.Note, StringComparison.Ordinal);

        // A fault that only the harness finds ends it at once; its log says why.
        var events = await fleet.Hive.Events();
        File.WriteAllText(file, "driver: nonesuch\nrestart: never\n");
        await fleet.Do("start", new { name = "worker" });
        row = await Fleet.Row(
            events,
            "worker",
            r => r.Failed && r.Note?.Contains("exit code", StringComparison.Ordinal) == true
        );
        Assert.Equal("ended with exit code 1", row.Note);
        Assert.Contains((await Log(fleet, "worker")), l => l.Contains("nonesuch", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_agents_output_can_be_read_and_followed()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        var follower = await fleet.Hive.Operator();
        await using var lines = follower
            .StreamAsync(
                "logs",
                new
                {
                    name = "worker",
                    lines = 1,
                    follow = true,
                }
            )
            .GetAsyncEnumerator();
        Assert.True(await lines.MoveNextAsync());
        await fleet.Do("restart", new { name = "worker" });
        do Assert.True(await lines.MoveNextAsync());
        while (
            !lines
                .Current.GetProperty("lines")
                .EnumerateArray()
                .Any(l => l.GetString()!.Contains("hive-agent", StringComparison.Ordinal))
        );

        Assert.Contains(await Log(fleet, "worker"), l => l.Contains("hive-agent", StringComparison.Ordinal));
        await Talk.Refused(() => fleet.Do("logs", new { name = "nobody" }), "not_found");
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledReal), MemberType = typeof(Fleet))]
    public async Task An_agent_that_ignores_TERM_is_killed_after_10_seconds_and_stays_busy_until_then(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime, realClock: false);
        var clock = fleet.Hive.Clock;
        await fleet.Spawn("worker", runtime);
        await fleet.Up("worker");
        var pid = fleet.Pid("worker");
        foreach (var member in fleet.Members("worker"))
            Fleet.Signal(member, SigStop);
        // Not while a sweep runs.
        clock.Advance(TimeSpan.FromMilliseconds(1));
        var stopping = fleet.Do("stop", new { name = "worker" });
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(10));

        foreach (var verb in new[] { "start", "stop", "restart", "kill", "destroy" })
            Assert.Contains(
                "stopping",
                (await Talk.Refused(() => fleet.Do(verb, new { name = "worker" }), "conflict")).Message,
                StringComparison.Ordinal
            );
        Assert.Equal(
            "stopping",
            Assert
                .Single((await fleet.Hive.State()).GetProperty("transients").EnumerateArray())
                .GetProperty("kind")
                .GetString()
        );
        clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMilliseconds(1));
        Assert.False(stopping.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await stopping;

        Assert.False((await fleet.Row("worker")).Running);
        Assert.Empty((await fleet.Hive.State()).GetProperty("transients").EnumerateArray());
        await fleet.Do("start", new { name = "worker" });
        Assert.NotEqual(pid, fleet.Pid("worker"));
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledReal), MemberType = typeof(Fleet))]
    public async Task A_restarted_host_adopts_running_agents(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        await fleet.Spawn("worker", runtime);
        await fleet.Up("worker");
        var pid = fleet.Pid("worker");
        var before = fleet.Members("worker");

        await fleet.Hive.Restart();

        Assert.Equal(pid, fleet.Pid("worker"));
        Assert.Equal(before, fleet.Members("worker"));
        Assert.True((await fleet.Row("worker")).Running);
        await fleet.Do("start", new { name = "worker" });
        Assert.Equal(pid, fleet.Pid("worker"));
        await fleet.Do("stop", new { name = "worker" });
        Assert.DoesNotContain(before, Fleet.IsAlive);
        Assert.False((await fleet.Row("worker")).Running);
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledReal), MemberType = typeof(Fleet))]
    public async Task With_another_run_folder_no_agent_runs_twice_and_each_can_connect(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        var hive = fleet.Hive;
        var events = await hive.Events();
        await fleet.Spawn("worker", runtime);
        await fleet.Up("worker");
        var (pid, members, socket) = (fleet.Pid("worker"), fleet.Members("worker"), hive.AgentSocket("worker"));

        await hive.Restart(() => hive.RunDir += "2");

        events = await hive.EventsFromStart();
        await fleet.Up("worker");
        Assert.NotEqual(pid, fleet.Pid("worker"));
        Assert.DoesNotContain(members, Fleet.IsAlive);
        // A program beside the agent may take a moment longer to end.
        await Patience.Until(
            () => Task.FromResult(Fleet.Processes(Path.GetDirectoryName(socket)! + "/").Length == 0),
            "no process has the former run folder"
        );
        Assert.True((await fleet.Row("worker")).Running);
    }

    [Fact]
    public async Task An_agents_recipients_are_read_when_it_starts()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process", start: false);
        await fleet.Spawn("other", "process", start: false);
        var worker = await fleet.Hive.Connect("worker");
        await worker.Send("other");
        File.WriteAllText(
            Path.Combine(fleet.Hive.DataDir, "applied", "worker", "agent.yaml"),
            "recipients: [operator]\n"
        );
        await fleet.Do("start", new { name = "worker" });
        Assert.Contains(
            "operator, manager",
            (await Talk.Refused(() => worker.Send("other"), "forbidden")).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(() => worker.Send("*"), "forbidden");
        await worker.Send("operator");
        await worker.Send("manager");
    }

    [Fact]
    public async Task Leases_of_a_closed_connection_wait_until_the_agents_harness_asks()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process", start: false);
        var id = await (await hive.Connect("manager")).Send("worker");
        using (var line = await RawLine.Connect(hive.AgentSocket("worker")))
        {
            await line.Call("recv", new { wait_seconds = 0 });
            line.Finish();
            Assert.Null(await line.Read());
        }

        await Task.Run(() => hive.Clock.Advance(TimeSpan.FromSeconds(120)));
        await hive.Settled();
        var worker = await hive.Connect("worker");
        Assert.Empty(await worker.Receive());
        Assert.Equal(1, (await worker.CallAsync("requeue_inflight")).Int("requeued"));
        Assert.Equal(id, Assert.Single(await worker.Receive()).Id);
    }

    // It has handled its first message, which carries the note about its start.
    private static async Task<string[]> Log(Fleet fleet, string name)
    {
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        return (await host.CallAsync("logs", new { name })).GetProperty("lines").Deserialize<string[]>()!;
    }
}
