using Hive.Common.Storage;

namespace Hive.Features.Collaboration;

/// <summary>The tables of threads, their posts with the messages of each, and handoffs.</summary>
internal sealed class CollaborationSchema : ISchema
{
    public string Slice => "collaboration";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS threads (
                id           INTEGER PRIMARY KEY AUTOINCREMENT,
                type         TEXT NOT NULL,
                ticket       INTEGER,
                task         INTEGER,
                subject      TEXT NOT NULL,
                participants TEXT NOT NULL, -- names as a JSON array
                status       TEXT NOT NULL,
                data         TEXT,
                created_by   TEXT NOT NULL,
                created_at   INTEGER NOT NULL,
                last_at      INTEGER NOT NULL,
                closed_at    INTEGER
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS threads_ticket ON threads (ticket, id) WHERE ticket IS NOT NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS threads_active ON threads (id) WHERE status = 'active'");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS posts (
                id       INTEGER PRIMARY KEY AUTOINCREMENT,
                thread   INTEGER NOT NULL,
                author   TEXT NOT NULL,
                type     TEXT NOT NULL,
                body     TEXT NOT NULL,
                refs     TEXT NOT NULL,
                to_agent TEXT,
                data     TEXT,
                at       INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS posts_thread ON posts (thread, id)");
        // The recipient is known here, too: the message is deleted 30 days after it was acknowledged.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS post_messages (
                message   INTEGER PRIMARY KEY,
                post      INTEGER NOT NULL,
                recipient TEXT NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS post_messages_post ON post_messages (post)");
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS handoffs (
                id          INTEGER PRIMARY KEY AUTOINCREMENT,
                thread      INTEGER NOT NULL,
                task        INTEGER NOT NULL,
                from_agent  TEXT NOT NULL,
                to_agent    TEXT NOT NULL,
                reason      TEXT NOT NULL,
                context     TEXT,
                status      TEXT NOT NULL,
                asked_at    INTEGER NOT NULL,
                decided_at  INTEGER,
                deadline_at INTEGER NOT NULL
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS handoffs_task ON handoffs (task, id)");
        editor.Run("CREATE INDEX IF NOT EXISTS handoffs_thread ON handoffs (thread)");
        // A task has at most one.
        foreach (var (index, column) in new[] { ("handoffs_from", "from_agent"), ("handoffs_to", "to_agent") })
            editor.Run($"CREATE INDEX IF NOT EXISTS {index} ON handoffs ({column}) WHERE status = 'requested'");
        editor.Run("CREATE UNIQUE INDEX IF NOT EXISTS handoffs_open ON handoffs (task) WHERE status = 'requested'");
    }
}
