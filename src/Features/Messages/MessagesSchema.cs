using Hive.Common.Storage;

namespace Hive.Features.Messages;

/// <summary>The broker's tables.</summary>
internal sealed class MessagesSchema : ISchema
{
    public string Slice => "messages";

    public int Version => 10;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS messages (
                id           INTEGER PRIMARY KEY AUTOINCREMENT,
                sender       TEXT NOT NULL,
                recipient    TEXT NOT NULL,
                body         TEXT NOT NULL,
                sent_at      INTEGER NOT NULL,
                delivered_at INTEGER,
                acked_at     INTEGER,
                in_reply_to  INTEGER,
                broadcast    INTEGER NOT NULL DEFAULT 0,
                deliveries   INTEGER NOT NULL DEFAULT 0,
                attempts     INTEGER NOT NULL DEFAULT 0,
                available_at INTEGER,
                parked_at    INTEGER,
                last_error   TEXT,
                turn         INTEGER, -- the holder of its lease; negative when it was received for that holder
                file_refs    TEXT
            )
            """
        );
        // The key is only the id: an index on the recipient would dirty a page per recipient and commit, which halves
        // the throughput (docs/benchmarks.md).
        editor.Run("CREATE INDEX IF NOT EXISTS messages_open ON messages (id) WHERE acked_at IS NULL");
        // These indexes hold few rows and cost nothing when other rows are written.
        editor.Run("CREATE INDEX IF NOT EXISTS messages_to_operator ON messages (id) WHERE recipient = 'operator'");
        // Version 8 counted the operator's unread messages in it.
        editor.Run("DROP INDEX IF EXISTS messages_unread_by_operator");
        editor.Run(
            "CREATE TABLE IF NOT EXISTS operator_unread (id INTEGER PRIMARY KEY CHECK (id = 1), "
                + "messages INTEGER NOT NULL)"
        );
        editor.Run(
            "CREATE INDEX IF NOT EXISTS messages_to_operator_by_sender ON messages (sender, acked_at, id) "
                + "WHERE recipient = 'operator'"
        );
        editor.Run(
            "CREATE INDEX IF NOT EXISTS messages_to_operator_of_sender ON messages (sender, id) WHERE recipient = "
                + "'operator'"
        );
        editor.Run(
            "CREATE INDEX IF NOT EXISTS messages_parked ON messages (id) WHERE parked_at IS NOT NULL AND acked_at "
                + "IS NULL"
        );
        // The messages that a lost holder gets back when its end is reported late. No others enter it.
        editor.Run(
            "CREATE INDEX IF NOT EXISTS messages_lost ON messages (turn, id) WHERE turn IS NOT NULL "
                + "AND delivered_at IS NULL AND acked_at IS NULL"
        );
        editor.Column("messages", "attempts_log", "TEXT");
        // The agent for which the host sent a message: it counts among that agent's (docs/adr/0143).
        editor.Column("messages", "cause", "TEXT");
        // Agents whose messages, up to an id, are being deleted.
        editor.Run(
            "CREATE TABLE IF NOT EXISTS message_purges (agent TEXT PRIMARY KEY, newest INTEGER NOT NULL) WITHOUT ROWID"
        );
        Index(editor);
    }

    // Written in the background, in rising order of the ids (docs/adr/0113); rows leave with their message.
    private static void Index(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS message_index (
                id        INTEGER PRIMARY KEY,
                sender    TEXT NOT NULL,
                recipient TEXT NOT NULL,
                kind      TEXT NOT NULL,
                thread    INTEGER NOT NULL -- the first message of its thread, whether that still exists or not
            )
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS message_index_sender ON message_index (sender)");
        editor.Run("CREATE INDEX IF NOT EXISTS message_index_recipient ON message_index (recipient)");
        editor.Run("CREATE INDEX IF NOT EXISTS message_index_pair ON message_index (sender, recipient)");
        editor.Run("CREATE INDEX IF NOT EXISTS message_index_kind ON message_index (kind)");
        editor.Run("CREATE INDEX IF NOT EXISTS message_index_thread ON message_index (thread)");
        // The bodies are in `messages` alone.
        editor.Run(
            """
            CREATE VIRTUAL TABLE IF NOT EXISTS message_words USING fts5 (
                body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
            )
            """
        );
        // MessageIndexer merges in small steps; the second limit is a guard that it never reaches.
        // Stored once: a start that is refused leaves the database as it is.
        editor.Run(
            """
            INSERT INTO message_words (message_words, rank)
            SELECT column1, column2
              FROM (VALUES ('automerge', 0), ('crisismerge', 500))
             WHERE NOT EXISTS (SELECT 1 FROM message_words_config WHERE k = column1 AND v = column2)
            """
        );
        // The signs in a body as bits (see SearchWords), and the times that lists are bounded by. An index without them
        // is written again, in the background like every index.
        var lacksSigns = editor.Column("message_index", "signs", "INTEGER NOT NULL DEFAULT 0");
        if (editor.Column("message_index", "sent_at", "INTEGER") || lacksSigns)
        {
            editor.Run("DELETE FROM message_index");
            editor.Run("INSERT INTO message_words (message_words) VALUES ('delete-all')");
        }

        editor.Run("CREATE INDEX IF NOT EXISTS message_index_sent ON message_index (sent_at)");

        editor.Run(
            """
            CREATE TRIGGER IF NOT EXISTS message_deleted AFTER DELETE ON messages
            BEGIN
                DELETE FROM message_index WHERE id = old.id;
                DELETE FROM message_words WHERE rowid = old.id;
            END
            """
        );
    }
}
