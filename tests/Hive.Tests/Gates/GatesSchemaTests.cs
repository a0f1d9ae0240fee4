using Dapper;
using Hive.Features.Gates;
using Hive.Tests.Common;

namespace Hive.Tests.Gates;

public sealed class GatesSchemaTests
{
    [Fact]
    public async Task The_tables_have_their_columns_and_a_second_start_keeps_the_rows()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        for (var run = 0; run < 2; run++)
        {
            var rig = new StoreRig(folder, [new GatesSchema()]);
            await rig.Store.Write(write =>
                write.Db.Execute(
                    "INSERT INTO metrics (task, type, name, value, passed, at) VALUES (1, 'x', 'x', 1, 1, 1)"
                )
            );
            Assert.Equal(run + 1, await rig.Store.Read(db => db.ExecuteScalar<int>("SELECT count(*) FROM metrics")));
            foreach (
                var (table, columns) in new[]
                {
                    (
                        "artifacts",
                        "id ticket phase_id task type kind path repository sha digest size by at superseded_at"
                    ),
                    ("artifact_contents", "artifact content"),
                    (
                        "reviews",
                        "id ticket phase_id task review_task reviewer question artifacts verdict feedback iteration "
                            + "asked_at decided_at stale looked_by evidence"
                    ),
                    ("verdicts", "id ticket phase_id status reasons criteria rev at"),
                    ("metrics", "id task type name value threshold passed at"),
                    ("phase_context", "ticket phase_id summary at data"),
                    ("merge_looks", "ticket sha branch merged fault"),
                    ("phase_returns", "ticket phase_id to_phase rev metric tasks"),
                }
            )
                Assert.Equal(
                    columns.Split(' '),
                    await rig.Store.Read(db =>
                        db.Query<string>("SELECT name FROM pragma_table_info(@table)", new { table })
                    )
                );
            rig.Store.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }
}
