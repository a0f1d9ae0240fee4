using Hive.Common.Storage;

namespace Hive.Features.Tasks;

/// <summary>The tables of tasks, their dependencies, runs, messages and turns, and the journal of their ends.</summary>
internal sealed class TasksSchema : ISchema
{
    public string Slice => "tasks";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS tasks (
                id               INTEGER PRIMARY KEY AUTOINCREMENT,
                ticket           INTEGER NOT NULL,
                phase_id         TEXT NOT NULL,
                kind             TEXT NOT NULL,
                task_type        TEXT NOT NULL,
                title            TEXT NOT NULL,
                description      TEXT NOT NULL,
                priority         INTEGER NOT NULL,
                status           TEXT NOT NULL,
                holds            INTEGER NOT NULL,
                hold_reason      TEXT,
                hold_note        TEXT,
                lock_reason      TEXT,
                lock_held_at     INTEGER,
                capabilities     TEXT NOT NULL,
                wants_agent      TEXT,
                prefers          TEXT,
                excludes         TEXT,
                agent            TEXT,
                run              INTEGER,
                deps_total       INTEGER NOT NULL DEFAULT 0,
                deps_done        INTEGER NOT NULL DEFAULT 0,
                deps_dead        INTEGER NOT NULL DEFAULT 0,
                quorum           INTEGER,
                dependents       INTEGER NOT NULL DEFAULT 0,
                retry_count      INTEGER NOT NULL DEFAULT 0,
                max_retries      INTEGER NOT NULL DEFAULT 3,
                faults           INTEGER NOT NULL DEFAULT 0,
                not_before       INTEGER,
                timeout_seconds  INTEGER NOT NULL,
                deadline_at      INTEGER,
                review           TEXT,
                iteration        INTEGER NOT NULL DEFAULT 0,
                locks            TEXT,
                expected         TEXT,
                merge_strategy   TEXT,
                fields           TEXT,
                pattern          TEXT,
                template         TEXT,
                discovery        INTEGER,
                parent           INTEGER,
                depth            INTEGER NOT NULL DEFAULT 0,
                ref              TEXT,
                progress         TEXT,
                progress_percent INTEGER,
                progress_at      INTEGER,
                result           TEXT,
                error_message    TEXT,
                error_kind       TEXT,
                created_by       TEXT NOT NULL,
                created_at       INTEGER NOT NULL,
                ready_at         INTEGER,
                started_at       INTEGER,
                completed_at     INTEGER,
                budget_hold      TEXT,
                cost_micro       INTEGER NOT NULL DEFAULT 0
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS tasks_ticket ON tasks (ticket, id)");
        editor.Run("CREATE INDEX IF NOT EXISTS tasks_ticket_open ON tasks (ticket, id) WHERE completed_at IS NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS tasks_open ON tasks (id) WHERE completed_at IS NULL");
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS tasks_agent ON tasks (agent)
             WHERE agent IS NOT NULL AND completed_at IS NULL
            """
        );
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS tasks_budget ON tasks (id)
             WHERE budget_hold IS NOT NULL AND completed_at IS NULL
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS tasks_discovery ON tasks (discovery) WHERE discovery IS NOT NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS tasks_result ON tasks (completed_at) WHERE result IS NOT NULL");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS task_deps (
                task       INTEGER NOT NULL,
                depends_on INTEGER NOT NULL,
                need       TEXT NOT NULL,
                place      INTEGER NOT NULL,
                PRIMARY KEY (task, depends_on)
            ) WITHOUT ROWID
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS task_deps_reverse ON task_deps (depends_on, task)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS runs (
                id             INTEGER PRIMARY KEY AUTOINCREMENT,
                task           INTEGER NOT NULL,
                agent          TEXT NOT NULL,
                turn           INTEGER,
                claimed_at     INTEGER NOT NULL,
                started_at     INTEGER,
                ended_at       INTEGER,
                end            TEXT,
                note           TEXT,
                nudges         INTEGER NOT NULL DEFAULT 0,
                estimate_micro INTEGER,
                needs_input    INTEGER NOT NULL DEFAULT 0
            )
            """
        );
        // How much of its time a run had taken when that was stored last.
        editor.Column("runs", "spent_ms", "INTEGER NOT NULL DEFAULT 0");
        editor.Run("CREATE INDEX IF NOT EXISTS runs_task ON runs (task, id)");
        editor.Run("CREATE INDEX IF NOT EXISTS runs_open ON runs (id) WHERE ended_at IS NULL");
        // The first message of a run is its task_assigned. A column of the run itself would need a second update in
        // each claim, since the message is composed with the run's id.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS task_messages (
                message INTEGER PRIMARY KEY,
                task    INTEGER NOT NULL,
                run     INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS task_messages_task ON task_messages (task, run)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS task_turns (
                turn INTEGER NOT NULL,
                task INTEGER NOT NULL,
                run  INTEGER NOT NULL,
                PRIMARY KEY (turn, task, run)
            ) WITHOUT ROWID
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS task_turns_task ON task_turns (task)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS discoveries (
                id             INTEGER PRIMARY KEY AUTOINCREMENT,
                ticket         INTEGER NOT NULL,
                source_task    INTEGER NOT NULL,
                type           TEXT NOT NULL,
                description    TEXT NOT NULL,
                priority_boost INTEGER NOT NULL DEFAULT 0,
                status         TEXT NOT NULL,
                data           TEXT,
                by             TEXT NOT NULL,
                at             INTEGER NOT NULL,
                resolved_at    INTEGER,
                resolved_by    TEXT
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS discoveries_ticket ON discoveries (ticket, id)");
        editor.Run("CREATE INDEX IF NOT EXISTS discoveries_by ON discoveries (by, at)");
        editor.Run("CREATE INDEX IF NOT EXISTS discoveries_status ON discoveries (status, id)");
        editor.Run("CREATE INDEX IF NOT EXISTS discoveries_type ON discoveries (type, id)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS task_ends (
                id     INTEGER PRIMARY KEY AUTOINCREMENT,
                task   INTEGER NOT NULL,
                status TEXT NOT NULL,
                at     INTEGER NOT NULL
            )
            """
        );
    }
}
