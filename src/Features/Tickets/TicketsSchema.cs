using Hive.Common.Storage;

namespace Hive.Features.Tickets;

/// <summary>The tables of tickets, their links and their history.</summary>
internal sealed class TicketsSchema : ISchema
{
    public string Slice => "tickets";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS tickets (
                id                   INTEGER PRIMARY KEY AUTOINCREMENT,
                workflow             TEXT NOT NULL,
                title                TEXT NOT NULL,
                description          TEXT NOT NULL,
                description_refs     TEXT NOT NULL,
                priority             INTEGER NOT NULL, -- 4 CRITICAL, 3 HIGH, 2 MEDIUM, 1 LOW
                phase_id             TEXT NOT NULL,
                previous_phase_id    TEXT,
                status               TEXT NOT NULL, -- follows from approval, phase and gate
                gate                 TEXT NOT NULL DEFAULT 'open', -- open, failed, passed, waiting
                gate_marked          INTEGER NOT NULL DEFAULT 0,
                gate_rev             INTEGER NOT NULL DEFAULT 0,
                entered_at           INTEGER NOT NULL,
                rank                 REAL NOT NULL,
                parent               INTEGER,
                labels               TEXT NOT NULL,
                repository           TEXT,
                deadline_at          INTEGER,
                approval             TEXT NOT NULL DEFAULT 'approved',
                approval_deadline_at INTEGER,
                rejection_reason     TEXT,
                blocked              TEXT,
                blocked_reason       TEXT,
                blocked_at           INTEGER,
                held                 INTEGER NOT NULL DEFAULT 0,
                context_summary      TEXT,
                requester            TEXT NOT NULL,
                created_at           INTEGER NOT NULL,
                updated_at           INTEGER NOT NULL,
                done_at              INTEGER
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS tickets_phase ON tickets (workflow, phase_id)");
        editor.Run("CREATE INDEX IF NOT EXISTS tickets_open ON tickets (workflow, id) WHERE done_at IS NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS tickets_done ON tickets (done_at, id) WHERE done_at IS NOT NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS tickets_pending ON tickets (id) WHERE approval = 'pending_review'");
        editor.Run("CREATE INDEX IF NOT EXISTS tickets_marked ON tickets (id) WHERE gate_marked = 1");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS ticket_links (
                blocker INTEGER NOT NULL,
                blocked INTEGER NOT NULL,
                PRIMARY KEY (blocker, blocked)
            ) WITHOUT ROWID
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS ticket_links_blocked ON ticket_links (blocked)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS ticket_history (
                id          INTEGER PRIMARY KEY AUTOINCREMENT,
                ticket      INTEGER NOT NULL,
                at          INTEGER NOT NULL,
                actor       TEXT NOT NULL,
                kind        TEXT NOT NULL,
                from_phase  TEXT,
                to_phase    TEXT,
                from_status TEXT,
                to_status   TEXT,
                reason      TEXT,
                data        TEXT
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS ticket_history_ticket ON ticket_history (ticket, id)");
    }
}
