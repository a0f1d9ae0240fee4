using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Host;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Common;

/// <summary>Damages of a real database: each start serves, or is refused with words and a way out.</summary>
public sealed class DatabaseDamagesTests : IDisposable
{
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const int Page = 4096;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-damage-").FullName;

    private string Data => Path.Combine(folder, "data");

    private string Database => Path.Combine(Data, "hive.sqlite");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    [Sampled]
    public async Task Each_of_39_damaged_databases_is_served_or_refused_with_words()
    {
        await using (var host = await HiveFixture.StartIn(folder, keep: true))
        {
            await host.Spawn("alice", "bob");
            var alice = await host.Connect("alice");
            for (var i = 0; i < 40; i++)
                await alice.CallAsync("send", new { to = "bob", body = $"{i} {new string('x', 2000)}" });
            var bob = await host.Connect("bob");
            await bob.CallAsync("recv", new { max = 32 });
            await bob.CallAsync("ack", new { all = true });
        }

        // Pages on the free list.
        Execute("CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(100000)); DROP TABLE filler");
        var whole = await File.ReadAllBytesAsync(Database, TestContext.Current.CancellationToken);
        var damages = Damages(whole);
        Assert.Equal(39, damages.Count);
        List<string> wrong = [];
        List<string> served = [];
        var tried = Ring.Sample(damages, 13);
        foreach (var (name, damage) in tried)
        {
            Clear();
            await File.WriteAllBytesAsync(Database, whole, TestContext.Current.CancellationToken);
            damage();
            try
            {
                await using var host = await HiveFixture.StartIn(folder, keep: true);
                using var answer = await host.Http().GetAsync("/health");
                if (answer.StatusCode != HttpStatusCode.OK)
                    wrong.Add($"{name}: {answer.StatusCode}");
                served.Add(name);
            }
            catch (StartupProblem refused)
            {
                string[] ways = ["--restore", "--accept-loss", "start the newer Hive", "Move the log away"];
                if (!ways.Any(w => refused.Message.Contains(w, Ordinal)))
                    wrong.Add($"{name}: {refused.Message}");
            }
            catch (Exception e)
            {
                wrong.Add($"{name}: {e}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // What SQLite does not read, or finds to be left over.
        string[] harmless =
        [
            "last page zeroed",
            "header byte 44 flipped",
            "header byte 56 flipped",
            "a log of random bytes",
            "an index without its log",
        ];
        Assert.Equal(harmless.Intersect(tried.Select(damage => damage.Name)), served);
    }

    [Fact]
    public async Task A_refusal_names_the_damaged_tables_and_the_newest_backup_of_the_schedule()
    {
        await using (var host = await HiveFixture.StartIn(folder, keep: true))
        {
            await host.Spawn("alice", "bob");
            using var alice = await host.Connect("alice");
            for (var i = 0; i < 20; i++)
                await alice.CallAsync("send", new { to = "bob", body = new string('x', 2000) });
        }

        var whole = await File.ReadAllBytesAsync(Database, TestContext.Current.CancellationToken);
        var root = (int)(long)Ask("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")!;
        whole.AsSpan((root - 1) * Page, Page).Clear();
        await File.WriteAllBytesAsync(Database, whole, TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Data + ".backups");
        foreach (var name in (string[])["hive-20260102T030405Z.tar", "hive-20260101T030405Z.tar", "hive-x.tar"])
            await File.WriteAllTextAsync($"{Data}.backups/{name}", "", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<StartupProblem>(() => HiveFixture.StartIn(folder, keep: true));

        Assert.Contains("The other tables can be read, but of messages rows may be lost", refused.Message, Ordinal);
        Assert.Contains(
            "/data.backups/hive-20260102T030405Z.tar: restored, Hive is as it was at",
            refused.Message,
            Ordinal
        );
        Assert.Contains("2026-01-02 03:04:05Z", refused.Message, Ordinal);
    }

    [Fact]
    public async Task Damage_found_in_the_background_shows_in_health_and_in_what_waits()
    {
        await using var hive = await HiveFixture.StartIn(folder, keep: true);
        await hive.Spawn("alice", "bob");
        var line = await hive.Operator();
        using var http = hive.Http(signedIn: false);
        Assert.Equal("ok", (await http.GetFromJsonAsync<JsonElement>("/health")).GetProperty("status").GetString());
        Execute(
            """
            CREATE TABLE damaged_one (x INTEGER NOT NULL);
            INSERT INTO damaged_one VALUES (1);
            PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = 'CREATE TABLE damaged_one (x INTEGER NOT NULL, y NOT NULL)'
            WHERE name = 'damaged_one'
            """
        );

        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        JsonElement health = default;
        await Patience.Until(
            async () =>
                (health = await http.GetFromJsonAsync<JsonElement>("/health")).GetProperty("status").GetString()
                == "failing",
            "the check has not ended"
        );

        Assert.Equal(
            "the database is damaged; `hive doctor` says where",
            health.GetProperty("problems")[0].GetString()
        );
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/ready")).StatusCode);
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        await Patience.Until(
            async () => (await line.CallAsync("waiting")).GetRawText().Contains("\"trouble-database\"", Ordinal),
            "the list does not show it"
        );
        var findings = (await line.CallAsync("doctor")).GetProperty("findings").GetRawText();
        Assert.Contains("rows of damaged one may be lost", findings, Ordinal);
        await line.CallAsync("ticket_create", new { title = "stored" });
    }

    private List<(string Name, Action Damage)> Damages(byte[] whole)
    {
        var pages = whole.Length / Page;
        int Root(string table) => (int)(long)Ask($"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")!;
        var (agents, messages) = (Root("agents"), Root("messages"));
        var free = (int)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(whole.AsSpan(32));
        Assert.True(free > 0, "no page is free");
        List<(string, Action)> all = [];
        void Add(string name, byte[] bytes) => all.Add((name, () => File.WriteAllBytes(Database, bytes)));
        byte[] With(int at, params byte[] bytes) => [.. whole[..at], .. bytes, .. whole[(at + bytes.Length)..]];
        byte[] Zeroed(int page) => With((page - 1) * Page, new byte[Page]);
        byte[] Random(int part, int at, int length)
        {
            var bytes = new byte[length];
            Ring.Random(part).NextBytes(bytes);
            return With(at, bytes);
        }

        foreach (
            var length in (int[])[0, 1, 15, 16, 100, Page - 1, Page, Page + 1, whole.Length / 2, whole.Length - Page]
        )
            Add($"cut to {length}", whole[..length]);
        (string Name, int Page)[] some =
        [
            ("first", 1),
            ("second", 2),
            ("agents'", agents),
            ("messages'", messages),
            ("free", free),
            ("last", pages),
        ];
        foreach (var (name, page) in some)
            Add($"{name} page zeroed", Zeroed(page));
        // The magic text, the page size, the format versions, the size in pages, the free list and the encoding.
        foreach (var at in (int[])[0, 16, 18, 19, 28, 32, 36, 44, 56])
            Add($"header byte {at} flipped", With(at, (byte)(whole[at] ^ 0xFF)));
        Add("kind of the schema's page", With(100, 0x7F));
        Add("kind of the messages' page", With((messages - 1) * Page, 0x7F));
        Add("cells of the agents' page", With(((agents - 1) * Page) + 8, 0xFF, 0xFF, 0xFF, 0xFF));
        Add("random schema", Random(1, 108, 2000));
        Add("random middle", Random(2, whole.Length / 2, 3 * Page));
        Add("random throughout", Random(3, 0, whole.Length));
        Add("text", "this was a database once"u8.ToArray());
        all.Add(("missing", () => File.Delete(Database)));
        all.Add(
            (
                "a folder",
                () =>
                {
                    File.Delete(Database);
                    Directory.CreateDirectory(Database);
                }
            )
        );
        all.Add(("a log of random bytes", () => File.WriteAllBytes(Database + "-wal", Random(4, 0, Page)[..Page])));
        all.Add(("an index without its log", () => File.WriteAllBytes(Database + "-shm", new byte[32768])));
        all.Add(
            (
                "the log of another database",
                () =>
                {
                    using var other = new SqliteConnection($"Data Source={folder}/other.sqlite;Pooling=False");
                    other.Open();
                    using var command = other.CreateCommand();
                    command.CommandText =
                        "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)";
                    command.ExecuteNonQuery();
                    File.Copy($"{folder}/other.sqlite-wal", Database + "-wal");
                    // As the note of a closed database has it.
                    File.WriteAllText(Database + "-commits", Closed());
                }
            )
        );
        all.Add(("a newer schema", () => Execute("UPDATE schema_history SET version = 999 WHERE slice = 'messages'")));
        all.Add(("another database", () => Execute("DROP TABLE agents; DROP TABLE messages")));
        return all;
    }

    private string Closed()
    {
        var note = CommitMark.AsClosed(Database);
        return FormattableString.Invariant($"closed {note.First} {note.Second}");
    }

    private void Clear()
    {
        if (Directory.Exists(Database))
            Directory.Delete(Database);
        foreach (var file in Directory.EnumerateFiles(Data, "hive.sqlite*"))
            File.Delete(file);
    }

    private void Execute(string sql)
    {
        using var db = new SqliteConnection($"Data Source={Database};Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private object? Ask(string sql)
    {
        using var db = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
