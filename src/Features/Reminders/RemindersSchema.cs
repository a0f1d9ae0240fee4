using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Reminders;

/// <summary>The tables of reminders: pending ones and recently delivered ones, and those of destroyed agents.</summary>
internal sealed class RemindersSchema : ISchema
{
    public string Slice => "reminders";

    public int Version => 2;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS reminders (
                id         INTEGER PRIMARY KEY AUTOINCREMENT,
                agent      TEXT NOT NULL,
                message    TEXT NOT NULL,
                file_path  TEXT,
                created_at INTEGER NOT NULL,
                due_at     INTEGER NOT NULL,
                sent_at    INTEGER
            )
            """
        );
        editor.Column("reminders", "attempt_count", "INTEGER NOT NULL DEFAULT 0");
        editor.Column("reminders", "last_error", "TEXT");
        editor.Column("reminders", "next_attempt_at", "INTEGER");
        editor.Column("reminders", "file_refs", "TEXT");
        // For the scheduler: which reminder is next. Reminders that have failed too often are not in it. An existing
        // index keeps its limit, so a change of the limit must also drop this index.
        editor.Run(
            $"""
            CREATE INDEX IF NOT EXISTS reminders_due ON reminders (coalesce(next_attempt_at, due_at), id)
             WHERE sent_at IS NULL AND attempt_count < {Limits.ReminderAttempts}
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS reminders_pending ON reminders (agent, id) WHERE sent_at IS NULL");
        // The pending reminders of a destroyed agent, until it is revived.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS reminders_aside (
                id              INTEGER PRIMARY KEY,
                agent           TEXT NOT NULL,
                message         TEXT NOT NULL,
                file_path       TEXT,
                created_at      INTEGER NOT NULL,
                due_at          INTEGER NOT NULL,
                attempt_count   INTEGER NOT NULL,
                last_error      TEXT,
                next_attempt_at INTEGER,
                file_refs       TEXT
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS reminders_aside_agent ON reminders_aside (agent)");
        editor.Run("CREATE INDEX IF NOT EXISTS reminders_sent ON reminders (sent_at) WHERE sent_at IS NOT NULL");
    }
}
