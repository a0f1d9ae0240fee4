using System.Diagnostics;
using System.Formats.Tar;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Backups;

/// <summary>A backup of a running host, made by the command and read without Hive.</summary>
public sealed class BackupTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-backup-").FullName;

    private string Target => Path.Combine(folder, "hive.tar");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_running_host_is_backed_up_into_a_new_file_that_others_cannot_read()
    {
        await using var hive = await HiveFixture.Start();
        await File.WriteAllTextAsync(Path.Combine(hive.DataDir, "hive.json"), "{}");
        await hive.Spawn("alice", "bob");
        using var alice = await hive.Connect("alice");
        await alice.CallAsync("send", new { to = "bob", body = "before the backup" });
        // The write-ahead log is not empty, and more is written during the backup.
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            // One more is refused, which a slow machine would reach.
            for (var sent = 1; sent < Limits.MessagesOfSender && !stop.IsCancellationRequested; sent++)
                await alice.CallAsync("send", new { to = "bob", body = "during the backup" });
        });

        var outcome = await Backup(hive);
        await stop.CancelAsync();
        await writing;

        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        var told = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(Target, told.GetProperty("file").GetString());
        Assert.Equal(new FileInfo(Target).Length, told.GetProperty("bytes").GetInt64());
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Target));
        string[] members =
        [
            "backup.json",
            "backup.sha256",
            "applied/alice.bundle",
            "applied/bob.bundle",
            "applied/manager.bundle",
            "hive.json",
            "hive.sqlite",
            "meta.bundle",
            "prices.json",
        ];
        string[] holds = ["backup.json", "applied/", "hive.json", "hive.sqlite", "meta.bundle", "prices.json"];
        Assert.Equal(holds, told.GetProperty("holds").EnumerateArray().Select(h => h.GetString()));
        Assert.Equal("3 agents", told.GetProperty("restores")[0].GetString());
        // Neither the part under its temporary name nor the trial is left.
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder));

        var unpacked = Directory.CreateDirectory(Path.Combine(folder, "unpacked")).FullName;
        await TarFile.ExtractToDirectoryAsync(Target, unpacked, overwriteFiles: false);
        var files = Directory.EnumerateFiles(unpacked, "*", SearchOption.AllDirectories);
        Assert.Equivalent(members, files.Select(f => Path.GetRelativePath(unpacked, f)), strict: true);
        Assert.All(members, m => Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path.Combine(unpacked, m))));
        var database = Path.Combine(unpacked, "hive.sqlite");
        Assert.Equal("ok", Asked(database, "PRAGMA integrity_check"));
        Assert.Equal(1L, Asked(database, "SELECT count(*) FROM messages WHERE body = 'before the backup'"));
        var head = await Git(Path.Combine(hive.DataDir, "applied", "alice"), "rev-parse", "HEAD");
        var bundled = await Git(
            unpacked,
            "bundle",
            "list-heads",
            $"{unpacked}/applied/alice.bundle",
            "refs/heads/main"
        );
        Assert.StartsWith(head.Trim(), bundled, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(hive.DataDir, "tmp")));
    }

    [Fact]
    public async Task An_existing_file_is_refused_and_a_failed_backup_leaves_no_file()
    {
        await using var hive = await HiveFixture.Start();
        await File.WriteAllTextAsync(Target, "somebody's own");

        var refused = await Backup(hive);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Equal($"hive: {Target} exists and was not changed; name a new file\n", refused.Error);
        Assert.Equal("somebody's own", await File.ReadAllTextAsync(Target));

        File.Delete(Target);
        var nowhere = await Built.HiveAsync(["backup", $"{folder}/none/x.tar", "--run-dir", hive.RunDir]);
        Assert.Equal(1, nowhere.ExitCode);

        // The host cannot write its temporary files.
        var tmp = Path.Combine(hive.DataDir, "tmp");
        if (Directory.Exists(tmp))
            Directory.Delete(tmp, recursive: true);
        await File.WriteAllTextAsync(tmp, "in the way");
        var broken = await Backup(hive);
        Assert.Equal(1, broken.ExitCode);
        Assert.Contains("the backup failed", broken.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Target));

        Assert.Equal(3, (await Built.HiveAsync(["backup", Target, "--run-dir", folder])).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public async Task A_backup_onto_a_full_disk_says_so_and_leaves_nothing()
    {
        await HostProcess.RequireMounts();
        await using var hive = await HiveFixture.Start();
        var disk = Directory.CreateDirectory(Path.Combine(folder, "disk")).FullName;
        string[] command =
        [
            .. HostProcess.Namespace,
            "sh",
            "-c",
            """
                mount -t tmpfs -o size=64k,mode=700 tmpfs "$0" || exit 9
                "$@"
                code=$?
                ls -A "$0"
                exit $code
                """,
            disk,
            Built.Command,
            "backup",
            Path.Combine(disk, "hive.tar"),
            "--run-dir",
            hive.RunDir,
        ];
        using var backup = Built.Start("/usr/bin/env", command);
        var error = backup.StandardError.ReadToEndAsync();
        Assert.Equal("", await backup.StandardOutput.ReadToEndAsync());
        await backup.WaitForExitAsync();
        Assert.Equal(1, backup.ExitCode);
        Assert.Contains("No space left on device", await error, StringComparison.Ordinal);
        Assert.Contains("make room", await error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(hive.DataDir, "tmp")));
    }

    [Fact]
    public async Task A_state_file_larger_than_the_disk_is_left_out_by_name()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        string State(string agent, string name) => Path.Combine(hive.DataDir, "agents", agent, "state", name);
        using (var file = File.Create(State("alice", "holes")))
            file.SetLength(1L << 42);
        await File.WriteAllTextAsync(State("bob", "notes"), "kept");
        var outcome = await Built.HiveAsync(["backup", Target, "--with-state", "--json", "--run-dir", hive.RunDir]);
        Outcomes.Ok(outcome);
        var left = JsonElement.Parse(outcome.Output).GetProperty("left_out");
        Assert.StartsWith(
            "'agents/alice/state/holes' (4194304 MiB, ",
            Assert.Single(left.EnumerateArray()).GetString()
        );
        var restored = Path.Combine(folder, "restored");
        Assert.Contains("without 1 state file", await MadeBackup.Restore(Target, restored), StringComparison.Ordinal);
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(restored, "agents", "bob", "state", "notes")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(hive.DataDir, "tmp")));
    }

    [Fact]
    public async Task An_agent_that_fills_the_room_takes_no_room_from_the_backup_of_another()
    {
        await HostProcess.RequireMounts();
        // 68 MiB beside the reserve: alice's file fits alone, and a third of it holds bob's, not both.
        await using var host = await HostProcess.StartWithMounts(
            """mount -t tmpfs -o size=580m,mode=700 tmpfs "$DATA" """
        );
        await host.Spawn("alice", "bob");
        string State(string agent) => host.Inside(Path.Combine(host.DataDir, "agents", agent, "state", "notes"));
        foreach (var (agent, mebibytes) in new[] { ("alice", 60), ("bob", 7) })
        {
            using var file = File.Create(State(agent));
            file.SetLength((long)mebibytes << 20);
        }

        using (var holes = File.Create(State("alice") + "-holes"))
            holes.SetLength(long.MaxValue);

        var outcome = await Built.HiveAsync(["backup", Target, "--with-state", "--json", "--run-dir", host.RunDir]);
        Outcomes.Ok(outcome);
        var left = JsonElement.Parse(outcome.Output).GetProperty("left_out").EnumerateArray().ToArray();
        Assert.Equal(2, left.Length);
        Assert.Contains(left, l => l.GetString()!.StartsWith("'agents/alice/state/notes' (60 MiB, room for "));
        var restored = Path.Combine(folder, "restored");
        await MadeBackup.Restore(Target, restored);
        Assert.Equal(7 << 20, new FileInfo(Path.Combine(restored, "agents", "bob", "state", "notes")).Length);
    }

    [Fact]
    public async Task The_folder_of_a_killed_backup_is_removed_by_one_an_hour_later()
    {
        await using var hive = await HiveFixture.Start();
        var run = Directory.CreateTempSubdirectory("hive-mute-").FullName;
        await using var mute = new FakeHost(run, (_, _) => null);
        using var working = await Begun(Target + "2", 1);
        var atWork = Assert.Single(Directory.GetDirectories(folder));
        using (var killed = await Begun(Target, 2))
        {
            killed.Kill();
            await killed.WaitForExitAsync();
        }

        Outcomes.Ok(await Backup(hive));
        Assert.Equal(2, Directory.GetDirectories(folder).Length);
        File.Delete(Target);
        var before = DateTime.UtcNow - TimeSpan.FromMinutes(61);
        foreach (var entry in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(entry, before);
        foreach (var entry in Directory.GetDirectories(folder))
            Directory.SetLastWriteTimeUtc(entry, before);

        // It only looks alike.
        var others = Directory.CreateDirectory(Path.Combine(folder, ".mine.part")).FullName;
        Outcomes.Ok(await Backup(hive));
        Assert.Equal(new[] { atWork, others }.Order(), Directory.GetDirectories(folder).Order());
        working.Kill();
        await working.WaitForExitAsync();
        Directory.Delete(run, recursive: true);

        async Task<Process> Begun(string target, int files)
        {
            var backup = Built.Start(Built.Command, ["backup", target, "--run-dir", run]);
            await Patience.Until(
                () =>
                    Task.FromResult(
                        Directory.GetFiles(folder, "hive.tar", SearchOption.AllDirectories).Length == files
                    ),
                $"{target} has not begun"
            );
            return backup;
        }
    }

    [Fact]
    public async Task A_database_that_fails_its_check_makes_no_backup()
    {
        await using var hive = await HiveFixture.Start();
        using (var db = new SqliteConnection($"Data Source={Path.Combine(hive.DataDir, "hive.sqlite")};Pooling=False"))
        {
            db.Open();
            using var command = db.CreateCommand();
            command.CommandText = """
                CREATE TABLE checked (value INTEGER CHECK (value > 0));
                PRAGMA ignore_check_constraints = ON;
                INSERT INTO checked (value) VALUES (0)
                """;
            command.ExecuteNonQuery();
        }

        var outcome = await Backup(hive);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("is damaged (CHECK constraint failed in checked)", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    private Task<Outcome> Backup(HiveFixture hive) =>
        Built.HiveAsync(["backup", Target, "--json", "--run-dir", hive.RunDir]);

    private static object? Asked(string database, string sql)
    {
        using var db = new SqliteConnection($"Data Source={database};Mode=ReadOnly;Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static async Task<string> Git(string where, params string[] arguments)
    {
        using var git = Built.Start("git", ["-c", "safe.directory=*", "-C", where, .. arguments]);
        var output = await git.StandardOutput.ReadToEndAsync();
        await git.WaitForExitAsync();
        Assert.Equal(0, git.ExitCode);
        return output;
    }
}
