using System.Diagnostics;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Limits;
using Hive.Tests.Cli;
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
            for (var attempt = 0; !Fleet.Marked(hive.DataDir).Any(Sleeps); attempt++)
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
                    () => spawning.IsCompleted || Fleet.Marked(hive.DataDir).Any(Sleeps),
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

    // No `x/..` among them: a host that follows that mark ends every process of the machine.
    [Theory]
    [InlineData("bob/run")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("/etc/hostname")]
    [InlineData("../host.log")]
    [InlineData("Nobody")]
    [InlineData("a-name-that-is-longer-than-the-name-of-any-agent-can-be")]
    public async Task A_mark_that_is_not_the_name_of_an_agent_ends_nothing(string name)
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("bob", "process");
        await fleet.Up("bob");
        var members = fleet.Members("bob");
        using var stranger = Marked(fleet, name);
        try
        {
            await fleet.Hive.Restart();

            Assert.Equal(members, fleet.Members("bob"));
            Assert.True((await fleet.Row("bob")).Running);
            Assert.True(Fleet.IsAlive(stranger.Id));
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public async Task A_leftover_that_cannot_be_ended_keeps_neither_the_host_nor_the_others()
    {
        await using var fleet = await Fleet.Start("process");
        using var unclear = Marked(fleet, "a");
        using var gone = Marked(fleet, "b");
        try
        {
            await fleet.Hive.Restart(() =>
                // Whether that agent runs cannot be read.
                Directory.CreateDirectory(Path.Combine(fleet.Hive.DataDir, "pids", "a"))
            );

            await gone.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(Fleet.IsAlive(unclear.Id));
        }
        finally
        {
            unclear.Kill();
            gone.Kill();
        }
    }

    [Fact]
    public async Task A_host_that_an_agent_started_ends_neither_itself_nor_its_parents()
    {
        await using var host = new ChildHost("external");
        var instance = Instance.Of(HivePaths.Find(host.DataDir, host.RunDir));
        var groups = Environment.IsPrivilegedProcess
            ? new ControlGroups(instance, ControlGroups.FindKind()).Of("gone")
            : [];
        await host.Run(
            "env",
            [
                $"HIVE_CONTAINER={instance}-gone",
                "sh",
                "-c",
                """
                for group in $0; do
                    mkdir -p "$group/run" && echo $$ > "$group/run/cgroup.procs" || exit
                done
                sleep infinity &
                "$@"
                exit
                """,
                string.Join(' ', groups),
                Built.Command,
                "up",
            ]
        );

        Assert.False(host.Ended.IsCompleted);
        Assert.DoesNotContain(Fleet.Marked(host.DataDir, "gone"), Sleeps);
        // The host is a child of the process that was started, and holds its output open.
        Fleet.EndAll(host.Folder);
    }

    [Theory]
    [InlineData("a/run")]
    [InlineData("a/..")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("*")]
    public void Only_a_name_of_a_container_has_control_groups(string name) =>
        Assert.Throws<ArgumentException>(() => new ControlGroups("00000000", GroupKind.Unified).Of(name));

    private static Process Marked(Fleet fleet, string name) =>
        Process.Start(
            new ProcessStartInfo("sleep", ["infinity"])
            {
                Environment = { ["HIVE_CONTAINER"] = $"{fleet.InstanceName}-{name}" },
            }
        )!;

    private static IEnumerable<string> Hierarchies() =>
        Directory.GetDirectories("/sys/fs/cgroup").Where(folder => File.Exists($"{folder}/cgroup.procs"));

    private static bool Sleeps(int pid) => Arguments(pid) == "sleep\0infinity\0";

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
