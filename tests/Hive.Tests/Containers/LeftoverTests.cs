using Hive.Tests.Crash;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>Processes beside a container that go on after its end when no host is there to see it.</summary>
public sealed class LeftoverTests
{
    // The second line of StopAgent: the agent has been told to end.
    private const int AskedToEnd = 2;
    private const int SigStop = 19;
    private const int SigCont = 18;

    [Fact]
    public async Task The_network_of_an_agent_that_ended_without_a_host_is_ended_at_the_next_start()
    {
        await using var fleet = await Fleet.Start("nspawn");
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "nspawn");
        await fleet.Up("worker");
        var members = fleet.Members("worker");
        // The agent ends only after the host that stops it was killed.
        foreach (var pid in members)
            Fleet.Signal(pid, SigStop);
        await hive.Restart(async () =>
        {
            await using var host = ChildHost.On(hive.DataDir, hive.RunDir, []);
            await host.RunSteps();
            Assert.True(
                await host.DiesAt(
                    "Hive.Features.Containers.Verbs.StopAgent",
                    AskedToEnd,
                    async () =>
                    {
                        using var line = await host.Operator();
                        await line.CallAsync("stop", new { name = "worker" });
                    }
                )
            );
            foreach (var pid in members.Where(Fleet.IsAlive))
                Fleet.Signal(pid, SigCont);
            await Patience.Until(() => !members.Any(Fleet.IsAlive), "the agent has ended");
            Assert.NotEmpty(Fleet.Marked(hive.DataDir, "worker"));
        });

        Assert.Empty(Fleet.Marked(hive.DataDir));
        Assert.False((await fleet.Row("worker")).Running);
        Assert.Empty(Directory.GetDirectories("/sys/fs/cgroup", $"hive-{fleet.InstanceName}-*"));
        Assert.Empty(Hierarchies().SelectMany(h => Directory.GetDirectories(h, $"hive-{fleet.InstanceName}-*")));
    }

    [Fact]
    public async Task The_network_of_a_trial_that_was_killed_with_its_host_is_ended_at_the_next_start()
    {
        await using var fleet = await Fleet.Start("nspawn");
        var hive = fleet.Hive;
        await hive.Restart(async () =>
        {
            // A trial may be over before its network is seen.
            for (var attempt = 0; !Fleet.Marked(hive.DataDir).Any(HoldsNetwork); attempt++)
            {
                await using var host = ChildHost.On(hive.DataDir, hive.RunDir, []);
                await host.Run();
                using var line = await host.Operator();
                var name = $"worker{attempt}";
                var spawning = line.CallAsync(
                    "spawn",
                    new
                    {
                        name,
                        runtime = "nspawn",
                        start = false,
                    }
                );
                await Patience.Until(
                    () => spawning.IsCompleted || Fleet.Marked(hive.DataDir).Any(HoldsNetwork),
                    "the trial has a network"
                );
                await host.Kill();
                _ = await Record.ExceptionAsync(() => spawning);
            }

            await Patience.Until(
                () =>
                    !Fleet
                        .Marked(hive.DataDir)
                        .Any(pid => Arguments(pid).StartsWith("systemd-nspawn\0", StringComparison.Ordinal)),
                "the trial itself has ended"
            );
            Assert.NotEmpty(Fleet.Marked(hive.DataDir));
        });

        Assert.Empty(Fleet.Marked(hive.DataDir));
    }

    private static IEnumerable<string> Hierarchies() =>
        Directory.GetDirectories("/sys/fs/cgroup").Where(folder => File.Exists($"{folder}/cgroup.procs"));

    private static bool HoldsNetwork(int pid) => Arguments(pid) == "sleep\0infinity\0";

    private static string Arguments(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
