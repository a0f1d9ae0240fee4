using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Tasks;

/// <summary>Stores how the conditions of agents that take tasks change, and keeps that for 30 days. Nothing depends on
/// those of other agents, and storing them would cost each of their turns two more writes.</summary>
internal sealed class AgentStatusLog(IStore store, TimeProvider clock) : IAgentDataCleanup
{
    private const int RowsPerWrite = 500;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private DateTimeOffset removed;

    /// <summary>The last condition that was noted of each agent.</summary>
    public Task<List<(string Agent, string Status)>> Last(CancellationToken ct) =>
        store.Read(
            db =>
                db.Query<(string, string)>(
                        """
                        SELECT coalesce(CAST(agent AS TEXT), ''), coalesce(CAST(to_status AS TEXT), '')
                          FROM agent_status_log
                         WHERE id IN (SELECT max(id) FROM agent_status_log GROUP BY agent)
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

    void IAgentDataCleanup.Remove(IWrite write, string agent, bool purge)
    {
        if (purge)
            write.Db.Execute("DELETE FROM agent_status_log WHERE agent = @agent", new { agent });
    }
}

/// <summary>The table of <see cref="AgentStatusLog"/>.</summary>
internal sealed class AgentStatusSchema : ISchema
{
    public string Slice => "agent_status";

    public int Version => 1;

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
    }
}
