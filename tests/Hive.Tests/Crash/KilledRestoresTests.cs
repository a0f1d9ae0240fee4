using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Hive.Host.Restore;
using Hive.Tests.Backups;
using Hive.Tests.Cli;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Git;

namespace Hive.Tests.Crash;

/// <summary>Kills backups and restores with SIGKILL, at points where they are held and in the long ring at a hundred
/// points of their progress.</summary>
public sealed class KilledRestoresTests(MadeBackup made) : IClassFixture<MadeBackup>, IDisposable
{
    private const int Restores = 70;
    private const int Commands = 25;
    private const int Hosts = 5;

    // The exit code of a program that SIGKILL ended.
    private const int Killed = 128 + 9;

    // The file of a backup grows long enough to be killed on the way.
    private const int StateBytes = 8 << 20;

    // At the same time: most of a restore waits for programs.
    private const int Chains = 4;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-killed-").FullName;

    private string Data => Path.Combine(folder, "data");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_restore_killed_before_the_exchange_leaves_the_old_data()
    {
        await Prepare();
        // Carried over last: the restore waits until something opens the other end.
        var token = Path.Combine(Data, "access-token");
        File.Delete(token);
        await MakePipe(token);
        using (var restore = Restore(Data))
        {
            await using var opened = await Opened(token);
            Assert.Equal(Killed, await Kill(restore));
        }

        File.Delete(token);
        Assert.False(await IsRestored(Data));
    }

    [Fact]
    public async Task A_restore_killed_after_the_exchange_leaves_the_new_data()
    {
        await Prepare();
        Assert.Equal(Killed, await KillAt(Restore(Data), folder, () => IsExchanged(Data)));
        Assert.True(await IsRestored(Data));
    }

