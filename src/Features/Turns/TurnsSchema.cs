using Hive.Common.Storage;

namespace Hive.Features.Turns;

/// <summary>The tables of turns, their figures, and agents' events.</summary>
internal sealed class TurnsSchema : ISchema
{
    public string Slice => "turns";

    public int Version => 4;

    public void Converge(SchemaEditor editor)
    {
        // Running turns, and those that ended in the last 30 days, which a harness may end again.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS turns (
                id         INTEGER PRIMARY KEY AUTOINCREMENT,
                agent      TEXT NOT NULL,
                wake_from  TEXT NOT NULL,
                started_at INTEGER NOT NULL,
                ended_at   INTEGER,
                result     TEXT,
                note       TEXT,
                acked      INTEGER NOT NULL DEFAULT 0,
                requeued   INTEGER NOT NULL DEFAULT 0,
                parked     INTEGER NOT NULL DEFAULT 0
            )
            """
        );
        editor.Column("turns", "lost", "INTEGER NOT NULL DEFAULT 0");
        // The host ended it for a reason that is not its messages' fault.
        editor.Column("turns", "no_fault", "INTEGER NOT NULL DEFAULT 0");
        editor.Run("CREATE INDEX IF NOT EXISTS turns_open ON turns (id) WHERE ended_at IS NULL");
        // The id is the turn's. `at` is when the turn counts as ended: the reported end, kept within the host's own
        // times.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS turn_stats (
                id                                INTEGER PRIMARY KEY,
                agent                             TEXT NOT NULL,
                wake_from                         TEXT NOT NULL,
                result                            TEXT NOT NULL,
                note                              TEXT,
                at                                INTEGER NOT NULL,
                model                             TEXT,
                started_at                        INTEGER NOT NULL,
                ended_at                          INTEGER NOT NULL,
                duration_ms                       INTEGER,
                input_tokens                      INTEGER,
                output_tokens                     INTEGER,
                cache_read_input_tokens           INTEGER,
                cache_creation_input_tokens       INTEGER,
                last_input_tokens                 INTEGER,
                last_output_tokens                INTEGER,
                last_cache_read_input_tokens      INTEGER,
                last_cache_creation_input_tokens  INTEGER,
                tool_call_count                   INTEGER,
                tool_calls                        TEXT,
                open_loose_ends_count             INTEGER,
                open_reminders_count              INTEGER,
                reported_cost_usd                 REAL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS turn_stats_agent ON turn_stats (agent, id)");
        // Covers all that is added up, so that a day of a busy swarm is read without its rows.
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS turn_stats_sums ON turn_stats (
                at, agent, model, result, duration_ms, tool_call_count,
                input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens)
            """
        );
        // The same added up by hour: a month of 50 agents with 500 turns each a day is 750,000 turns, which take two
        // seconds to add up. A turn without a model has ''.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS turn_hours (
                hour                        INTEGER NOT NULL,
                agent                       TEXT NOT NULL,
                model                       TEXT NOT NULL,
                turns                       INTEGER NOT NULL,
                failed                      INTEGER NOT NULL,
                with_tokens                 INTEGER NOT NULL,
                duration_ms                 INTEGER NOT NULL,
                tool_call_count             INTEGER NOT NULL,
                input_tokens                INTEGER NOT NULL,
                output_tokens               INTEGER NOT NULL,
                cache_read_input_tokens     INTEGER NOT NULL,
                cache_creation_input_tokens INTEGER NOT NULL,
                PRIMARY KEY (hour, agent, model)
            ) WITHOUT ROWID
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS agent_events (
                id      INTEGER PRIMARY KEY AUTOINCREMENT,
                agent   TEXT NOT NULL,
                turn    INTEGER,
                at      INTEGER NOT NULL,
                kind    TEXT NOT NULL,
                payload TEXT NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS agent_events_agent ON agent_events (agent, id)");
        // The bytes of each agent's events, kept by triggers on every insert and delete.
        editor.Run(
            "CREATE TABLE IF NOT EXISTS agent_event_sizes (agent TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT "
                + "ROWID"
        );
        // The condition is evaluated once; on the events themselves it would scan all of them at every start.
        editor.Run(
            """
            INSERT OR IGNORE INTO agent_event_sizes
            SELECT agent, sum(length(CAST(payload AS BLOB)))
              FROM (SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM agent_event_sizes)) CROSS JOIN agent_events
             GROUP BY agent
            """
        );
        editor.Run(
            """
            CREATE TRIGGER IF NOT EXISTS agent_events_added AFTER INSERT ON agent_events
            BEGIN
                INSERT INTO agent_event_sizes (agent, bytes) VALUES (NEW.agent, length(CAST(NEW.payload AS BLOB)))
                ON CONFLICT (agent) DO UPDATE SET bytes = bytes + excluded.bytes;
            END
            """
        );
        editor.Run(
            """
            CREATE TRIGGER IF NOT EXISTS agent_events_removed AFTER DELETE ON agent_events
            BEGIN
                UPDATE agent_event_sizes SET bytes = bytes - length(CAST(OLD.payload AS BLOB)) WHERE agent = OLD.agent;
            END
            """
        );
        // The models that the operator set, and what the manager was last told of logins.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS harness_wishes (
                agent       TEXT PRIMARY KEY,
                model       TEXT,
                model_set   INTEGER NOT NULL DEFAULT 0,
                needs_login INTEGER NOT NULL DEFAULT 0
            ) WITHOUT ROWID
            """
        );
        // Purged agents, and the last of their rows to delete: too many for one write.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS turn_purges (
                agent      TEXT PRIMARY KEY,
                last_event INTEGER NOT NULL,
                last_turn  INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        // The last row of `turns`, and the hour whose rows of `turn_hours`, and later ones, are deleted already.
        editor.Column("turn_purges", "last_run", "INTEGER NOT NULL DEFAULT 0");
        editor.Column("turn_purges", "before_hour", "INTEGER NOT NULL DEFAULT 0");
    }
}
