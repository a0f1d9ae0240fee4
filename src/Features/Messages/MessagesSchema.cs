using Hive.Common.Storage;

namespace Hive.Features.Messages;

/// <summary>The broker's tables.</summary>
internal sealed class MessagesSchema : ISchema
{
    public string Slice => "messages";

    public int Version => 3;

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
        editor.Run(
            "CREATE INDEX IF NOT EXISTS messages_unread_by_operator ON messages (id) WHERE recipient = 'operator' "
                + "AND acked_at IS NULL"
        );
        editor.Run(
            "CREATE INDEX IF NOT EXISTS messages_parked ON messages (id) WHERE parked_at IS NOT NULL AND acked_at "
                + "IS NULL"
        );
    }
}
