using Hive.Common.Storage;

namespace Hive.Features.Locks;

/// <summary>The table of locks and of requests that wait for one.</summary>
internal sealed class LocksSchema : ISchema
{
    public string Slice => "locks";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        // A row without acquired_at waits. Without expires_at, a lock lasts as long as the run of its task.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS locks (
                id             INTEGER PRIMARY KEY AUTOINCREMENT,
                resource_type  TEXT NOT NULL,
                resource_id    TEXT NOT NULL,
                mode           TEXT NOT NULL,
                task           INTEGER NOT NULL,
                agent          TEXT NOT NULL,
                count          INTEGER NOT NULL,
                ttl_seconds    INTEGER,
                notify         INTEGER NOT NULL,
                asked_at       INTEGER NOT NULL,
                acquired_at    INTEGER,
                expires_at     INTEGER,
                released_at    INTEGER,
                release_reason TEXT
            )
            """
        );
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS locks_open ON locks (resource_type, resource_id)
             WHERE released_at IS NULL
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS locks_ended ON locks (released_at) WHERE released_at IS NOT NULL");
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS locks_waiting ON locks (agent)
             WHERE released_at IS NULL AND acquired_at IS NULL
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS locks_task ON locks (task) WHERE released_at IS NULL");
    }
}
