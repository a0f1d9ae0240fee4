using Dapper;
using Hive.Common.Storage;
using Hive.Host;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Common;

public sealed class SchemaTests
{
    [Fact]
    public async Task An_empty_file_gets_the_newest_shape_and_records_its_version()
    {
        await using var rig = new StoreRig(schemas: [new Second()]);
        Assert.Equal(["id", "name", "colour"], await Columns(rig));
        Assert.Equal([("things", 2)], await History(rig));
    }

    [Fact]
    public async Task A_file_of_an_earlier_shape_is_upgraded_and_keeps_its_rows()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var first = new StoreRig(folder, [new First()]);
        await first.Store.Write(write => write.Db.Execute("INSERT INTO things (name) VALUES ('kept')"));
        first.Store.Dispose();
        await using var second = new StoreRig(folder, [new Second()]);
        Assert.Equal(["id", "name", "colour"], await Columns(second));
        Assert.Equal(
            "blue",
            await second.Store.Read(db => db.ExecuteScalar<string>("SELECT colour FROM things WHERE name = 'kept'"))
        );
        Assert.Equal([("things", 1), ("things", 2)], await History(second));
    }

    [Fact]
    public async Task An_up_to_date_file_stays_unchanged()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        for (var run = 0; run < 3; run++)
        {
            var rig = new StoreRig(folder, [new Second()]);
            Assert.Equal([("things", 2)], await History(rig));
            await rig.Store.Write(write => write.Db.Execute("INSERT INTO things (name, colour) VALUES ('x', 'red')"));
            Assert.Equal(
                run + 1,
                await rig.Store.Read(db => db.ExecuteScalar<int>("SELECT count(*) FROM things WHERE colour = 'red'"))
            );
            rig.Store.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_schema_that_fails_changes_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        new StoreRig(folder, [new First()]).Store.Dispose();
        Assert.Throws<SqliteException>(() => new StoreRig(folder, [new Second(), new Broken()]));
        await using var again = new StoreRig(folder, [new First()]);
        Assert.Equal(["id", "name"], await Columns(again));
        Assert.Equal([("things", 1)], await History(again));
    }

    [Fact]
    public void A_file_of_a_newer_version_is_refused_and_unchanged()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        new StoreRig(folder, [new Second()]).Store.Dispose();
        var refused = Assert.Throws<InvalidDataException>(() => new StoreRig(folder, [new First()]));
        Assert.Contains("newer Hive", refused.Message, StringComparison.Ordinal);
        new StoreRig(folder, [new Second()]).Store.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_host_refuses_a_database_of_a_newer_Hive_with_a_way_out()
    {
        await using var hive = await HiveFixture.Start();
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                write.Db.Execute("INSERT INTO schema_history (slice, version, applied_at) VALUES ('messages', 4711, 0)")
            );
        var refused = await Assert.ThrowsAsync<StartupProblem>(() => hive.Restart());
        Assert.Contains("newer Hive", refused.Message, StringComparison.Ordinal);
        Assert.Contains("4711", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_host_refuses_a_file_that_is_not_a_database_with_a_way_out()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var data = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
        File.WriteAllText(Path.Combine(data, "hive.sqlite"), new string('x', 8192));
        await using var app = await HiveApp.Build([
            "--DataDir",
            data,
            "--RunDir",
            Path.Combine(folder, "run"),
            "--Urls",
            "http://127.0.0.1:0",
        ]);
        var refused = await Assert.ThrowsAsync<StartupProblem>(() => HiveApp.Start(app));
        Assert.Contains("--data-dir", refused.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 8192), File.ReadAllText(Path.Combine(data, "hive.sqlite")));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Every_slice_of_the_host_records_its_version_once()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Restart();
        var history = await hive
            .Services.GetRequiredService<IStore>()
            .Read(db => db.Query<(string, int)>("SELECT slice, version FROM schema_history ORDER BY slice").ToList());
        Assert.Equal(hive.Services.GetServices<ISchema>().Select(s => (s.Slice, s.Version)).Order(), history);
    }

    private static Task<List<string>> Columns(StoreRig rig) =>
        rig.Store.Read(db => db.Query<string>("SELECT name FROM pragma_table_info('things') ORDER BY cid").ToList());

    private static Task<List<(string, int)>> History(StoreRig rig) =>
        rig.Store.Read(db =>
            db.Query<(string, int)>("SELECT slice, version FROM schema_history ORDER BY version").ToList()
        );

    private sealed class First : ISchema
    {
        public string Slice => "things";

        public int Version => 1;

        public void Converge(SchemaEditor editor) =>
            editor.Run("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)");
    }

    private sealed class Second : ISchema
    {
        public string Slice => "things";

        public int Version => 2;

        public void Converge(SchemaEditor editor)
        {
            editor.Run("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)");
            if (editor.Column("things", "colour", "TEXT"))
                editor.Run("UPDATE things SET colour = 'blue'");
        }
    }

    private sealed class Broken : ISchema
    {
        public string Slice => "broken";

        public int Version => 1;

        public void Converge(SchemaEditor editor) => editor.Run("CREATE TABLE IF NOT EXISTS");
    }
}
