using Hive.Host;
using Hive.Host.Restore;
using Hive.Tests.Cli;
using Hive.Tests.Gates;
using Hive.Tests.Tasks;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Backups;

/// <summary>A backup that <c>hive backup --with-state</c> made of a host with agents, a message, a configuration and a
/// commit that was handed in.</summary>
public sealed class MadeBackup : IAsyncLifetime
{
    private const string Commits = """
        tasks:
          - type: implement_feature
            title: "Implement: {ticket_title}"
        gate:
          criteria:
            - tasks_complete: true
            - artifact: code_changes
              commit: {}
        """;

    /// <summary>A file in alice's state folder.</summary>
    public const string OddName = " 12 path=odd; \\é🐝 ";

    private readonly string folder = Directory.CreateTempSubdirectory("hive-made-").FullName;

    public string File => Path.Combine(folder, "hive.tar");

    public long Ticket { get; private set; }

    public string Sha { get; private set; } = "";

    /// <summary>The commit of alice's configuration.</summary>
    public string Applied { get; private set; } = "";

    internal Outcome Outcome { get; private set; } = new(-1, "", "");

    public async ValueTask InitializeAsync()
    {
        await using var rig = await ReviewRig.Start(Commits);
        await rig.Agent("alice", "worker");
        await rig.Hive.Spawn("bob");
        var repository = rig.Repository("alice");
        Ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        Sha = ReviewRig.Commit(repository, "second line");
        await rig.Complete(work, ReviewRig.Changes(Sha, "/agents/alice/state/shop"));
        await rig.Ended(Ticket);
        var state = Path.Combine(rig.Hive.DataDir, "agents", "alice", "state");
        await System.IO.File.WriteAllTextAsync(Path.Combine(state, "notes.md"), "remember");
        await System.IO.File.WriteAllTextAsync(Path.Combine(state, "two\nlines"), "cannot be held");
        await System.IO.File.WriteAllTextAsync(Path.Combine(state, OddName), "odd");
        await System.IO.File.WriteAllTextAsync(Path.Combine(state, "run.sh"), "true");
        System.IO.File.SetUnixFileMode(Path.Combine(state, "run.sh"), (UnixFileMode)0x1ED);
        System.IO.File.CreateSymbolicLink(Path.Combine(state, "link"), "/etc/passwd");
        Directory.CreateDirectory(Path.Combine(rig.Hive.DataDir, "shared"));
        await System.IO.File.WriteAllTextAsync(Path.Combine(rig.Hive.DataDir, "shared", "all.md"), "for all");
        await System.IO.File.WriteAllTextAsync(Path.Combine(rig.Hive.DataDir, "hive.json"), "{\"AutoUpdate\": false}");
        using (var alice = await rig.Hive.Connect("alice"))
            await alice.CallAsync("send", new { to = "bob", body = "kept" });
        Execute(rig.Hive.DataDir, "INSERT INTO sessions (key_hash, created_at, expires_at) VALUES ('00', 0, 1 << 60)");
        Applied = Git.Repositories.AsSomebody(
            Path.Combine(rig.Hive.DataDir, "applied", "alice"),
            "-c",
            "safe.directory=*",
            "rev-parse",
            "HEAD"
        );
        Outcome = await Built.HiveAsync(["backup", File, "--with-state", "--run-dir", rig.Hive.RunDir]);
        Assert.True(Outcome.ExitCode == 0, Outcome.ToString());
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Restores a backup as <c>hive up --restore</c> does before its host starts.</summary>
    /// <returns>What was told.</returns>
    internal static async Task<string> Restore(string file, string dataDir)
    {
        await using var told = new StringWriter();
        await RestoreCommand.Run(file, replaces: true, ["--data-dir", dataDir, "--run-dir", dataDir + "-run"], told);
        return told.ToString();
    }

    /// <summary>Restores a backup that is refused.</summary>
    /// <returns>The reason.</returns>
    internal static async Task<string> Refused(string file, string dataDir) =>
        (await Assert.ThrowsAsync<StartupProblem>(() => Restore(file, dataDir))).Message;

    private static void Execute(string dataDir, string sql)
    {
        using var db = new SqliteConnection($"Data Source={Path.Combine(dataDir, "hive.sqlite")};Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Asks a database that no host has open.</summary>
    internal static object? Ask(string dataDir, string sql)
    {
        using var db = new SqliteConnection($"Data Source={Path.Combine(dataDir, "hive.sqlite")};Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
