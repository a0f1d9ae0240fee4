using Hive.Common.Storage;

namespace Hive.Features.Costs;

/// <summary>The tables of bookings, budgets and reservations.</summary>
internal sealed class CostsSchema : ISchema
{
    public string Slice => "costs";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS bookings (
                id                    INTEGER PRIMARY KEY AUTOINCREMENT,
                turn                  INTEGER NOT NULL,
                agent                 TEXT NOT NULL,
                ticket                INTEGER,
                phase                 TEXT,
                task                  INTEGER,
                task_type             TEXT,
                run                   INTEGER,
                provider              TEXT NOT NULL,
                model                 TEXT,
                prompt_tokens         INTEGER NOT NULL,
                completion_tokens     INTEGER NOT NULL,
                cache_read_tokens     INTEGER NOT NULL,
                cache_creation_tokens INTEGER NOT NULL,
                micro                 INTEGER NOT NULL,
                completion_micro      INTEGER,
                basis                 TEXT NOT NULL,
                at                    INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS bookings_turn ON bookings (turn)");
        editor.Run("CREATE INDEX IF NOT EXISTS bookings_at ON bookings (at)");
        editor.Run("CREATE INDEX IF NOT EXISTS bookings_task ON bookings (task) WHERE task IS NOT NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS bookings_ticket ON bookings (ticket) WHERE ticket IS NOT NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS bookings_type ON bookings (task_type, run) WHERE run IS NOT NULL");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS budgets (
                id              INTEGER PRIMARY KEY AUTOINCREMENT,
                scope           TEXT NOT NULL,
                scope_id        TEXT NOT NULL DEFAULT '',
                limit_micro     INTEGER,
                limit_tokens    INTEGER,
                period          TEXT NOT NULL,
                period_start    INTEGER NOT NULL,
                period_end      INTEGER,
                spent_micro     INTEGER NOT NULL DEFAULT 0,
                spent_tokens    INTEGER NOT NULL DEFAULT 0,
                reserved_micro  INTEGER NOT NULL DEFAULT 0,
                reserved_tokens INTEGER NOT NULL DEFAULT 0,
                held_tasks      INTEGER NOT NULL DEFAULT 0,
                held_micro      INTEGER NOT NULL DEFAULT 0,
                held_tokens     INTEGER NOT NULL DEFAULT 0,
                alert_threshold REAL NOT NULL,
                level           TEXT NOT NULL,
                told            TEXT NOT NULL DEFAULT 'ok',
                on_exceed       TEXT NOT NULL,
                created_at      INTEGER NOT NULL,
                updated_at      INTEGER NOT NULL,
                UNIQUE (scope, scope_id, period)
            )
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS reservations (
                run    INTEGER NOT NULL,
                budget INTEGER NOT NULL,
                micro  INTEGER NOT NULL,
                tokens INTEGER NOT NULL,
                PRIMARY KEY (run, budget)
            ) WITHOUT ROWID
            """
        );
    }
}
