using Hive.Common.Storage;

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
        const string Values = "SELECT id AS whole_number FROM rows WHERE value >= ?1 ORDER BY id";
        var (first, all, none) = await rig.Store.Read(db =>
            (
                db.Prepare(Values).Bind(1, 2).One<Row>(),
                db.Prepare(Values).Bind(1, 2).All<Row>(),
                db.Prepare(Values).Bind(1, 4).One<Row>()
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

    private sealed record Row
    {
        public long WholeNumber { get; init; }

        public double? Part { get; init; }

        public string? Text { get; init; }

        public long? Most { get; init; }
    }
}
