using System.Data;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Common;

public sealed class StatementRecordTests
{
    private const string Echo = "SELECT @WholeNumber AS whole_number, @Part AS part, @Text AS text, @Most AS most";

    [Theory]
    [InlineData(long.MinValue, -0.5, "", 7L)]
    [InlineData(0, null, null, null)]
    [InlineData(1, 1e300, "ü\n'日", long.MaxValue)]
    public async Task A_record_is_bound_and_read_by_names(long number, double? part, string? text, long? most)
    {
        await using var rig = new StoreRig();
        var sent = new Row
        {
            WholeNumber = number,
            Part = part,
            Text = text is null ? null : string.Concat(Enumerable.Repeat(text, 1000)),
            Most = most,
        };
        // Twice, since the second time takes what was compiled; inside a read and inside a write.
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal(sent, await rig.Store.Read(db => db.Prepare(Echo).With(sent).One<Row>()));
            Assert.Equal([sent], await rig.Store.Write(write => write.Prepare(Echo).With(sent).All<Row>()));
        }
    }

    [Fact]
    public async Task A_statement_can_be_run_again_after_its_first_row()
    {
        await using var rig = new StoreRig();
        foreach (var value in (int[])[1, 2, 3])
            await rig.Add(value);
        const string From = "SELECT id AS whole_number FROM rows WHERE value >= ?1 ORDER BY id";
        var (first, all, none) = await rig.Store.Read(db =>
            (
                db.Prepare(From).Bind(1, 2).One<Row>(),
                db.Prepare(From).Bind(1, 2).All<Row>(),
                db.Prepare(From).Bind(1, 4).One<Row>()
            )
        );
        Assert.Equal(all[0], first);
        Assert.Equal(2, all.Count);
        Assert.Null(none);
        Assert.Equal(3, await rig.Store.Write(write => write.Prepare("UPDATE rows SET value = 9").Run()));
        Assert.Equal([9, 9, 9], await rig.Values());
    }

    [Fact]
    public async Task A_name_without_a_property_is_an_error()
    {
        await using var rig = new StoreRig();
        var read = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            rig.Store.Read(db => db.Prepare("SELECT 1 AS other_name").One<Row>())
        );
        Assert.Equal("Row does not have a property for other_name", read.Message);
        var bound = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            rig.Store.Read(db => db.Prepare("SELECT @Other").With(new Row()))
        );
        Assert.Equal("Row does not have a property for Other", bound.Message);
    }

    [Fact]
    public async Task A_property_without_a_column_keeps_its_default()
    {
        await using var rig = new StoreRig();
        Assert.Equal(new Row { Text = "a" }, await rig.Store.Read(db => db.Prepare("SELECT 'a' AS text").One<Row>()));
    }

    [Theory]
    [InlineData("1, 0.5, 'a', 'b'", 1, 0.5, "a", "b")]
    [InlineData("-1, 2, NULL, ''", -1, 2.0, null, "")]
    [InlineData("0, NULL, '', '1'", 0, null, "", "1")]
    public async Task A_stored_row_is_read_as_it_is(string values, long number, double? part, string? text, string name)
    {
        await using var rig = await Stored(values);
        var row = new StoredRow
        {
            WholeNumber = number,
            Part = part,
            Text = text,
            Name = name,
        };
        Assert.Equal([row], await rig.Store.Read(db => db.Prepare(All).All<StoredRow>()));
    }

    [Theory]
    [InlineData("NULL, 0.5, 'a', 'b'", "whole_number is NULL, which cannot be StoredRow.WholeNumber, Int64")]
    [InlineData("'1', 0.5, 'a', 'b'", "whole_number is a text, which cannot be StoredRow.WholeNumber, Int64")]
    [InlineData("1.5, 0.5, 'a', 'b'", "whole_number is a number with a fraction")]
    [InlineData("1, '0.5', 'a', 'b'", "part is a text, which cannot be StoredRow.Part, Double")]
    [InlineData("1, 0.5, 2, 'b'", "text is a whole number, which cannot be StoredRow.Text, String")]
    [InlineData("1, 0.5, x'61', 'b'", "text is a BLOB")]
    [InlineData("1, 0.5, 'a', NULL", "name is NULL, which cannot be StoredRow.Name, String")]
    public async Task A_column_of_another_type_than_its_property_is_an_error(string values, string fault)
    {
        await using var rig = await Stored(values);
        var read = await Assert.ThrowsAsync<UnreadableDataException>(() =>
            rig.Store.Read(db => db.Prepare(All).One<StoredRow>())
        );
        Assert.Contains($"the column {fault}", read.Message, StringComparison.Ordinal);
        Assert.EndsWith($"the statement is {All}", read.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DataException>(() => rig.Store.Write(write => write.Prepare(All).All<StoredRow>()));
        // The statement has ended, so that it can be used again.
        await rig.Store.Write(write =>
            write.Db.Execute("UPDATE stored SET whole_number = 1, part = 1, text = '', name = ''")
        );
        Assert.NotNull(await rig.Store.Read(db => db.Prepare(All).One<StoredRow>()));
        Assert.Single(await rig.Store.Write(write => write.Prepare(All).All<StoredRow>()));
    }

    [Fact]
    public async Task The_first_number_of_a_statement_is_a_whole_number()
    {
        await using var rig = new StoreRig();
        Assert.Equal(7, await rig.Store.Read(db => db.Prepare("SELECT 7").Number()));
        Assert.Null(await rig.Store.Read(db => db.Prepare("SELECT NULL").Number()));
        Assert.Null(await rig.Store.Read(db => db.Prepare("SELECT 7 WHERE false").Number()));
        await Assert.ThrowsAsync<UnreadableDataException>(() =>
            rig.Store.Read(db => db.Prepare("SELECT '7'").Number())
        );
    }

    [Fact]
    public async Task A_property_that_is_neither_text_nor_number_is_an_error()
    {
        await using var rig = new StoreRig();
        var read = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            rig.Store.Read(db => db.Prepare("SELECT 1 AS flag").One<Flagged>())
        );
        Assert.Contains("Flagged.Flag is a Boolean", read.Message, StringComparison.Ordinal);
        var bound = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            rig.Store.Read(db => db.Prepare("SELECT @Flag").With(new Flagged()))
        );
        Assert.Contains("Flagged.Flag is a Boolean", bound.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_read_keeps_its_connection_and_an_error_of_the_database_does_not()
    {
        await using var rig = new StoreRig();
        Statement? kept = null;
        await Assert.ThrowsAsync<Problem>(() =>
            rig.Store.Read<int>(db =>
            {
                kept = db.Prepare(Values);
                Assert.Empty(kept.All<Row>());
                throw Problem.NotFound("not there");
            })
        );
        await rig.Add(1);
        // The read that was refused has ended: this one sees what was stored since.
        Assert.Single(await rig.Store.Read(db => Same(db.Prepare(Values)).All<Row>()));
        await Assert.ThrowsAsync<SqliteException>(() => rig.Store.Read(db => db.Execute("SELECT * FROM nowhere")));
        Assert.NotSame(kept, await rig.Store.Read(db => db.Prepare(Values)));

        Statement Same(Statement statement)
        {
            Assert.Same(kept, statement);
            return statement;
        }
    }

    [Fact]
    public async Task A_reader_waits_while_another_connection_has_the_database_to_itself()
    {
        await using var rig = new StoreRig();
        Assert.InRange(await rig.Store.Read(db => db.Prepare("PRAGMA busy_timeout").Number()) ?? 0, 1000, 30_000);
    }

    private const string Values = "SELECT id AS whole_number FROM rows ORDER BY id";
    private const string All = "SELECT whole_number, part, text, name FROM stored";

    private static async Task<StoreRig> Stored(string values)
    {
        var rig = new StoreRig(schemas: [new StoredSchema()]);
        await rig.Store.Write(write => write.Db.Execute($"INSERT INTO stored VALUES ({values})"));
        return rig;
    }

    // Columns without a type keep what is stored in them.
    private sealed class StoredSchema : ISchema
    {
        public string Slice => "stored";

        public int Version => 1;

        public void Converge(SchemaEditor editor) =>
            editor.Run("CREATE TABLE IF NOT EXISTS stored (whole_number, part, text, name)");
    }

    private sealed record StoredRow
    {
        public required long WholeNumber { get; init; }

        public double? Part { get; init; }

        public string? Text { get; init; }

        public required string Name { get; init; }
    }

    private sealed record Flagged
    {
        public bool Flag { get; init; }
    }

    private sealed record Row
    {
        public long WholeNumber { get; init; }

        public double? Part { get; init; }

        public string? Text { get; init; }

        public long? Most { get; init; }
    }
}
