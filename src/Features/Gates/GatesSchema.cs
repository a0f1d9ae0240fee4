using Hive.Common.Storage;

namespace Hive.Features.Gates;

/// <summary>The tables of artifacts, reviews, verdicts, metrics, the context of phases, returns to them, and
/// looks at branches.</summary>
internal sealed class GatesSchema : ISchema
{
    public string Slice => "gates";

    public int Version => 2;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS artifacts (
                id            INTEGER PRIMARY KEY AUTOINCREMENT,
                ticket        INTEGER NOT NULL,
                phase_id      TEXT NOT NULL,
                task          INTEGER,
                type          TEXT NOT NULL,
                kind          TEXT NOT NULL,
                path          TEXT,
                repository    TEXT,
                sha           TEXT,
                digest        TEXT NOT NULL,
                size          INTEGER NOT NULL,
                "by"          TEXT NOT NULL,
                at            INTEGER NOT NULL,
                superseded_at INTEGER
            )
            """
        );
        // Apart from the rows, which are counted and superseded often.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS artifact_contents (
                artifact INTEGER PRIMARY KEY,
                content  BLOB NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS artifacts_ticket ON artifacts (ticket, phase_id, id)");
        editor.Run("CREATE INDEX IF NOT EXISTS artifacts_task ON artifacts (task) WHERE task IS NOT NULL");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS reviews (
                id          INTEGER PRIMARY KEY AUTOINCREMENT,
                ticket      INTEGER NOT NULL,
                phase_id    TEXT NOT NULL,
                task        INTEGER,
                review_task INTEGER,
                reviewer    TEXT,
                question    TEXT NOT NULL,
                artifacts   TEXT NOT NULL,
                verdict     TEXT,
                feedback    TEXT,
                iteration   INTEGER NOT NULL,
                asked_at    INTEGER NOT NULL,
                decided_at  INTEGER,
                stale       INTEGER NOT NULL DEFAULT 0,
                looked_by   TEXT,
                evidence    TEXT
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS reviews_ticket ON reviews (ticket)");
        editor.Run("CREATE INDEX IF NOT EXISTS reviews_task ON reviews (task) WHERE task IS NOT NULL");
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS reviews_review_task ON reviews (review_task)
             WHERE review_task IS NOT NULL
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS reviews_open ON reviews (id) WHERE decided_at IS NULL AND stale = 0");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS verdicts (
                id       INTEGER PRIMARY KEY AUTOINCREMENT,
                ticket   INTEGER NOT NULL,
                phase_id TEXT NOT NULL,
                status   TEXT NOT NULL,
                reasons  TEXT NOT NULL,
                criteria TEXT NOT NULL,
                rev      INTEGER NOT NULL,
                at       INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS verdicts_gate ON verdicts (ticket, phase_id, id)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS metrics (
                id        INTEGER PRIMARY KEY AUTOINCREMENT,
                task      INTEGER NOT NULL,
                type      TEXT NOT NULL,
                name      TEXT NOT NULL,
                value     REAL NOT NULL,
                threshold REAL,
                passed    INTEGER NOT NULL,
                at        INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS metrics_task ON metrics (task)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS phase_context (
                ticket   INTEGER NOT NULL,
                phase_id TEXT NOT NULL,
                summary  TEXT NOT NULL,
                at       INTEGER NOT NULL,
                data     TEXT NOT NULL, -- long, hence the last
                PRIMARY KEY (ticket, phase_id)
            ) WITHOUT ROWID
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS merge_looks (
                ticket INTEGER NOT NULL,
                sha    TEXT NOT NULL,
                branch TEXT NOT NULL,
                merged INTEGER,
                fault  TEXT,
                PRIMARY KEY (ticket, sha, branch)
            ) WITHOUT ROWID
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS phase_returns (
                ticket   INTEGER NOT NULL,
                phase_id TEXT NOT NULL,
                to_phase TEXT NOT NULL,
                rev      INTEGER NOT NULL,
                metric   INTEGER NOT NULL,
                tasks    TEXT NOT NULL,
                PRIMARY KEY (ticket, phase_id)
            ) WITHOUT ROWID
            """
        );
    }
}
