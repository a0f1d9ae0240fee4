using Dapper;
using Hive.Features.Collaboration;
using Hive.Tests.Common;

namespace Hive.Tests.Collaboration;

public sealed class CollaborationSchemaTests
{
    [Fact]
    public async Task The_tables_have_their_columns_and_a_second_start_keeps_the_rows()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        for (var run = 0; run < 2; run++)
        {
            var rig = new StoreRig(folder, [new CollaborationSchema()]);
            await rig.Store.Write(write =>
                write.Db.Execute(
                    "INSERT INTO post_messages (message, post, recipient) VALUES (@run, 1, 'bob')",
                    new { run }
                )
            );
            Assert.Equal(
                run + 1,
                await rig.Store.Read(db => db.ExecuteScalar<int>("SELECT count(*) FROM post_messages"))
            );
            foreach (
                var (table, columns) in new[]
                {
                    (
                        "threads",
                        "id type ticket task subject participants status data created_by created_at last_at closed_at"
                    ),
                    ("posts", "id thread author type body refs to_agent data at"),
                    ("post_messages", "message post recipient"),
                    (
                        "handoffs",
                        "id thread task from_agent to_agent reason context status asked_at decided_at deadline_at"
                    ),
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
