using Hive.Common.Storage;

namespace Hive.Features.Audit;

/// <summary>The table of the audit.</summary>
internal sealed class AuditSchema : ISchema
{
    public string Slice => "audit";

    public int Version => 2;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS audit (
                id       INTEGER PRIMARY KEY AUTOINCREMENT,
                kind     TEXT NOT NULL,
                actor    TEXT,
                subject  TEXT,
                address  TEXT,
                detail   TEXT,
                count    INTEGER NOT NULL,
                first_at INTEGER NOT NULL,
                last_at  INTEGER NOT NULL
            )
            """
        );
        editor.Run("DROP INDEX IF EXISTS audit_kinds");
        // Finds the minute's row of a place, and the rows of a kind or, at sockets, of an agent.
        editor.Run("CREATE INDEX IF NOT EXISTS audit_places ON audit (kind, address, actor, first_at)");
    }
}
