using System.Diagnostics;
using System.Security.Cryptography;
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

    // The file of a backup grows long enough to be killed on the way.
    private const int StateBytes = 8 << 20;

    // At the same time: most of a restore waits for programs.
    private const int Chains = 4;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-killed-").FullName;

    /// <summary>The steps of a backup, in their order.</summary>
    private enum Stage
    {
        /// <summary>Nothing of the archive is on disk.</summary>
        Started,

        /// <summary>A part of the archive is, or all of it.</summary>
        Written,

        /// <summary>Its restore is tried.</summary>
        Tried,

        /// <summary>The trial has ended, and the file has not got its name.</summary>
        Unnamed,

        /// <summary>The file is complete.</summary>
        Complete,
    }

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
        await File.WriteAllBytesAsync(
            Path.Combine(host.DataDir, "agents", "alice", "state", "large"),
            RandomNumberGenerator.GetBytes(StateBytes)
        );

        var chains = await Task.WhenAll(
            Enumerable.Range(0, Chains).Select(chain => Task.Run(() => KillCommands(host, chain)))
        );
        var interrupted = 0;
        for (var i = 0; i < Hosts; i++)
            interrupted += await KillHost(host, i) ? 1 : 0;

        var hits = chains.SelectMany(hit => hit).CountBy(hit => hit).ToDictionary();
        var told = string.Join(", ", hits.OrderBy(hit => hit.Key).Select(hit => $"{hit.Value} {hit.Key}"));
        Assert.True(hits.GetValueOrDefault(Stage.Complete) < Commands / 2, told);
        Assert.All([Stage.Started, Stage.Written, Stage.Tried], stage => Assert.True(hits.ContainsKey(stage), told));
        Assert.True(interrupted > Hosts / 2, $"{interrupted} backups were interrupted by the end of the host");

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
        await Patience.UntilFiles(
            host.DataDir,
            () => File.Exists(Path.Combine(host.DataDir, "pids", "worker")),
            "the agent is started"
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
                Path.GetDirectoryName(data)!,
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

    private async Task<List<Stage>> KillCommands(ChildHost host, int chain)
    {
        List<Stage> hits = [];
        for (var i = chain; i < Commands; i += Chains)
            hits.Add(await KillCommand(host, i));
        return hits;
    }

    /// <returns>The step at which the backup was killed.</returns>
    private async Task<Stage> KillCommand(ChildHost host, int i)
    {
        const int Moments = 4;
        var place = Directory.CreateDirectory(Path.Combine(folder, $"command{i}")).FullName;
        var target = Path.Combine(place, "hive.tar");
        var progress = i / Moments;
        var trialSeen = false;
        await KillAt(
            Built.Start(Built.Command, ["backup", target, "--with-state", "--run-dir", host.RunDir]),
            place,
            () =>
            {
                var stage = At();
                return (i % Moments) switch
                {
                    0 => progress % 2 == 0 || Work(place) is not null,
                    1 => stage > Stage.Written || Written(place) > progress * (StateBytes / Commands * Moments),
                    2 => stage > Stage.Tried || Trial(place) > progress * 10,
                    _ => stage >= Stage.Unnamed,
                };
            }
        );
        var hit = At();
        await TrialEnds(place);
        await IsWholeOrMissing(target);
        return hit;

        Stage At()
        {
            if (File.Exists(target))
                return Stage.Complete;
            var isTried = Trial(place) > 0;
            trialSeen |= isTried;
            return isTried ? Stage.Tried
                : trialSeen ? Stage.Unnamed
                : Written(place) > 0 ? Stage.Written
                : Stage.Started;
        }
    }

    // The program that tries the restore ends by itself when the command is killed.
    private static async Task TrialEnds(string place)
    {
        await Patience.UntilFiles(place, () => Trial(place) == 0, "the trial has ended");
        await Patience.Until(
            () => Task.FromResult(Fleet.Processes(place + '/') is []),
            "the program of the trial has ended"
        );
        Assert.Equal(0, Trial(place));
    }

    /// <returns>Whether the backup was interrupted.</returns>
    private static async Task<bool> KillHost(ChildHost host, int i)
    {
        var place = Directory.CreateDirectory(Path.Combine(host.Folder, $"host{i}")).FullName;
        var target = Path.Combine(place, "hive.tar");
        using var command = Built.Start(Built.Command, ["backup", target, "--with-state", "--run-dir", host.RunDir]);
        var error = command.StandardError.ReadToEndAsync();
        var tmp = Path.Combine(host.DataDir, "tmp");
        await Patience.UntilFiles(
            host.Folder,
            () => Entries(tmp) >= 1 + (3 * i) || Written(place) > 0,
            "the backup has begun",
            command.WaitForExitAsync()
        );
        await host.Kill();
        await command.WaitForExitAsync();
        Assert.True(command.ExitCode is 0 or 1 or 3, await error);
        Assert.Null(Work(place));
        Assert.Equal(command.ExitCode == 0, File.Exists(target));
        await IsWholeOrMissing(target);
        await host.Run();
        return command.ExitCode != 0;
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

    private static async Task KillAt(Process process, string place, Func<bool> reached)
    {
        using (process)
        {
            _ = process.StandardError.ReadToEndAsync();
            _ = process.StandardOutput.ReadToEndAsync();
            await Patience.UntilFiles(place, reached, "the point is reached", process.WaitForExitAsync());
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task Copy(string from, string to)
    {
        using var cp = Built.Start("cp", ["-a", from, to]);
        await cp.WaitForExitAsync();
        Assert.Equal(0, cp.ExitCode);
    }

    private static string[] Kept(string data) =>
        Directory.GetDirectories(Path.GetDirectoryName(data)!, "data.before-*");

    // The hidden folder in which a backup is made.
    private static string? Work(string place) => Directory.EnumerateDirectories(place, ".*.part").SingleOrDefault();

    private static long Written(string place) =>
        Work(place) is { } work && new FileInfo(Path.Combine(work, "hive.tar")) is { Exists: true } file
            ? file.Length
            : 0;

    private static int Trial(string place) => Entries(place, "/.hive-trial-");

    private static int Entries(string path, string with = "/")
    {
        try
        {
            return Directory.Exists(path)
                ? Directory
                    .EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories)
                    .Count(entry => entry.Contains(with, StringComparison.Ordinal))
                : 0;
        }
        catch (IOException)
        {
            // A folder was removed in the meantime.
            return 0;
        }
    }
}
