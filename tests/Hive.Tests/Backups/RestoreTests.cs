using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hive.Common.Storage;
using Hive.Host;
using Hive.Host.Restore;
using Hive.Tests.Cli;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Hive.Tests.Messages;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Backups;

/// <summary>Restores of a backup over and beside data folders.</summary>
public sealed class RestoreTests(MadeBackup made) : IClassFixture<MadeBackup>, IDisposable
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-restore-").FullName;

    private string Data => Path.Combine(folder, "data");

    private string Made => Data + ".restoring";

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_restored_hive_has_its_agents_messages_configurations_evidence_and_notes()
    {
        Assert.Contains("its restore was tried and works", made.Outcome.Output, Ordinal);
        const string Holds = "3 agents, 3 messages";
        Assert.Contains($"It restores {Holds}", made.Outcome.Output, Ordinal);

        var told = await MadeBackup.Restore(made.File, Data);

        Assert.Contains($"Restored {made.File}, made 2026-01-31 12:00:00Z by Hive ", told, Ordinal);
        Assert.Contains(Holds, told, Ordinal);
        Assert.Contains("3 configurations, evidence of 1 ticket", told, Ordinal);
        Assert.DoesNotContain("former", told, Ordinal);
        Assert.Equal(made.Applied, Git("applied/alice", "rev-parse", "HEAD"));
        Assert.Equal("", Git("applied/alice", "status", "--porcelain"));
        Assert.Equal("second line", Git($"evidence/{made.Ticket}.git", "show", $"{made.Sha}:file"));
        Assert.Equal("remember", await Read("agents/alice/state/notes.md"));
        Assert.Equal("odd", await Read($"agents/alice/state/{MadeBackup.OddName}"));
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode($"{Data}/agents/alice/state/run.sh"));
        Assert.Contains("without 1 state file that this backup leaves out and an older one may hold", told, Ordinal);
        Assert.False(Path.Exists($"{Data}/agents/alice/state/two\nlines"));
        Assert.Equal(CommitMark.AsClosed($"{Data}/hive.sqlite"), CommitMark.Read($"{Data}/hive.sqlite"));
        Assert.Equal(0L, MadeBackup.Ask(Data, "SELECT count(*) FROM sessions"));
        Assert.Equal("for all", await Read("shared/all.md"));
        Assert.Equal("{\"AutoUpdate\": false}", await Read("hive.json"));
        Assert.False(Path.Exists($"{Data}/agents/alice/state/link"));
        Assert.Equal(["data"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName));

        await using var hive = await HiveFixture.StartIn(folder, keep: true);
        using var bob = await hive.Connect("bob");
        Assert.Equal("kept", Assert.Single(await bob.Receive()).Body);
        using var line = await hive.Operator();
        var artifact = (await line.CallAsync("artifact", new { id = 1 })).GetProperty("artifact");
        Assert.Equal(made.Sha, artifact.GetProperty("sha").GetString());
    }

    [Fact]
    public async Task A_data_folder_that_is_not_empty_is_refused_unless_it_is_to_be_replaced()
    {
        Directory.CreateDirectory(Data);
        var note = Path.Combine(Data, "note");
        await File.WriteAllTextAsync(note, "mine", TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            RestoreCommand.Run(
                made.File,
                replaces: false,
                ["--data-dir", Data, "--run-dir", Data + "-run"],
                TextWriter.Null
            )
        );
        Assert.Contains("is not empty", refused.Message, Ordinal);
        Assert.Contains("--replace", refused.Message, Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(note, TestContext.Current.CancellationToken));
        Assert.False(Path.Exists(Made));

        File.Delete(note);
        await RestoreCommand.Run(
            made.File,
            replaces: false,
            ["--data-dir", Data, "--run-dir", Data + "-run"],
            TextWriter.Null
        );
        Assert.True(File.Exists(Path.Combine(Data, "hive.sqlite")));
    }

    [Fact]
    public async Task Up_restores_over_a_data_folder_and_keeps_it_with_all_files_under_a_dated_name()
    {
        string token;
        await using (var before = await HiveFixture.StartIn(folder, keep: true))
        {
            await before.Spawn("carol");
            token = before.Token;
        }

        await using (var host = await HostProcess.StartCommand(folder, "--restore", made.File, "--replace"))
        {
            Assert.Contains("Restored ", host.Output, Ordinal);
            var kept = Assert.Single(Directory.EnumerateDirectories(folder, "data.before-*"));
            Assert.Contains($"The former data folder is kept as {kept}", host.Output, Ordinal);
            Assert.Equal("carol", MadeBackup.Ask(kept, "SELECT name FROM agents WHERE name = 'carol'"));
            Assert.Equal(token, (await Read("access-token")).Trim());
            using var line = await host.Operator();
            var names = (await line.CallAsync("list")).GetRawText();
            Assert.Contains("alice", names, Ordinal);
            Assert.DoesNotContain("carol", names, Ordinal);
            await host.Stop();
        }
    }

    [Fact]
    public async Task A_running_host_is_refused_a_restore_and_goes_on()
    {
        await using var hive = await HiveFixture.StartIn(folder, keep: true);
        Assert.Contains("another Hive", await MadeBackup.Refused(made.File, Data), Ordinal);
        await hive.Spawn("carol");
        Assert.False(Path.Exists(Made));
    }

    [Fact]
    public async Task A_file_that_is_not_a_whole_backup_is_refused_and_changes_nothing()
    {
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(Data, "precious"), "kept", TestContext.Current.CancellationToken);
        var whole = await File.ReadAllBytesAsync(made.File, TestContext.Current.CancellationToken);
        byte[] Flipped(int at) => [.. whole[..at], (byte)(whole[at] ^ 4), .. whole[(at + 1)..]];
        List<(byte[] Bytes, string Words)> files =
        [
            ([], "not a backup of Hive"),
            ("not a tar file"u8.ToArray(), "cut or damaged"),
            (new byte[20_000], "not a backup of Hive"),
        ];
        for (var i = 1; i < 16; i++)
            files.Add((whole[..(whole.Length * i / 16)], "cut or damaged"));
        // Within the content of a member, whatever the form of the headers before it.
        foreach (var text in (string[])["SQLite format 3", "remember", "# v2 git bundle", "for all", "AutoUpdate"])
            files.Add((Flipped(whole.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) + 2), "was changed"));
        files.Add((Flipped(whole.AsSpan().IndexOf("\"made_at\":\"2026"u8) + 13), "was changed"));
        foreach (var (bytes, words) in files)
        {
            var file = Path.Combine(folder, "bad.tar");
            await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
            await IsRefused(file, words);
        }

        await IsRefused(Path.Combine(folder, "missing.tar"), "cannot be read");
        await IsRefused(folder, "cannot be read");
    }

    [Fact]
    public async Task A_backup_that_is_made_to_harm_is_refused_and_changes_nothing()
    {
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(Data, "precious"), "kept", TestContext.Current.CancellationToken);
        var file = Path.Combine(folder, "bad.tar");
        (Action<JsonObject> Change, string Words)[] manifests =
        [
            (m => m["format"] = 3, "was made by a newer Hive"),
            (m => m["format"] = 1, "is not a backup of Hive"),
            (m => m["format"] = "2", "cannot be read"),
            (m => m.Remove("members"), "cannot be read"),
            (m => m["members"]![0]!["path"] = "../outside", "outside of itself"),
            (m => m["members"]![0]!["path"] = "/etc/outside", "outside of itself"),
            (m => m["members"]![0]!["path"] = "a/./b", "outside of itself"),
            (m => m["members"]![0]!["path"] = "a\0b", "outside of itself"),
            (m => m["members"]![1]!["path"] = m["members"]![0]!["path"]!.GetValue<string>(), "twice"),
            (m => m["members"]![0]!["bytes"] = long.MaxValue, "but the file has"),
            (m => m["members"]![0]!["bytes"] = -1, "but the file has"),
            (m => m["members"]![0]!["bytes"] = 1, "instead of 1"),
            (m => m["members"]![0]!["path"] = "other", "instead of other"),
            (m => m["members"]![0] = null, "incomplete"),
        ];
        foreach (var (change, words) in manifests)
        {
            await Rewrite(file, change);
            await IsRefused(file, words);
        }

        foreach (var type in (TarEntryType[])[TarEntryType.SymbolicLink, TarEntryType.HardLink])
        {
            await Rewrite(file, _ => { }, entry => entry.Name == "hive.json" ? Link(type, entry.Name) : entry);
            await IsRefused(file, "hive.json is not a regular file");
        }

        await Rewrite(file, _ => { }, extra: ("later-table.bin", "new"));
        await IsRefused(file, "which this Hive does not know");
        await Rewrite(file, _ => { }, extra: ("applied/Not A Name.bundle", "new"));
        await IsRefused(file, "an agent that cannot exist");
        await Rewrite(file, _ => { }, extra: ("applied/zed.bundle", "not a bundle"));
        await IsRefused(file, "zed.bundle cannot be restored");
        await Rewrite(file, _ => { }, extra: ("evidence/x.bundle", "not a bundle"));
        await IsRefused(file, "not a valid ticket id");
    }

    [Theory]
    [InlineData("{\"Urls\": \"nowhere\"}", "the backup/hive.json")]
    [InlineData("not JSON", "is not a JSON object")]
    public async Task A_backup_with_options_that_no_host_starts_with_is_refused(string settings, string words)
    {
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(Data, "precious"), "kept", TestContext.Current.CancellationToken);
        var file = Path.Combine(folder, "bad.tar");
        await Rewrite(file, _ => { }, changed: ("hive.json", path => File.WriteAllText(path, settings)));
        await IsRefused(file, words);
    }

    [Fact]
    public async Task A_file_that_is_not_a_plain_one_is_refused_at_once()
    {
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(Data, "precious"), "kept", TestContext.Current.CancellationToken);
        var pipe = Path.Combine(folder, "pipe");
        using (var made = System.Diagnostics.Process.Start("mkfifo", [pipe]))
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(Path.Combine(folder, "link"), pipe);
        foreach (var file in new[] { pipe, Path.Combine(folder, "link"), "/dev/zero" })
            // A host that waits for the pipe's writer waits on a thread of its own.
            await Task.Run(() => IsRefused(file, "is not a plain file"), TestContext.Current.CancellationToken)
                .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(TarEntryType.ExtendedAttributes)]
    [InlineData(TarEntryType.LongPath)]
    public async Task A_name_of_a_hundred_megabytes_is_refused_before_it_is_read(TarEntryType type)
    {
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(Data, "precious"), "kept", TestContext.Current.CancellationToken);
        const int Bytes = 100 << 20;
        var header = new byte[512];
        Encoding.ASCII.GetBytes("name").CopyTo(header, 0);
        Encoding.ASCII.GetBytes($"{Convert.ToString(Bytes, 8).PadLeft(11, '0')}").CopyTo(header, 124);
        header[156] = (byte)type;
        Encoding.ASCII.GetBytes(type == TarEntryType.LongPath ? "ustar  \0" : "ustar\u000000").CopyTo(header, 257);
        header.AsSpan(148, 8).Fill((byte)' ');
        var sum = header.Sum(b => b);
        Encoding.ASCII.GetBytes($"{Convert.ToString(sum, 8).PadLeft(6, '0')}\0 ").CopyTo(header, 148);
        var file = Path.Combine(folder, "bad.tar");
        await using (var tar = File.Create(file))
        {
            await tar.WriteAsync(header, TestContext.Current.CancellationToken);
            tar.SetLength(Bytes + 4096);
        }

        await IsRefused(file, "a name in it has over 65536 bytes");
    }

    [Theory]
    [InlineData("UPDATE schema_history SET version = 999 WHERE slice = 'agents'", "a newer Hive")]
    [InlineData("DROP TABLE messages; CREATE TABLE messages (x)", "cannot be used")]
    [InlineData("DROP TABLE agents", "no such table: agents")]
    [InlineData("PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'agents'", "is damaged")]
    public async Task A_backup_with_another_database_is_refused(string sql, string words)
    {
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(Data, "precious"), "kept", TestContext.Current.CancellationToken);
        var file = Path.Combine(folder, "bad.tar");
        await Rewrite(
            file,
            _ => { },
            changed: (
                "hive.sqlite",
                path =>
                {
                    using var db = new SqliteConnection($"Data Source={path};Pooling=False");
                    db.Open();
                    using var command = db.CreateCommand();
                    command.CommandText = sql;
                    command.ExecuteNonQuery();
                }
            )
        );
        await IsRefused(file, words);
    }

    [Fact]
    public async Task A_restore_that_ended_before_the_exchange_is_undone_by_the_next_start()
    {
        await using (var before = await HiveFixture.StartIn(folder, keep: true))
            await before.Spawn("carol");
        new RestoreSwap(Data).Begin(made.File, DateTimeOffset.UnixEpoch);
        Directory.CreateDirectory(Path.Combine(Made, "applied", "alice"));
        await using (var host = await HostProcess.StartCommand(folder))
        {
            Assert.Contains($"The restore of {made.File} was interrupted and undone", host.Output, Ordinal);
            using var line = await host.Operator();
            Assert.Contains("carol", (await line.CallAsync("list")).GetRawText(), Ordinal);
            Assert.Equal(["data"], Directory.EnumerateDirectories(folder, "data*").Select(Path.GetFileName));
            await host.Stop();
        }
    }

    [Fact]
    public async Task A_restore_that_ended_after_the_exchange_is_finished_by_the_next_start()
    {
        await using (var before = await HiveFixture.StartIn(folder, keep: true))
            await before.Spawn("carol");
        // The former folder, as a kill right after the exchange leaves it.
        var former = Data + ".former";
        Directory.Move(Data, former);
        await MadeBackup.Restore(made.File, Data);
        Directory.Move(former, Made);
        await File.WriteAllTextAsync(
            Path.Combine(Data, "restore.json"),
            $$"""{"file": "x.tar", "told": "Restored x.tar", "kept": "{{Data}}.before-1"}""",
            TestContext.Current.CancellationToken
        );
        await using (var host = await HostProcess.StartCommand(folder))
        {
            Assert.Contains("An interrupted restore was finished. Restored x.tar.", host.Output, Ordinal);
            Assert.Equal("carol", MadeBackup.Ask($"{Data}.before-1", "SELECT name FROM agents WHERE name = 'carol'"));
            Assert.False(Path.Exists(Made));
            Assert.False(Path.Exists(Path.Combine(Data, "restore.json")));
            await host.Stop();
        }
    }

    [Theory]
    [InlineData("restore.json", "not JSON")]
    [InlineData("restore.json.new", "")]
    public async Task An_unfinished_restore_without_a_readable_note_is_undone(string note, string text)
    {
        Directory.CreateDirectory(Data);
        Directory.CreateDirectory(Made);
        await File.WriteAllTextAsync(Path.Combine(Made, note), text, TestContext.Current.CancellationToken);
        Assert.Contains("was interrupted and undone", await new RestoreSwap(Data).Recover(), Ordinal);
        Assert.False(Path.Exists(Made));
        Assert.Null(await new RestoreSwap(Data).Recover());
    }

    [Fact]
    public async Task The_restored_data_folder_is_locked_until_the_restore_is_finished()
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(Data, Mode);
        var swap = new RestoreSwap(Data);
        swap.Begin(made.File, DateTimeOffset.UnixEpoch);
        using (await swap.Exchange("Restored"))
        {
            var refused = await Assert.ThrowsAsync<StartupProblem>(() => FolderLock.Take(Data, Mode, "--data-dir"));
            Assert.Contains("another Hive", refused.Message, Ordinal);
            Assert.Equal("Restored.", swap.Finish());
        }

        using var free = await FolderLock.Take(Data, Mode, "--data-dir");
    }

    [Fact]
    public async Task A_folder_of_somebody_else_beside_the_data_folder_is_never_removed()
    {
        Directory.CreateDirectory(Made);
        await File.WriteAllTextAsync(Path.Combine(Made, "x"), "mine", TestContext.Current.CancellationToken);
        Assert.Contains("move it away", await MadeBackup.Refused(made.File, Data), Ordinal);
        Assert.Equal(
            "mine",
            await File.ReadAllTextAsync(Path.Combine(Made, "x"), TestContext.Current.CancellationToken)
        );
        await using var hive = await HiveFixture.StartIn(folder, keep: true);
        Assert.True(File.Exists(Path.Combine(Made, "x")));
    }

    [Fact]
    public async Task A_restore_that_finds_the_disk_full_says_so_and_changes_nothing()
    {
        await HostProcess.RequireMounts();
        // The archive is larger than the disk, and the disk of the data folder is all that is written to.
        var script = $"""
            mount -t tmpfs -o size=256k,mode=700 tmpfs "$DATA"
            """;
        var outcome = await HostProcess.RunWithMounts(
            folder,
            script,
            ["--restore", made.File, "--data-dir", Path.Combine(folder, "disk", "data")]
        );
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("make room", outcome.Error, Ordinal);
        Assert.Contains("was not changed", outcome.Error, Ordinal);
    }

    private async Task IsRefused(string file, string words)
    {
        var refused = await MadeBackup.Refused(file, Data);
        Assert.True(refused.Contains(words, Ordinal), $"{words}: {refused}");
        Assert.Contains("was not changed", refused, Ordinal);
        Assert.False(Path.Exists(Made));
        Assert.Equal("kept", await Read("precious"));
        Assert.False(Path.Exists(Path.Combine(folder, "outside")));
    }

    // A backup with another manifest and other members, whose hashes fit.
    private async Task Rewrite(
        string to,
        Action<JsonObject> change,
        Func<PaxTarEntry, PaxTarEntry>? exchange = null,
        (string Path, string Text)? extra = null,
        (string Path, Action<string> Change)? changed = null
    )
    {
        var from = Directory.CreateTempSubdirectory("hive-rewrite-").FullName;
        try
        {
            await TarFile.ExtractToDirectoryAsync(made.File, from, overwriteFiles: false);
            var manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(from, "backup.json")))!.AsObject();
            var members = manifest["members"]!.AsArray();
            string[] names = [.. members.Select(m => m!["path"]!.GetValue<string>())];
            if (extra is { } more)
            {
                await File.WriteAllTextAsync(Path.Combine(from, more.Path), more.Text);
                members.Add(new JsonObject { ["path"] = more.Path });
                names = [.. names, more.Path];
            }

            changed?.Change(Path.Combine(from, changed.Value.Path));
            for (var i = 0; i < names.Length; i++)
            {
                var content = await File.ReadAllBytesAsync(Path.Combine(from, names[i]));
                members[i]!["bytes"] = content.Length;
                members[i]!["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content));
            }

            change(manifest);
            var first = Encoding.UTF8.GetBytes(manifest.ToJsonString());
            await using var tar = new TarWriter(File.Create(to), TarEntryFormat.Pax);
            await Add("backup.json", first);
            foreach (var name in names)
                await Add(name, await File.ReadAllBytesAsync(Path.Combine(from, name)));
            await Add("backup.sha256", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(first))));

            Task Add(string name, byte[] content)
            {
                var entry = new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) };
                return tar.WriteEntryAsync(exchange?.Invoke(entry) ?? entry);
            }
        }
        finally
        {
            Directory.Delete(from, recursive: true);
        }
    }

    private static PaxTarEntry Link(TarEntryType type, string name) => new(type, name) { LinkName = "/etc/passwd" };

    private Task<string> Read(string path) =>
        File.ReadAllTextAsync(Path.Combine(Data, path), TestContext.Current.CancellationToken);

    private string Git(string repository, params string[] arguments) =>
        Repositories.AsSomebody(Path.Combine(Data, repository), ["-c", "safe.directory=*", .. arguments]);
}
