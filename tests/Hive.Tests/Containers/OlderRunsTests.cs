using Hive.Protocol;
using Hive.Runtimes;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Containers;

/// <summary>Tests what a host says about the isolation of agents that an earlier host started.</summary>
public sealed class OlderRunsTests
{
    [Fact]
    public async Task A_run_that_an_older_Hive_started_says_so_until_it_is_restarted()
    {
        await using var fleet = await Fleet.Start("sandbox");
        await fleet.Spawn("worker", "sandbox");
        await fleet.Up("worker");
        var weakness = (await fleet.Row("worker")).Note;
        // An older Hive wrote two lines.
        var file = Path.Combine(fleet.Hive.DataDir, "pids", "worker");
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal(3, lines.Length);
        await File.WriteAllTextAsync(file, $"{lines[0]}\n{lines[1]}\n");
        await fleet.Hive.Restart();
        var row = await fleet.Row("worker");
        Assert.Equal((true, RunNote.Older), (row.Running, row.Note));
        using (var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket))
            Assert.Contains(
                (await host.CallAsync("doctor")).GetProperty("findings").EnumerateArray(),
                f =>
                    f.GetProperty("name").GetString() == "worker"
                    && f.GetProperty("advice").GetString() == "Restart it: hive restart worker"
            );
        await fleet.Do("restart", new { scope = new { agent_names = new[] { "worker" } } });
        Assert.Equal(weakness, (await fleet.Row("worker")).Note);
    }

    [Fact, Long]
    public async Task Every_start_writes_its_own_filter_of_system_calls()
    {
        Requires.Filter();
        await using var fleet = await Fleet.Start("nspawn");
        await fleet.Spawn("worker", "nspawn");
        await fleet.Up("worker");
        var file = Path.Combine(fleet.Hive.DataDir, "launch", "worker.bundle", "config.json");
        var filter = await File.ReadAllTextAsync(file);
        // As an older profile would leave it.
        await File.WriteAllTextAsync(file, "{}");
        await fleet.Do("restart", new { scope = new { agent_names = new[] { "worker" } } });
        Assert.Equal(filter, await File.ReadAllTextAsync(file));
        await fleet.Do("destroy", new { name = "worker" });
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task An_adopted_run_shows_what_it_got_and_not_what_its_agent_yaml_asks_for_now()
    {
        await using var fleet = await Fleet.Start("sandbox");
        fleet.Configure("worker", "network: host\n");
        await fleet.Spawn("worker", "sandbox");
        await fleet.Up("worker");
        fleet.Configure("worker", "network: outbound\n");
        await fleet.Hive.Restart();
        var row = await fleet.Row("worker");
        Assert.True(row.Running);
        Assert.Contains("it uses the machine's network", row.Note, StringComparison.Ordinal);
    }
}
