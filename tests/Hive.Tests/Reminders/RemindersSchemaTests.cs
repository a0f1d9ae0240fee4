using Dapper;
using Hive.Common.Storage;
using Hive.Features.Reminders;
using Hive.Tests.Common;

namespace Hive.Tests.Reminders;

public sealed class RemindersSchemaTests
{
    private const string Earliest =
        "CREATE TABLE reminders (id INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, message TEXT NOT "
        + "NULL, file_path TEXT, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, sent_at INTEGER)";

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("attempt_count INTEGER NOT NULL DEFAULT 0")]
    [InlineData("attempt_count INTEGER NOT NULL DEFAULT 0; last_error TEXT")]
    [InlineData("next_attempt_at INTEGER")]
    public async Task A_database_of_any_earlier_version_is_migrated_and_keeps_its_rows(string? columns)
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        await using (var before = new StoreRigOnce(folder))
        {
            if (columns is not null)
            {
                await before.Store.Write(write =>
                {
                    write.Db.Execute(Earliest);
                    foreach (var column in columns.Split(';', StringSplitOptions.RemoveEmptyEntries))
                        write.Db.Execute($"ALTER TABLE reminders ADD COLUMN {column}");
                    write.Db.Execute(
                        "INSERT INTO reminders (agent, message, created_at, due_at) VALUES ('alice', 'kept', 1, 2)"
                    );
                });
            }
        }

        for (var run = 0; run < 2; run++)
        {
            await using var after = new StoreRigOnce(folder, new RemindersSchema());
            var names = await after.Store.Read(db =>
                db.Query<string>("SELECT name FROM pragma_table_info('reminders')").ToArray()
            );
            Assert.Equal(
                [
                    "agent",
                    "attempt_count",
                    "created_at",
                    "due_at",
                    "file_path",
                    "file_refs",
                    "id",
                    "last_error",
                    "message",
                    "next_attempt_at",
                    "sent_at",
                ],
                names.Order()
            );
            var rows = await after.Store.Read(db =>
                db.Query<ReminderRow>($"SELECT {ReminderRow.Columns} FROM reminders").ToArray()
            );
            if (columns is null)
                Assert.Empty(rows);
            else
                Assert.Equal(
                    ("alice", "kept", 0L, null, null),
                    (
                        rows.Single().Agent,
                        rows.Single().Message,
                        rows.Single().AttemptCount,
                        rows.Single().LastError,
                        rows.Single().NextAttemptAt
                    )
                );
        }

        Directory.Delete(folder, recursive: true);
    }

    // Keeps the folder when it is disposed.
    private sealed class StoreRigOnce(string folder, params ISchema[] schemas) : IAsyncDisposable
    {
        private readonly StoreRig rig = new(folder, schemas);

        public SqliteStore Store => rig.Store;

        public ValueTask DisposeAsync()
        {
            rig.Store.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
