using Dapper;
using Hive.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Tasks;

/// <summary>Stores how the conditions of agents that take tasks change, and keeps that for 30 days. Nothing depends on
/// those of other agents, and storing them would cost each of their turns two more writes.</summary>
internal sealed class AgentStatusLog(IStore store, TimeProvider clock) : BackgroundService, IAgentDataCleanup
{
    private const int RowsPerWrite = 500;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMinutes(1);
    private DateTimeOffset removed;
    private readonly Bell purged = new();

    /// <summary>The last condition that was noted of each agent.</summary>
    public Task<List<(string Agent, string Status)>> Last(CancellationToken ct) =>
        store.Read(
            db =>
                db.Query<(string, string)>(
                        """
                        SELECT coalesce(CAST(agent AS TEXT), ''), coalesce(CAST(to_status AS TEXT), '')
                          FROM agent_status_log AS l
                         WHERE id IN (SELECT max(id) FROM agent_status_log GROUP BY agent)
                           AND NOT EXISTS (
                                SELECT 1 FROM agent_status_purges AS p WHERE p.agent = l.agent AND p.last >= l.id)
                        """
                    )
                    .ToList(),
            ct
        );

    /// <summary>Adds changes.</summary>
    public static void Add(IWrite write, IEnumerable<ConditionChange> changes)
    {
        foreach (var change in changes)
            write.Db.Execute(
                """
                INSERT INTO agent_status_log (agent, from_status, to_status, reason, task, at)
                VALUES (@Agent, @From, @To, @Reason, @Task, @At)
                """,
                new
                {
                    change.Agent,
                    change.From,
                    change.To,
                    change.Reason,
                    change.Task,
                    At = change.At.ToUnixTimeMilliseconds(),
                }
            );
    }

    /// <summary>Deletes old rows, at most once an hour. To be called after rows were added: without them, none gets too
    /// many.</summary>
    public async Task RemoveOld(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (now - removed < Interval)
            return;
        removed = now;
        await OldRows.Remove(
            store,
            "agent_status_log",
            "at",
            "at",
            now.Subtract(Kept).ToUnixTimeMilliseconds(),
            now.ToUnixTimeMilliseconds(),
            RowsPerWrite,
            ct
        );
    }

    /// <summary>Deletes the rows of purged agents, in small writes; at the start what an earlier host has
    /// left.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        purged.Ring();
        // The health of the database shows these failures.
        return purged.RunOnEachRing(
            RemovePurged,
            e => e is Problem or UnreadableDataException,
            RetryPause,
            clock,
            stoppingToken
        );
    }

    private async Task RemovePurged(CancellationToken ct)
    {
        var purges = await store.Read(
            db => db.Query<(string Agent, long Last)>("SELECT agent, last FROM agent_status_purges").ToArray(),
            ct
        );
        foreach (var (agent, last) in purges)
        {
            await ManyRows.Delete<long>(
                store,
                (db, after) =>
                    db.Query<long>(
                        PurgedSql,
                        new
                        {
                            agent,
                            after,
                            last,
                        }
                    ),
                (write, id) => write.Db.Execute("DELETE FROM agent_status_log WHERE id = @id", new { id }),
                ct
            );
            // Unless another agent of the same name was purged in the meantime.
            await store.Write(
                write =>
                    write.Db.Execute(
                        "DELETE FROM agent_status_purges WHERE agent = @agent AND last = @last",
                        new { agent, last }
                    ),
                ct
            );
        }
    }

    // There may be millions.
    void IAgentDataCleanup.Remove(IWrite write, string agent, bool purge)
    {
        if (!purge)
            return;
        write.Db.Execute(PurgeSql, new { agent });
        write.AfterCommit(purged.Ring);
    }

    private const string PurgeSql = """
        INSERT OR REPLACE INTO agent_status_purges (agent, last)
        SELECT agent, id FROM agent_status_log WHERE agent = @agent ORDER BY id DESC LIMIT 1
        """;

    private static readonly string PurgedSql = $"""
        SELECT id
          FROM agent_status_log
         WHERE agent = @agent AND id > @after AND id <= @last
         ORDER BY id
         LIMIT {ManyRows.PerWrite}
        """;
}

/// <summary>The table of <see cref="AgentStatusLog"/>.</summary>
internal sealed class AgentStatusSchema : ISchema
{
    public string Slice => "agent_status";

    public int Version => 2;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS agent_status_log (
                id          INTEGER PRIMARY KEY AUTOINCREMENT,
                agent       TEXT NOT NULL,
                from_status TEXT,
                to_status   TEXT NOT NULL,
                reason      TEXT NOT NULL,
                task        INTEGER,
                at          INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS agent_status_log_agent ON agent_status_log (agent, id)");
        // Agents whose rows, up to an id, are being deleted.
        editor.Run(
            "CREATE TABLE IF NOT EXISTS agent_status_purges (agent TEXT PRIMARY KEY, last INTEGER NOT NULL) "
                + "WITHOUT ROWID"
        );
    }
}