    [Fact]
    [Long]
    public async Task A_restore_killed_at_any_point_leaves_the_old_or_the_new_data_whole()
    {
        await Prepare();
        var chains = Enumerable.Range(0, Chains).Select(c => Path.Combine(folder, $"chain{c}", "data")).ToArray();
        foreach (var data in chains)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(data)!);
            await Copy(Data, data);
        }

        await Task.WhenAll(chains.Select((data, chain) => Task.Run(() => KillRestores(data, chain))));
    }

    [Fact]
    public async Task A_backup_killed_on_its_way_leaves_no_file_and_a_host_that_serves()
    {
        await using var host = await LargeHost();
        // Nothing of the archive is on disk, and a part of it is.
        foreach (var bytes in new[] { 0, StateBytes / 2 })
        {
            var place = Place($"passed{bytes}");
            using var relay = new Relay(place, host.RunDir, bytes);
            using var command = Backup(place, relay.RunDir);
            await Patience.UntilFiles(
                place,
                () => Work(place) is not null && (bytes == 0 || Written(place) > 0),
                "the backup has begun"
            );
            Assert.Equal(Killed, await Kill(command));
            Assert.False(File.Exists(Target(place)));
        }

        await KillInTrial(host);
        await KillHalfWay(host);
        await Serves(host);
    }

    [Fact]
    [Long]
    public async Task A_backup_killed_at_any_point_leaves_a_whole_file_or_none_and_a_host_that_serves()
    {
        await using var host = await LargeHost();
        await Task.WhenAll(Enumerable.Range(0, Chains).Select(chain => Task.Run(() => KillCommands(host, chain))));
        for (var i = 0; i < Hosts; i++)
            await KillHost(host, i);
        await Serves(host);
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

    // A data folder with the agent carol, whom the backup does not know.
    private async Task Prepare()
    {
        await using var before = await HiveFixture.StartIn(folder, keep: true);
        await before.Spawn("carol");
    }

    private Process Restore(string data) =>
        Built.Start(
            Built.Host,
            ["--restore", made.File, "--replace", "--data-dir", data, "--run-dir", data + "-run", .. Options]
        );

    // The note of a restore stands in the data folder from the exchange on, until the former one has its name.
    private static bool IsExchanged(string data) =>
        File.Exists(Path.Combine(data, "restore.json")) || Kept(data).Length > 0;

    // Recovers, and checks that the data folder is whole: the restored one if a killed restore had exchanged it, else
    // the former one.
    private async Task<bool> IsRestored(string data)
    {
        var isExchanged = IsExchanged(data);
        var said = await RestoreCommand.Recover(data);
        Assert.False(Path.Exists(data + ".restoring"), said);
        Assert.Equal("ok", MadeBackup.Ask(data, "PRAGMA quick_check"));
        Assert.Equal(
            isExchanged ? "alice" : null,
            MadeBackup.Ask(data, "SELECT name FROM agents WHERE name = 'alice'")
        );
        Assert.Equal(
            isExchanged ? null : "carol",
            MadeBackup.Ask(data, "SELECT name FROM agents WHERE name = 'carol'")
        );
        if (!isExchanged)
        {
            Assert.Empty(Kept(data));
            return false;
        }

        var head = Repositories.AsSomebody($"{data}/applied/alice", "-c", "safe.directory=*", "rev-parse", "HEAD");
        Assert.Equal(made.Applied, head);
        var kept = Assert.Single(Kept(data));
        Assert.Equal("carol", MadeBackup.Ask(kept, "SELECT name FROM agents WHERE name = 'carol'"));
        return true;
    }

    private async Task KillRestores(string data, int chain)
    {
        for (var i = chain; i < Restores; i += Chains)
        {
            // Some 150 files are unpacked; the last ones are killed after the exchange, or while the host starts.
            await KillAt(
                Restore(data),
                Path.GetDirectoryName(data)!,
                () => Entries(data + ".restoring") >= 1 + (i * 3) || Kept(data).Length > 0
            );
            if (!await IsRestored(data))
                continue;
            Directory.Delete(data, recursive: true);
            Directory.Move(Assert.Single(Kept(data)), data);
        }
    }

    // A host with an agent whose state is large.
    private static async Task<ChildHost> LargeHost()
    {
        var host = await ChildHost.Start();
        using (var line = await host.Operator())
            await line.CallAsync("spawn", new { name = "alice", runtime = "external" });
        await File.WriteAllBytesAsync(
            Path.Combine(host.DataDir, "agents", "alice", "state", "large"),
            RandomNumberGenerator.GetBytes(StateBytes)
        );
        return host;
    }

    private static async Task Serves(ChildHost host)
    {
        using var line = await host.Operator();
        Assert.Contains("alice", (await line.CallAsync("list")).GetRawText(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(host.DataDir, "tmp")));
    }

    private string Place(string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;

    private static string Target(string place) => Path.Combine(place, "hive.tar");

    private static Process Backup(string place, string runDir, params (string Name, string Value)[] environment) =>
        Built.Start(Built.Command, ["backup", Target(place), "--with-state", "--run-dir", runDir], environment);

    // The restore is tried with a git that waits until something opens the other end of a pipe.
    private async Task KillInTrial(ChildHost host)
    {
        var place = Place("trial");
        var tools = Directory.CreateDirectory(Path.Combine(place, "tools")).FullName;
        var (git, pipe) = (Path.Combine(tools, "git"), Path.Combine(tools, "pipe"));
        var path = Environment.GetEnvironmentVariable("PATH");
        await MakePipe(pipe);
        await File.WriteAllTextAsync(
            git,
            $"""
            #!/bin/sh
            [ ! -p '{pipe}' ] || cat '{pipe}'
            PATH='{path}' exec git "$@"

            """
        );
        File.SetUnixFileMode(git, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using (var command = Backup(place, host.RunDir, ("PATH", $"{tools}:{path}")))
        {
            await using var opened = await Opened(pipe);
            Assert.NotEqual(0, Trial(place));
            Assert.Equal(Killed, await Kill(command));
            File.Delete(pipe);
        }

        await TrialEnds(place);
        Assert.False(File.Exists(Target(place)));
    }

    // The host is killed when a part of the archive has arrived.
    private async Task KillHalfWay(ChildHost host)
    {
        var place = Place("host");
        using var relay = new Relay(place, host.RunDir, StateBytes / 2);
        using var command = Backup(place, relay.RunDir);
        await Patience.UntilFiles(place, () => Written(place) > 0, "a part of the archive has arrived");
        await host.Kill();
        relay.Dispose();
        await command.WaitForExitAsync();
        Assert.NotEqual(0, command.ExitCode);
        Assert.Null(Work(place));
        Assert.False(File.Exists(Target(place)));
        await host.Run();
    }

    private async Task KillCommands(ChildHost host, int chain)
    {
        const int Moments = 4;
        for (var i = chain; i < Commands; i += Chains)
        {
            var (place, progress) = (Place($"command{i}"), i / Moments);
            var trialSeen = false;
            await KillAt(
                Backup(place, host.RunDir),
                place,
                () =>
                {
                    var trial = Trial(place);
                    trialSeen |= trial > 0;
                    return (i % Moments) switch
                    {
                        0 => progress % 2 == 0 || Work(place) is not null,
                        1 => trialSeen || Written(place) > progress * (StateBytes / Commands * Moments),
                        2 => trial > progress * 10,
                        _ => trialSeen && trial == 0,
                    };
                }
            );
            await TrialEnds(place);
            await IsWholeOrMissing(Target(place));
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

    private static async Task KillHost(ChildHost host, int i)
    {
        var place = Directory.CreateDirectory(Path.Combine(host.Folder, $"host{i}")).FullName;
        using var command = Backup(place, host.RunDir);
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
        Assert.Equal(command.ExitCode == 0, File.Exists(Target(place)));
        await IsWholeOrMissing(Target(place));
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

    private static async Task<int> KillAt(Process process, string place, Func<bool> reached)
    {
        using (process)
        {
            _ = process.StandardError.ReadToEndAsync();
            _ = process.StandardOutput.ReadToEndAsync();
            await Patience.UntilFiles(place, reached, "the point is reached", process.WaitForExitAsync());
            return await Kill(process);
        }
    }

    private static async Task<int> Kill(Process process)
    {
        process.Kill();
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static async Task MakePipe(string path)
    {
        using var mkfifo = Built.Start("mkfifo", [path]);
        await mkfifo.WaitForExitAsync();
        Assert.Equal(0, mkfifo.ExitCode);
    }

    // The end of a pipe to write into, when something has opened the other one: it waits until this is closed.
    private static Task<FileStream> Opened(string pipe) =>
        Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            .WaitAsync(TimeSpan.FromSeconds(60));

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

    /// <summary>Stands between a command and the host, and passes only the first bytes of the host's answer
    /// on.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly Socket host = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private Socket? command;

        /// <param name="place">The folder in which the command gets its run folder.</param>
        /// <param name="runDir">The run folder of the host.</param>
        /// <param name="bytes">How many bytes are passed on.</param>
        public Relay(string place, string runDir, int bytes)
        {
            RunDir = Directory.CreateDirectory(Path.Combine(place, "run")).FullName;
            listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(RunDir, "host.sock")));
            listener.Listen();
            host.Connect(new UnixDomainSocketEndPoint(Path.Combine(runDir, "host.sock")));
            _ = Pass(bytes);
        }

        public string RunDir { get; }

        public void Dispose()
        {
            listener.Dispose();
            host.Dispose();
            command?.Dispose();
        }

        private async Task Pass(int bytes)
        {
            command = await listener.AcceptAsync();
            await using var asked = new NetworkStream(command);
            await using var answered = new NetworkStream(host);
            var buffer = new byte[4096];
            var asking = asked.CopyToAsync(answered);
            for (var passed = 0; passed < bytes; )
            {
                var read = await answered.ReadAsync(buffer.AsMemory(0, Math.Min(buffer.Length, bytes - passed)));
                if (read == 0)
                    break;
                await asked.WriteAsync(buffer.AsMemory(0, read));
                passed += read;
            }

            // Until the command has ended.
            await asking;
            Dispose();
        }
    }
}
