using System.Text.Json;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Containers;

/// <summary>Runs the nixos runtime against a stand-in for its commands, and checks every command line and every
/// file.</summary>
public sealed class NixosTests
{
    [Fact]
    public async Task Each_verb_runs_exactly_these_command_lines()
    {
        await using var nixos = await NixosHost.Start();
        var flake = $"{nixos.DataDir}/meta";
        await Running(nixos, "manager");
        // Otherwise the manager would restart for the new agent, with command lines of its own.
        await nixos.Do("stop", new { name = "manager" });
        _ = nixos.Commands("worker");

        await nixos.Do("spawn", new { name = "worker" });
        Assert.Equal(
            [
                $"nixos-container create h-worker --flake {flake}#worker",
                "systemctl daemon-reload",
                "nixos-container start h-worker",
            ],
            nixos.Commands("worker")
        );
        Assert.Equal(("nixos", true), ((await nixos.Row("worker")).Runtime, (await nixos.Row("worker")).Running));
        var first = nixos.ContainerPid("worker");

        string[] up =
        [
            $"nixos-container update h-worker --flake {flake}#worker",
            "systemctl daemon-reload",
            "nixos-container start h-worker",
        ];
        await nixos.Do("stop", new { name = "worker" });
        Assert.Equal(["nixos-container stop h-worker"], Verbs());
        Assert.False(Fleet.IsAlive(first));
        await nixos.Do("start", new { name = "worker" });
        Assert.Equal(up, Verbs());
        await nixos.Do("restart", new { name = "worker" });
        Assert.Equal(["nixos-container stop h-worker", .. up], Verbs());
        await nixos.Do("rebuild", new { name = "worker" });
        Assert.Equal(["nixos-container stop h-worker", .. up], Verbs());
        await nixos.Do("kill", new { name = "worker" });
        Assert.Equal(["systemctl kill --signal=KILL container@h-worker.service"], Verbs());
        Assert.Equal((false, false), ((await nixos.Row("worker")).Running, (await nixos.Row("worker")).Failed));
        await nixos.Do("logs", new { name = "worker", lines = 7 });
        Assert.Equal(
            [
                "journalctl -M h-worker --lines=7 --output=cat --no-pager --quiet",
                "journalctl --unit=container@h-worker.service --lines=7 --output=cat --no-pager --quiet",
            ],
            nixos.Commands("worker")
        );

        await nixos.Do("destroy", new { name = "worker" });
        Assert.Equal(["nixos-container destroy h-worker", "systemctl daemon-reload"], nixos.Commands("worker"));
        Assert.False(Directory.Exists(Path.Combine(nixos.Root, "run/systemd/system/container@h-worker.service.d")));
        Assert.False(File.Exists(Path.Combine(nixos.Root, "etc/nixos-containers/h-worker.conf")));

        // The last lines of its log are read when it ends.
        IEnumerable<string> Verbs() =>
            nixos.Commands("worker").Where(c => !c.StartsWith("journalctl", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_files_set_the_containers_mounts_network_limits_and_harness()
    {
        await using var nixos = await NixosHost.Start();
        await nixos.Do("spawn", new { name = "worker" });

        var agent = $"{nixos.DataDir}/agents/worker";
        var conf = File.ReadAllLines(Path.Combine(nixos.Root, "etc/nixos-containers/h-worker.conf"));
        Assert.Equal(
            [
                $"FLAKE={nixos.DataDir}/meta#worker",
                "PRIVATE_NETWORK=0",
                "HOST_ADDRESS=",
                "LOCAL_ADDRESS=",
                "HOST_ADDRESS6=",
                "LOCAL_ADDRESS6=",
                "HOST_BRIDGE=",
                "AUTO_START=0",
                $"EXTRA_NSPAWN_FLAGS=\"--bind-ro={Path.GetDirectoryName(HarnessBinary.Path)}:/opt/hive "
                    + $"--bind-ro={nixos.RunDir}/agents/worker:/run/hive "
                    + $"--bind={agent}/state:/agents/worker/state --bind={agent}/home:/home/agent "
                    + $"--bind={nixos.DataDir}/shared:/shared\"",
                $"HIVE_INSTANCE={Instance.Of(HivePaths.Find(nixos.DataDir, nixos.RunDir))}",
                $"HIVE_RUN_DIR={nixos.RunDir}",
            ],
            conf
        );
        Assert.Equal(
            [
                "[Service]",
                "MemoryMax=2147483648",
                "CPUQuota=200%",
                "CPUWeight=20",
                "TasksMax=2048",
                "Restart=no",
                "[X-Hive]",
                $"Note=1 {(await nixos.Row("worker")).Note}",
            ],
            File.ReadAllLines(Path.Combine(nixos.Root, "run/systemd/system/container@h-worker.service.d/hive.conf"))
        );
        var environment = Path.Combine(nixos.RunDir, "agents/worker/harness.env");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(environment));
        Assert.Contains("HIVE_ARGUMENTS=\"serve --driver scripted\"", File.ReadAllLines(environment));
        Assert.Contains("HIVE_SOCKET=\"/run/hive/agent.sock\"", File.ReadAllLines(environment));
    }

    [Fact, Long]
    public async Task A_dead_container_is_noticed_at_once_and_a_restarted_host_adopts_running_ones()
    {
        await using var nixos = await NixosHost.Start();
        await nixos.Do("spawn", new { name = "worker" });
        var pid = nixos.ContainerPid("worker");
        var note = (await nixos.Row("worker")).Note;
        Assert.Contains("it is the machine's root", note, StringComparison.Ordinal);
        Assert.Contains("it uses the machine's network", note, StringComparison.Ordinal);
        await nixos.Kill();
        await nixos.Run();
        Assert.Equal((true, note), ((await nixos.Row("worker")).Running, (await nixos.Row("worker")).Note));
        Assert.Equal(pid, nixos.ContainerPid("worker"));

        using var host = await nixos.Operator();
        await using var rows = host.StreamAsync("subscribe_agent_status", new { }).GetAsyncEnumerator();
        Assert.True(await rows.MoveNextAsync());
        Fleet.Signal(-pid, LinuxProcess.SigKill);
        // The agent's restart policy starts it after a second, with command lines of its own.
        while (note?.Contains("signal 9", StringComparison.Ordinal) != true)
        {
            Assert.True(await rows.MoveNextAsync());
            if (rows.Current.TryGetProperty("agent_statuses", out var changed))
                note =
                    changed
                        .EnumerateArray()
                        .Where(r => r.GetProperty("name").GetString() == "worker" && r.TryGetProperty("note", out _))
                        .Select(r => r.GetProperty("note").GetString())
                        .FirstOrDefault()
                    ?? note;
        }
    }

    [Fact, Long]
    public async Task A_container_that_cannot_be_built_reports_why_and_leaves_nothing()
    {
        await using var nixos = await NixosHost.Start();
        var tooLong = await Talk.Refused(() => nixos.Do("spawn", new { name = "tencharact" }), "invalid");
        Assert.Contains("at most 9", tooLong.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(nixos.Broken, "");
        await nixos.Do("spawn", new { name = "worker" });
        var row = await nixos.Row("worker");
        Assert.Equal((false, true), (row.Running, row.Failed));
        Assert.Contains("the flake does not evaluate", row.Note, StringComparison.Ordinal);

        // Somebody else's container is left alone.
        Directory.CreateDirectory(Path.Combine(nixos.Root, "etc/nixos-containers"));
        var theirs = Path.Combine(nixos.Root, "etc/nixos-containers/h-theirs.conf");
        await File.WriteAllTextAsync(theirs, "FLAKE=/etc/nixos#theirs\n");
        await nixos.Do("spawn", new { name = "theirs" });
        Assert.Contains("was not created by this Hive", (await nixos.Row("theirs")).Note, StringComparison.Ordinal);
        await nixos.Do("destroy", new { name = "theirs", purge = true });
        Assert.Equal("FLAKE=/etc/nixos#theirs\n", await File.ReadAllTextAsync(theirs));
    }

    [Fact, Long]
    public async Task An_agent_whose_stop_failed_is_not_restarted_when_it_ends_later()
    {
        await using var nixos = await NixosHost.Start();
        await nixos.Do("spawn", new { name = "worker" });
        var pid = nixos.ContainerPid("worker");
        await File.WriteAllTextAsync(nixos.Deaf, "");
        Assert.Contains(
            "cannot be killed",
            (await Talk.Refused(() => nixos.Do("kill", new { name = "worker" }), "unavailable")).Message,
            StringComparison.Ordinal
        );
        Assert.True((await nixos.Row("worker")).Running);

        using var host = await nixos.Operator();
        await using var rows = host.StreamAsync("subscribe_agent_status", new { }).GetAsyncEnumerator();
        Assert.True(await rows.MoveNextAsync());
        Fleet.Signal(-pid, LinuxProcess.SigKill);
        while ((await nixos.Row("worker")).Running)
            Assert.True(await rows.MoveNextAsync());
        var row = await nixos.Row("worker");
        Assert.Equal((false, null), (row.Failed, row.Note));
        // After a start by hand it should run again.
        File.Delete(nixos.Deaf);
        await nixos.Do("start", new { name = "worker" });
        Assert.True((await nixos.Row("worker")).Running);
    }

    [Fact, Long]
    public async Task Agents_are_started_in_parallel_when_the_host_starts()
    {
        await using var nixos = await NixosHost.Start();
        foreach (var name in new[] { "a", "b" })
            await nixos.Do("spawn", new { name });
        var pids = new[] { "a", "b" }.Select(nixos.ContainerPid).ToArray();
        await nixos.Kill();
        foreach (var pid in pids)
            Fleet.Signal(-pid, LinuxProcess.SigKill);
        await File.WriteAllTextAsync(nixos.Held("a"), "");
        await nixos.Run();
        await Running(nixos, "b");
        Assert.False((await nixos.Row("a")).Running);
        File.Delete(nixos.Held("a"));
        await Running(nixos, "a");
    }

    [Fact, Long]
    public async Task A_call_of_a_hanging_systemd_times_out()
    {
        await using var nixos = await NixosHost.Start();
        await nixos.Do("spawn", new { name = "worker" });
        await nixos.Do("stop", new { name = "worker" });
        await File.WriteAllTextAsync(nixos.Hangs, "");
        Assert.Contains(
            "did not end within 10 s",
            (await Talk.Refused(() => nixos.Do("start", new { name = "worker" }), "unavailable")).Message,
            StringComparison.Ordinal
        );
        File.Delete(nixos.Hangs);
        await nixos.Do("start", new { name = "worker" });
        Assert.True((await nixos.Row("worker")).Running);
    }

    // The host starts it in the background, after it has answered.
    private static async Task Running(NixosHost nixos, string agent)
    {
        using var host = await nixos.Operator();
        await using var rows = host.StreamAsync("subscribe_agent_status", new { }).GetAsyncEnumerator();
        Assert.True(await rows.MoveNextAsync());
        while (await nixos.Row(agent) is { Running: false } row)
        {
            Assert.False(row.Failed, row.Note);
            Assert.True(await rows.MoveNextAsync());
        }
    }
}
