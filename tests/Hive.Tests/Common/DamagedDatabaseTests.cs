using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Host;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Common;

/// <summary>With any damage to the database's files, a host either starts with all commits or names the reason why
/// not.</summary>
public sealed class DamagedDatabaseTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-").FullName;

    private string Data => Path.Combine(folder, "data");

    private string Database => Path.Combine(Data, "hive.sqlite");

    private string Log => Database + "-wal";

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    [Sampled]
    public async Task After_a_kill_a_missing_or_damaged_WAL_is_refused_and_nothing_changes()
    {
        await KillOneWithAgents();
        var whole = await File.ReadAllBytesAsync(Log);
        var before = await File.ReadAllBytesAsync(Database);
        // A frame is 24 bytes and a page. Frames behind those of the last commit are left over from before.
        var half = 32 + (int)(CommitMark.Read(Database).Frames / 2 * (24 + 4096));
        byte[] Changed(int at) => [.. whole[..at], (byte)~whole[at], .. whole[(at + 1)..]];
        (string Words, byte[]? Log)[] damages =
        [
            ("is missing", null),
            ("is empty", []),
            ("is damaged at the beginning", whole[..31]),
            ("is damaged at the beginning", Changed(17)),
            ("is damaged", whole[..half]),
            ("is damaged", whole[..(half + 100)]),
            ("is damaged", Changed(half + 100)),
            ("is damaged", [.. whole[..32], .. new byte[whole.Length - 32]]),
        ];
        foreach (var (words, damaged) in Ring.Sample(damages, 3))
        {
            File.Delete(Log);
            if (damaged is not null)
                await File.WriteAllBytesAsync(Log, damaged);
            var refused = await Refused();
            Assert.Contains(words, refused, StringComparison.Ordinal);
            Assert.Contains(Log, refused, StringComparison.Ordinal);
            Assert.Contains("backup", refused, StringComparison.Ordinal);
            Assert.Contains("--accept-loss", refused, StringComparison.Ordinal);
            Assert.Equal(before, await File.ReadAllBytesAsync(Database));
            Assert.Equal(damaged, File.Exists(Log) ? await File.ReadAllBytesAsync(Log) : null);
        }

        await File.WriteAllBytesAsync(Log, whole);
        var host = await HostProcess.Start(folder);
        Assert.Contains("a full check found no damage", host.Output, StringComparison.Ordinal);
        using var bob = await host.Agent("bob");
        Assert.Equal("kept", (await bob.CallAsync("recv")).GetProperty("messages")[0].GetProperty("body").GetString());
        await host.Stop();
        var again = await HostProcess.Start(folder);
        await again.Stop();
        Assert.DoesNotContain("it was checked", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accept_loss_starts_without_the_lost_commits()
    {
        await KillOneWithAgents();
        File.Delete(Log);
        await Refused();
        var host = await HostProcess.Start(folder, "--AcceptLoss", "true");
        await host.Stop();
        host = await HostProcess.Start(folder);
        await host.Stop();
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("without a roster")]
    public async Task A_database_without_the_agents_of_its_data_folder_is_refused(string how)
    {
        await StopOneWithAgents();
        if (how == "without a roster")
            Execute("DROP TABLE agents");
        else
            File.Delete(Database);
        if (how == "empty")
            await File.WriteAllBytesAsync(Database, []);
        File.Delete(Database + "-commits");
        var refused = await Refused();
        Assert.Contains("--accept-loss", refused, StringComparison.Ordinal);
        File.Delete(Database);
        await using var accepted = await StartHere("--AcceptLoss", "true");
        Assert.DoesNotContain(
            "alice",
            (await accepted.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Select(a => a.GetProperty("name").GetString())
        );
    }

    [Fact]
    [Long]
    public async Task A_damaged_database_is_refused_with_a_reason_or_served_whole()
    {
        await StopOneWithAgents();
        var whole = await File.ReadAllBytesAsync(Database);
        const int page = 4096;
        var random = Ring.Random();
        List<byte[]> damages =
        [
            whole[..1],
            whole[..100],
            whole[..5000],
            whole[..(page * 3)],
            whole[..(whole.Length - 1)],
            whole[..(whole.Length / 2)],
        ];
        foreach (var zeroed in (int[])[0, 1, 4, 9, 19, (whole.Length / page) - 1])
            damages.Add([.. whole[..(zeroed * page)], .. new byte[page], .. whole[((zeroed + 1) * page)..]]);
        var fixedDamages = damages.Count;
        for (var i = 0; i < 8; i++)
        {
            byte[] flipped = [.. whole];
            for (var n = 0; n < 20; n++)
                flipped[random.Next(i < 4 ? page : flipped.Length)] ^= (byte)(1 << random.Next(8));
            damages.Add(flipped);
        }

        List<int> served = [];
        foreach (var (i, damaged) in damages.Index())
        {
            await File.WriteAllBytesAsync(Database, damaged);
            try
            {
                await using var host = await StartHere();
                using var answer = await host.Http().GetAsync("/dashboard/history");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                served.Add(i);
            }
            catch (StartupProblem refused)
            {
                Assert.Contains(Database, refused.Message, StringComparison.Ordinal);
                Assert.Contains("backup", refused.Message, StringComparison.Ordinal);
                // What SQLite takes is found later, when the schema may have been brought up to date.
                if (refused.InnerException is not UnreadableDataException)
                    Assert.Equal(damaged, await File.ReadAllBytesAsync(Database));
            }

            foreach (var beside in Directory.EnumerateFiles(Data, "hive.sqlite-*"))
                File.Delete(beside);
        }

        // What lacks its last byte is served: SQLite reads it as zero.
        Assert.Equal([4], served.Where(i => i < fixedDamages));
    }

    [Fact]
    [Sampled]
    public async Task Rows_of_wrong_types_are_refused_with_a_reason_or_served()
    {
        await StopOneWithAgents();
        var whole = await File.ReadAllBytesAsync(Database);
        string[] values = ["'{'", "x'ff00'"];
        var wrong = Columns().SelectMany(of => values.Select(value => (of.Table, of.Columns, Value: value)));
        foreach (var (table, columns, value) in Ring.Sample(wrong, 15))
        {
            await File.WriteAllBytesAsync(Database, whole);
            Execute($"UPDATE OR IGNORE {table} SET {string.Join(", ", columns.Select(c => $"{c} = {value}"))}");
            try
            {
                await using var host = await StartHere();
            }
            catch (StartupProblem refused)
            {
                Assert.Contains(Database, refused.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Wrong_types_or_broken_JSON_in_a_message_break_neither_history_nor_recv()
    {
        await StopOneWithAgents(messages: 4);
        Execute(
            """
            UPDATE messages
            SET file_refs = '{', sent_at = 'yesterday', broadcast = 'no', attempts = 'many', in_reply_to = 'x'
            WHERE id = 1
            """
        );
        Execute(
            """
            UPDATE messages
            SET file_refs = '[1, null]', body = x'ff00', sender = 7, sent_at = 9223372036854775807, last_error = 1.5
            WHERE id = 2
            """
        );
        Execute("UPDATE messages SET file_refs = 'null', available_at = 'soon', turn = 'none' WHERE id = 3");
        await using var host = await StartHere();
        var history = await host.Http().GetFromJsonAsync<JsonElement>("/dashboard/history");
        Assert.Equal(
            [1, 2, 3, 4],
            history.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("id").GetInt32())
        );
        var bob = await host.Connect("bob");
        var received = (await bob.CallAsync("recv", new { max = 32, wait_seconds = 0 })).GetProperty("messages");
        Assert.Equal([1, 2, 3, 4], received.EnumerateArray().Select(m => m.GetProperty("id").GetInt32()));
        Assert.Equal(4, (await bob.CallAsync("ack", new { all = true })).GetProperty("acked").GetInt32());
        Assert.Equal(4, (await bob.CallAsync("recent")).GetProperty("rows").GetArrayLength());
        await host.State();
    }

    private Task<HiveFixture> StartHere(params string[] arguments) =>
        HiveFixture.StartIn(folder, keep: true, arguments);

    private async Task<string> Refused()
    {
        var refused = await HostProcess.Refused(HostProcess.Arguments(folder));
        Assert.Equal(1, refused.ExitCode);
        Assert.DoesNotContain("   at ", refused.Error, StringComparison.Ordinal);
        return refused.Error;
    }

    // Both agents and the message are only in the WAL: a reader with an older snapshot keeps an idle host from
    // checkpointing them.
    private async Task KillOneWithAgents()
    {
        var host = await HostProcess.Start(folder);
        byte[][] files;
        await using (var reader = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False"))
        {
            reader.Open();
            await using var before = reader.BeginTransaction(deferred: true);
            using var command = reader.CreateCommand();
            command.CommandText = "SELECT count(*) FROM agents";
            _ = command.ExecuteScalar();
            await host.Spawn("alice", "bob");
            using (var alice = await host.Agent("alice"))
                await alice.CallAsync("send", new { to = "bob", body = "kept" });
            host.Kill();
            await host.Exit();
            files = [.. await Task.WhenAll(new[] { Database, Log }.Select(f => File.ReadAllBytesAsync(f)))];
        }

        // The files as the kill left them, whatever the reader's close did to them.
        await File.WriteAllBytesAsync(Database, files[0]);
        await File.WriteAllBytesAsync(Log, files[1]);
    }

    private async Task StopOneWithAgents(int messages = 1)
    {
        await using var host = await StartHere();
        await host.Spawn("alice", "bob");
        var alice = await host.Connect("alice");
        for (var i = 0; i < messages; i++)
            await alice.CallAsync("send", new { to = "bob", body = $"message {i}" });
        await alice.CallAsync("ask", new { question = "well?", options = (string[])["yes", "no"] });
        await alice.CallAsync("remind", new { message = "later", delay_seconds = 3600 });
    }

    private void Execute(string sql)
    {
        using var db = new SqliteConnection($"Data Source={Database};Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private List<(string Table, List<string> Columns)> Columns()
    {
        using var db = new SqliteConnection($"Data Source={Database};Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = """
            SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
            WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND c.pk = 0
            """;
        using var row = command.ExecuteReader();
        List<(string Table, string Column)> all = [];
        while (row.Read())
            all.Add((row.GetString(0), row.GetString(1)));
        return [.. all.GroupBy(c => c.Table).Select(g => (g.Key, g.Select(c => c.Column).ToList()))];
    }
}
