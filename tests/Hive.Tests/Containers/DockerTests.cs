using Hive.Protocol;
using Hive.Runtimes;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the differences between docker and podman, against a stand-in that answers as Docker's documentation
/// says.</summary>
public sealed class DockerTests
{
    [Fact]
    public async Task Docker_accepts_the_container_request_and_its_end_is_noticed()
    {
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
            (2L << 30, 0L, 2_000_000_000L),
            (
                limits["Memory"]!.GetValue<long>(),
                limits["MemorySwap"]!.GetValue<long>(),
                limits["NanoCpus"]!.GetValue<long>()
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
}
