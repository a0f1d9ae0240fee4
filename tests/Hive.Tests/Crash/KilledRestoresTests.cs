using System.Diagnostics;
using Hive.Host.Restore;
using Hive.Tests.Backups;
using Hive.Tests.Cli;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Git;

namespace Hive.Tests.Crash;

/// <summary>Kills backups and restores with SIGKILL a hundred times, each at another point of their progress.</summary>
public sealed class KilledRestoresTests(MadeBackup made) : IClassFixture<MadeBackup>, IDisposable
{
    private const int Restores = 70;
    private const int Commands = 25;
    private const int Hosts = 5;

    // At the same time: most of a restore waits for programs.
    private const int Chains = 4;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-killed-").FullName;

    private string Data => Path.Combine(folder, "data");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_restore_killed_at_any_point_leaves_the_old_or_the_new_data_whole()
    {
        await using (var before = await HiveFixture.StartIn(folder, keep: true))
            await before.Spawn("carol");
        var chains = Enumerable.Range(0, Chains).Select(c => Path.Combine(folder, $"chain{c}", "data")).ToArray();
        foreach (var data in chains)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(data)!);
            await Copy(Data, data);
        }

        var ends = await Task.WhenAll(chains.Select((data, chain) => Task.Run(() => KillRestores(data, chain))));

        var (undone, done) = (ends.Sum(e => e.Undone), ends.Sum(e => e.Done));
        Assert.Equal(Restores, undone + done);
        Assert.True(undone > 5 && done > 5, $"{undone} were undone, {done} were done");
    }

    [Fact]
    public async Task A_backup_killed_at_any_point_leaves_a_whole_file_or_none_and_a_host_that_serves()
    {
        await using var host = await ChildHost.Start();
        using (var line = await host.Operator())
            await line.CallAsync("spawn", new { name = "alice", runtime = "external" });

        await Task.WhenAll(
            Enumerable
                .Range(0, Chains)
                .Select(chain =>
                    Task.Run(async () =>
                    {
                        for (var i = chain; i < Commands; i += Chains)
                            await KillCommand(host, i);
                    })
                )
        );
        for (var i = 0; i < Hosts; i++)
            await KillHost(host, i);

        using var after = await host.Operator();
        Assert.Contains("alice", (await after.CallAsync("list")).GetRawText(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(host.DataDir, "tmp")));
    }

    [Fact]
    public async Task An_agent_that_outlived_its_host_is_started_again_on_the_restored_files()
    {
        await using var host = await ChildHost.Start("process");
        using (var line = await host.Operator())
            await line.CallAsync("spawn", new { name = "worker", runtime = "process" });
        var pid = Fleet.PidIn(host.DataDir, "worker");
        var target = Path.Combine(folder, "hive.tar");
        Outcomes.Ok(await Built.HiveAsync(["backup", target, "--run-dir", host.RunDir]));
        await host.Kill();
        Assert.True(Fleet.IsAlive(pid));

        await MadeBackup.Restore(target, host.DataDir);
        await host.Run();

        Assert.False(Fleet.IsAlive(pid));
        await Patience.Until(
            () => NowOrSoon(File.Exists(Path.Combine(host.DataDir, "pids", "worker"))),
            "the agent is not started"
        );
        Assert.NotEqual(pid, Fleet.PidIn(host.DataDir, "worker"));
        Assert.Equal(0L, MadeBackup.Ask(host.DataDir, "SELECT sum(restarting) FROM containers"));
    }

    private async Task<(int Undone, int Done)> KillRestores(string data, int chain)
    {
        var (undone, done) = (0, 0);
        for (var i = chain; i < Restores; i += Chains)
        {
            // Some 150 files are unpacked; the last ones are killed after the exchange, or while the host starts.
            await KillAt(
                Built.Start(
                    Built.Host,
                    ["--restore", made.File, "--replace", "--data-dir", data, "--run-dir", data + "-run", .. Options]
                ),
                () => Entries(data + ".restoring") >= 1 + (i * 3) || Kept(data).Length > 0
            );
            var said = await RestoreCommand.Recover(data);

            Assert.False(Path.Exists(data + ".restoring"), said);
            Assert.Equal("ok", MadeBackup.Ask(data, "PRAGMA quick_check"));
            if (MadeBackup.Ask(data, "SELECT name FROM agents WHERE name = 'carol'") is "carol")
            {
                undone++;
                Assert.Empty(Kept(data));
                Assert.Null(MadeBackup.Ask(data, "SELECT name FROM agents WHERE name = 'alice'"));
                continue;
            }

            done++;
            Assert.Equal("alice", MadeBackup.Ask(data, "SELECT name FROM agents WHERE name = 'alice'"));
            var head = Repositories.AsSomebody($"{data}/applied/alice", "-c", "safe.directory=*", "rev-parse", "HEAD");
            Assert.Equal(made.Applied, head);
            var kept = Assert.Single(Kept(data));
            Assert.Equal("carol", MadeBackup.Ask(kept, "SELECT name FROM agents WHERE name = 'carol'"));
            Directory.Delete(data, recursive: true);
            Directory.Move(kept, data);
        }

        return (undone, done);
    }

    private async Task KillCommand(ChildHost host, int i)
    {
        var place = Directory.CreateDirectory(Path.Combine(folder, $"command{i}")).FullName;
        var target = Path.Combine(place, "hive.tar");
        await KillAt(
            Built.Start(Built.Command, ["backup", target, "--run-dir", host.RunDir]),
            () => PartBytes(place) >= 1 + (i * 50_000) || Trial(place) >= 1 + (i * 6) || File.Exists(target)
        );
        // The program that tries the restore ends by itself.
        await Patience.Until(() => NowOrSoon(Trial(place) == 0), "the trial has not ended");
        await IsWholeOrMissing(target);
    }

    private async Task KillHost(ChildHost host, int i)
    {
        var place = Directory.CreateDirectory(Path.Combine(folder, $"host{i}")).FullName;
        var target = Path.Combine(place, "hive.tar");
        using var command = Built.Start(Built.Command, ["backup", target, "--run-dir", host.RunDir]);
        var error = command.StandardError.ReadToEndAsync();
        var tmp = Path.Combine(host.DataDir, "tmp");
        await Patience.Until(
            () => NowOrSoon(Entries(tmp) >= 1 + (2 * i) || PartBytes(place) > 0 || command.HasExited),
            "the backup has not begun"
        );
        await host.Kill();
        await command.WaitForExitAsync();
        Assert.True(command.ExitCode is 0 or 1 or 3, await error);
        Assert.Equal(0, PartBytes(place));
        Assert.Equal(command.ExitCode == 0, File.Exists(target));
        await IsWholeOrMissing(target);
        await host.Run();
    }

    private static string[] Options => ["--urls", "http://127.0.0.1:0", "--runtime", "external"];

    private static async Task IsWholeOrMissing(string target)
    {
        if (!File.Exists(target))
            return;
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        Assert.True(await RestoreCommand.Try(target, output, error) == 0, error.ToString());
        File.Delete(target);
    }

    private static async Task KillAt(Process process, Func<bool> reached)
    {
        using (process)
        {
            _ = process.StandardError.ReadToEndAsync();
            _ = process.StandardOutput.ReadToEndAsync();
            await Patience.Until(() => NowOrSoon(reached() || process.HasExited), "the point is not reached");
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    // A look costs time that the process needs.
    private static async Task<bool> NowOrSoon(bool now)
    {
        if (!now)
            await Task.Delay(3);
        return now;
    }

    private static async Task Copy(string from, string to)
    {
        using var cp = Built.Start("cp", ["-a", from, to]);
        await cp.WaitForExitAsync();
        Assert.Equal(0, cp.ExitCode);
    }

    private static string[] Kept(string data) =>
        Directory.GetDirectories(Path.GetDirectoryName(data)!, "data.before-*");

    private static long PartBytes(string place) => Directory.EnumerateFiles(place, "*.part").Sum(Length);

    private static int Trial(string place) =>
        Directory.EnumerateDirectories(place, ".hive-trial-*").Sum(trial => 1 + Entries(trial));

    // Both may be removed while they are looked at.
    private static long Length(string file) => new FileInfo(file) is { Exists: true } found ? found.Length : 0;

    private static int Entries(string path)
    {
        try
        {
            return Directory.Exists(path)
                ? Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Count()
                : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
