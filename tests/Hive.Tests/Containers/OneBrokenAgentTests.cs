using System.Globalization;
using Dapper;
using Hive.Common.Linux;
using Hive.Common.Storage;
using Hive.Runtimes;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests that a fault of one agent, existing or destroyed, is reported and affects neither the host nor other
/// agents.</summary>
public sealed class OneBrokenAgentTests
{
    private static readonly TimeSpan Sweep = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_pid_file_that_names_a_thread_does_not_keep_the_host_from_starting()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        await fleet.Do("kill", new { name = "worker" });
        var file = Path.Combine(fleet.Hive.DataDir, "pids", "worker");
        Assert.False(File.Exists(file));

        var thread = Directory
            .EnumerateDirectories("/proc/self/task")
            .Select(t => int.Parse(Path.GetFileName(t), CultureInfo.InvariantCulture))
            .First(t => t != Environment.ProcessId);
        await fleet.Hive.Restart(() =>
            File.WriteAllText(
                file,
                $"{thread} 1 {File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()} 0\n{fleet.Hive.RunDir}\n"
            )
        );

        Assert.False((await fleet.Row("worker")).Running);
        await fleet.Do("start", new { name = "worker" });
        Assert.True((await fleet.Row("worker")).Running);
        Assert.NotEqual(thread, fleet.Pid("worker"));
    }

    [Fact]
    public async Task An_orphan_that_cannot_be_removed_blocks_nothing_and_its_removal_is_retried()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        var (pids, logs) = (Path.Combine(hive.DataDir, "pids"), Path.Combine(hive.DataDir, "logs"));
        var pid = fleet.Pid("worker");
        await hive.Restart(() =>
        {
            foreach (var ghost in new[] { "a-ghost", "ghost" })
                File.WriteAllText(Path.Combine(pids, ghost), "");
            Directory.CreateDirectory(Path.Combine(logs, "a-ghost.log"));
        });
        Assert.False(File.Exists(Path.Combine(pids, "ghost")));
        Assert.True(File.Exists(Path.Combine(pids, "a-ghost")));
        var row = await fleet.Row("worker");
        Assert.True(row.Running);
        Assert.Equal(pid, fleet.Pid("worker"));
        Assert.DoesNotContain("state unknown", row.Note, StringComparison.Ordinal);

        Directory.Delete(Path.Combine(logs, "a-ghost.log"));
        hive.Clock.Advance(Sweep);
        await Gone(Path.Combine(pids, "a-ghost"));
        await fleet.Do("stop", new { name = "worker" });
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_shown_on_its_agents_row_and_affects_no_other()
    {
        await using var fleet = await Fleet.Start("process");
        var hive = fleet.Hive;
        await hive.Spawn("alice", "bob");
        await fleet.Spawn("worker", "process");
        var state = Path.Combine(hive.DataDir, "agents", "alice", "state");
        await hive.Restart(() =>
        {
            Directory.Delete(state, recursive: true);
            File.WriteAllText(state, "in the way");
        });
        Assert.Contains(state, (await fleet.Row("alice")).Note, StringComparison.Ordinal);
        Assert.True((await fleet.Row("worker")).Running);
        await (await hive.Connect("manager")).Send("bob");
        Assert.Single(await (await hive.Connect("bob")).Receive());
        File.Delete(state);
        await fleet.Do("rebuild", new { name = "alice" });
        Assert.True(Directory.Exists(state));
        Assert.Null((await fleet.Row("alice")).Note);
        await (await hive.Connect("manager")).Send("alice");
        Assert.Single(await (await hive.Connect("alice")).Receive());
    }

    [Fact]
    public async Task A_creation_that_cannot_be_undone_does_not_keep_the_host_from_starting()
    {
        Requires.That(Environment.IsPrivilegedProcess, "needs root, to mount a file system");
        await using var hive = await HiveFixture.Start();
        var folder = Path.Combine(hive.DataDir, "agents", "bob");
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                write.Db.Execute("INSERT INTO creations (agent, revived, configured) VALUES ('bob', 0, 0)")
            );
        Directory.CreateDirectory(folder);
        // What is mounted cannot be moved.
        Requires.That(
            LibC.Mount("tmpfs", folder, "tmpfs", 0, "mode=700") == 0,
            "needs the right to mount a file system"
        );
        try
        {
            await hive.Restart();
            Assert.True(Directory.Exists(folder));
            await hive.Spawn("alice");
        }
        finally
        {
            _ = LibC.Unmount(folder, 0);
        }

        await hive.Restart();
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task An_agent_is_destroyed_even_if_its_container_cannot_be_removed()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process", start: false);
        var obstacle = Directory.CreateDirectory(Path.Combine(hive.DataDir, "logs", "worker.log")).FullName;
        var older = obstacle + ".1";
        File.WriteAllText(older, "printed long ago");
        await fleet.Do("destroy", new { name = "worker", purge = true });
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "agents", "worker")));
        Assert.False(Path.Exists(Path.GetDirectoryName(hive.AgentSocket("worker"))));
        Assert.True(File.Exists(older));

        // The next host remembers it too.
        await hive.Restart();
        Assert.True(File.Exists(older));
        Directory.Delete(obstacle);
        hive.Clock.Advance(Sweep);
        await Gone(older);
    }

    [Fact]
    public async Task A_verb_on_several_agents_names_those_that_failed_and_finishes_the_others()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        using var host = await hive.Operator();
        foreach (var name in new[] { "other", "worker" })
            await host.CallAsync(
                "spawn",
                new
                {
                    name,
                    runtime = "process",
                    start = false,
                }
            );
        var refused = await Talk.Refused(
            () => host.CallAsync("start", new { scope = new { agent_names = new[] { "other", "alice", "worker" } } }),
            "conflict"
        );
        try
        {
            Assert.Contains("alice is external", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("worker", refused.Message, StringComparison.Ordinal);
            Assert.All(
                (await host.CallAsync("agent_status"))
                    .GetProperty("agent_statuses")
                    .EnumerateArray()
                    .Where(r => r.GetProperty("runtime").GetString() == "process"),
                r => Assert.True(r.GetProperty("running").GetBoolean())
            );
        }
        finally
        {
            await host.CallAsync("kill", new { scope = new { agent_names = new[] { "other", "worker" } } });
        }
    }

    private static Task Gone(string path) =>
        Patience.Until(() => Task.FromResult(!Path.Exists(path)), $"{path} is removed");
}
