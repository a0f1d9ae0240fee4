using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents;
using Hive.Features.Turns;
using Hive.Tests.Common;

namespace Hive.Tests.Turns;

/// <summary>Databases of the shapes that were stored before turns could be excused and agents held.</summary>
public sealed class TurnsSchemaTests
{
    private const string Turns = """
        CREATE TABLE turns (
            id INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, wake_from TEXT NOT NULL,
            started_at INTEGER NOT NULL, ended_at INTEGER, result TEXT, note TEXT,
            acked INTEGER NOT NULL DEFAULT 0, requeued INTEGER NOT NULL DEFAULT 0, parked INTEGER NOT NULL DEFAULT 0,
            lost INTEGER NOT NULL DEFAULT 0)
        """;

    private const string Agents = """
        CREATE TABLE agents (
            name TEXT PRIMARY KEY, runtime TEXT NOT NULL, paused INTEGER NOT NULL DEFAULT 0, recipients TEXT,
            active_model TEXT, status_text TEXT, status_set_at INTEGER, created_at INTEGER NOT NULL,
            paused_at INTEGER) WITHOUT ROWID
        """;

    [Fact]
    public async Task A_stored_turn_and_a_stored_agent_keep_their_values_and_get_the_new_ones()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var before = new StoreRig(folder, []);
        await before.Store.Write(write =>
        {
            write.Db.Execute(Turns);
            write.Db.Execute(Agents);
            write.Db.Execute("INSERT INTO turns (agent, wake_from, started_at) VALUES ('alice', 'operator', 5)");
            write.Db.Execute(
                "INSERT INTO agents (name, runtime, paused, created_at, paused_at) "
                    + "VALUES ('alice', 'external', 1, 2, 3)"
            );
        });
        before.Store.Dispose();
        for (var run = 0; run < 2; run++)
        {
            var after = new StoreRig(folder, [new AgentsSchema(), new TurnsSchema()]);
            var turn = await after.Store.Read(db => Turn.Find(db, "alice", 1));
            Assert.Equal(("operator", 5, false), (turn!.WakeFrom, turn.StartedAt, turn.NoFault));
            var roster = new Roster(TimeProvider.System);
            await roster.Load(after.Store, CancellationToken.None);
            var alice = roster.Require("alice");
            Assert.Equal((true, 3, null), (alice.Paused, alice.PausedAt!.Value.ToUnixTimeMilliseconds(), alice.Held));
            after.Store.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }
}
