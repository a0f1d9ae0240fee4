using System.Text.Json.Nodes;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the differences between docker and podman, against a stand-in that answers as Docker's documentation
/// says, and in the long ring against a real daemon.</summary>
public sealed class DockerTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Fact]
    public async Task Docker_accepts_the_container_request_and_its_end_is_noticed()
    {
        Requires.Filter();
        await using var docker = await DockerStandIn.Start();
        await using var hive = await HiveFixture.Start(
            realClock: true,
            "--Docker:Socket",
            $"unix://{docker.Socket}",
            "--Image",
            "registry.example/agents:7"
        );
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", "worker"));
        await File.WriteAllTextAsync(Path.Combine(hive.DataDir, "applied", "worker", "agent.yaml"), "restart: never\n");
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        await Fleet.Row(events, "worker", r => r.Running);

        // The newest version that Hive was written for, although this Docker has newer ones.
        Assert.All(
            docker.Asked.Where(p => p != "/_ping"),
            p => Assert.StartsWith("/v1.44/", p, StringComparison.Ordinal)
        );
        Assert.Contains("/v1.44/images/registry.example/agents:7/json", docker.Asked);
        var asked = docker.Container("worker")["Config"]!;
        var limits = asked["HostConfig"]!;
        Assert.Equal("registry.example/agents:7", asked["Image"]!.GetValue<string>());
        Assert.Equal(
            ["/opt/hive/hive-agent", "serve"],
            [asked["Entrypoint"]![0]!.GetValue<string>(), asked["Cmd"]![0]!.GetValue<string>()]
        );
        Assert.Equal(
            (2L << 30, 0L, 2_000_000_000L, 204L),
            (
                limits["Memory"]!.GetValue<long>(),
                limits["MemorySwap"]!.GetValue<long>(),
                limits["NanoCpus"]!.GetValue<long>(),
                limits["CpuShares"]!.GetValue<long>()
            )
        );
        Assert.Equal(
            ("json-file", "4m", "2"),
            (
                limits["LogConfig"]!["Type"]!.GetValue<string>(),
                limits["LogConfig"]!["Config"]!["max-size"]!.GetValue<string>(),
                limits["LogConfig"]!["Config"]!["max-file"]!.GetValue<string>()
            )
        );
        Assert.True(limits["Init"]!.GetValue<bool>());
        // Docker takes the filter itself, podman the name of its file.
        var filter = SecurityOf(docker.Container("worker")["Config"]!).Single(o => o.StartsWith("seccomp=", Ordinal));
        var profile = JsonNode.Parse(filter["seccomp=".Length..])!;
        Assert.Equal("SCMP_ACT_ERRNO", profile["defaultAction"]!.GetValue<string>());
        Assert.Contains(
            profile["syscalls"]!.AsArray(),
            r =>
                r!["names"]![0]!.GetValue<string>() == "clone"
                && r["args"]![0]!["op"]!.GetValue<string>() == "SCMP_CMP_MASKED_EQ"
        );
        // A daemon that ignores the default's error number takes EPERM for it. Then no thread could be started, and
        // socketcall would be allowed: runc leaves out a rule whose result is the default's.
        const int AccessDenied = 13,
            NotImplemented = 38;
        Assert.Equal((NotImplemented, AccessDenied), (ErrorOf("clone3"), ErrorOf("socketcall")));
        // The image's own folder may be root's alone.
        var user = asked["User"]!.GetValue<string>().Split(':');
        Assert.Contains(
            $",uid={user[0]},gid={user[1]},",
            limits["Tmpfs"]!["/tmp"]!.GetValue<string>(),
            StringComparison.Ordinal
        );

        int ErrorOf(string call) =>
            profile["syscalls"]!.AsArray().Single(r => r!["names"]![0]!.GetValue<string>() == call)![
                "errnoRet"
            ]!.GetValue<int>();

        docker.End("worker", 137, outOfMemory: true);
        var row = await Fleet.Row(events, "worker", r => !r.Running);
        Assert.True(row.Failed);
        Assert.Contains("out of memory; its limit is 2048 MiB", row.Note, StringComparison.Ordinal);

        docker.Refusal = "failed to mount: no space left on device";
        await host.CallAsync("stop", new { name = "worker" });
        var refused = await Talk.Refused(() => host.CallAsync("start", new { name = "worker" }), "unavailable");
        Assert.Contains("no space left on device; make room on the disk", refused.Message, StringComparison.Ordinal);
        await host.CallAsync("destroy", new { name = "worker" });
        Assert.DoesNotContain(docker.Agents, a => a == "worker");
    }

    [Fact]
    public async Task A_container_that_is_being_removed_did_not_end_on_its_own()
    {
        await using var docker = await DockerStandIn.Start();
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", "worker"));
        await File.WriteAllTextAsync(Path.Combine(hive.DataDir, "applied", "worker", "agent.yaml"), "restart: never\n");
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        await Fleet.Row(events, "worker", r => r.Running);

        docker.BeginStop("worker");
        var runtime = hive.Services.GetServices<IRuntime>().Single(r => r.Name == "docker");
        Assert.NotNull(await runtime.Find("worker", TestContext.Current.CancellationToken));
        docker.BeginRemoval("worker");
        var row = await Fleet.Row(events, "worker", r => !r.Running);
        Assert.True(row.Failed);
        // Whether the event of its end or another one is looked at first.
        Assert.Matches("^(ended by signal 9|its container was removed from outside Hive)$", row.Note);
    }

    [Theory]
    [InlineData("User", "it is the machine's root, without capabilities: docker fails as another user (")]
    [InlineData("SecurityOpt", "filtered by the daemon's own profile: docker refuses another one (")]
    public async Task A_user_or_a_filter_that_a_daemon_refuses_is_shown_on_the_row(string part, string note)
    {
        Requires.OwnUsers();
        Requires.Filter();
        await using var docker = await DockerStandIn.Start();
        docker.Refuses = body =>
            part == "User" && body["User"]!.GetValue<string>() != "0:0"
            || part == "SecurityOpt" && SecurityOf(body).Any(o => o.StartsWith("seccomp=", Ordinal))
                ? "not with this kernel"
                : null;
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        var row = await Fleet.Row(events, "worker", r => r.Running);
        Assert.Contains(note, row.Note, Ordinal);
        Assert.Contains("not with this kernel", row.Note, Ordinal);
        var created = docker.Container("worker")["Config"]!;
        Assert.Equal(part == "User", created["User"]!.GetValue<string>() == "0:0");
        Assert.Equal(part == "User", SecurityOf(created).Any(o => o.StartsWith("seccomp=", Ordinal)));
    }

    [Fact]
    public async Task A_filter_with_which_the_harness_does_not_run_gives_way_to_the_daemons_own()
    {
        Requires.OwnUsers();
        Requires.Filter();
        await using var docker = await DockerStandIn.Start();
        docker.TrialEnds = request => SecurityOf(request).Any(o => o.StartsWith("seccomp=", Ordinal)) ? 137 : 0;
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        var row = await Fleet.Row(events, "worker", r => r.Running);
        Assert.Contains("filtered by the daemon's own profile: the harness ended with 137", row.Note, Ordinal);
        var created = docker.Container("worker")["Config"]!;
        Assert.NotEqual("0:0", created["User"]!.GetValue<string>());
        Assert.DoesNotContain(SecurityOf(created), o => o.StartsWith("seccomp=", Ordinal));
    }

    [Fact]
    public async Task A_refusal_that_passes_does_not_cost_agents_the_filter()
    {
        Requires.Filter();
        await using var docker = await DockerStandIn.Start();
        var refusals = 2;
        docker.Refuses = _ => refusals-- > 0 ? "too many open files" : null;
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        var row = await Fleet.Row(events, "worker", r => r.Running);
        // As it should be, and with nothing else asked for.
        Assert.True(refusals < 0);
        Assert.DoesNotContain("profile", row.Note ?? "", Ordinal);
        Assert.Contains(SecurityOf(docker.Container("worker")["Config"]!), o => o.StartsWith("seccomp=", Ordinal));
    }

    [Theory]
    [InlineData(true, "sends no events")]
    [InlineData(false, "does not isolate")]
    public async Task A_fault_that_has_another_cause_does_not_cost_agents_the_filter(bool hasNoEvents, string fault)
    {
        Requires.Filter();
        await using var docker = await DockerStandIn.Start();
        var trials = 0;
        docker.LacksEvents = () => hasNoEvents && trials == 1;
        docker.TrialEnds = _ => ++trials == 1 && !hasNoEvents ? HarnessProbe.Breached : 0;
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var refused = await Talk.Refused(
            () => host.CallAsync("spawn", new { name = "worker", runtime = "docker" }),
            "unavailable"
        );
        Assert.Contains(fault, refused.Message, Ordinal);
        Assert.Equal(1, trials);
    }

    [Fact]
    public async Task A_daemon_that_fails_for_a_time_does_not_make_agents_root()
    {
        Requires.OwnUsers();
        Requires.Filter();
        await using var docker = await DockerStandIn.Start();
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        await Fleet.Row(events, "worker", r => r.Running);
        Assert.NotEqual("0:0", docker.Container("worker")["Config"]!["User"]!.GetValue<string>());
        await host.CallAsync("stop", new { name = "worker" });

        docker.Refuses = body => body["User"]!.GetValue<string>() == "0:0" ? null : "too many open files";
        var asked = docker.Asked.Length;
        // It runs every trial again.
        await host.CallAsync("doctor");
        // As it should be, then with nothing else asked for.
        Assert.Equal(2, docker.Asked[asked..].Count(p => p.EndsWith("/containers/create", Ordinal)));
        var refused = await Talk.Refused(() => host.CallAsync("start", new { name = "worker" }), "unavailable");
        Assert.Contains("users of their own now", refused.Message, Ordinal);
        Assert.Contains("too many open files", refused.Message, Ordinal);
    }

    [Fact]
    public async Task Limits_that_a_daemon_cannot_enforce_are_shown_on_the_row()
    {
        await using var docker = await DockerStandIn.Start();
        docker.Info["CpuCfsQuota"] = false;
        await using var hive = await HiveFixture.Start(realClock: true, "--Docker:Socket", docker.Socket);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var events = await hive.Events();
        await host.CallAsync("spawn", new { name = "worker", runtime = "docker" });
        var row = await Fleet.Row(events, "worker", r => r.Running);
        Assert.Contains("processor time is not enforced", row.Note, StringComparison.Ordinal);
        Assert.Equal(0, docker.Container("worker")["Config"]!["HostConfig"]!["NanoCpus"]!.GetValue<long>());
    }

    [Fact, Long]
    public async Task A_real_docker_runs_agents_as_users_of_their_own_with_Hives_filter()
    {
        Requires.OwnUsers();
        Requires.Filter();
        var docker = await DockerDaemon.Service();
        await using var fleet = await Fleet.Start("docker");
        await fleet.Spawn("worker", "docker");
        await fleet.Up("worker");
        var row = await fleet.Row("worker");
        Assert.DoesNotContain("root", row.Note ?? "", Ordinal);
        Assert.DoesNotContain("profile", row.Note ?? "", Ordinal);
        var status = await File.ReadAllTextAsync($"/proc/{fleet.Pid("worker")}/status");
        var user = AgentUser.Of(fleet.InstanceName, "worker");
        Assert.Contains($"\nUid:\t{user}\t{user}\t{user}\t{user}\n", status, Ordinal);
        Assert.Contains("CapBnd:\t0000000000000000", status, Ordinal);
        Assert.Contains("Seccomp:\t2", status, Ordinal);
        foreach (var folder in (string[])["/tmp", "/var/tmp", "."])
            await docker.Run("exec", fleet.Container("worker"), "/bin/sh", "-c", $"echo x > {folder}/written");
        Assert.Equal(
            $"{2L << 30} 2000000000 2048 bridge true",
            await docker.Run(
                "inspect",
                "--format",
                "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} "
                    + "{{.HostConfig.NetworkMode}} {{.HostConfig.ReadonlyRootfs}}",
                fleet.Container("worker")
            )
        );
        await fleet.Do("destroy", new { name = "worker" });
        Assert.Empty(await docker.Run("ps", "--all", "--quiet"));
    }

    private static IEnumerable<string> SecurityOf(JsonNode request) =>
        request["HostConfig"]!["SecurityOpt"]!.AsArray().Select(o => o!.GetValue<string>());
}
