using Hive.Common.Storage;

namespace Hive.Features.Audit;

/// <summary>The table of the audit.</summary>
internal sealed class AuditSchema : ISchema
{
    public string Slice => "audit";

    public int Version => 1;

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
        // Finds the minute's row of an address, and the newest rows of a kind.
        editor.Run("CREATE INDEX IF NOT EXISTS audit_kinds ON audit (kind, address, first_at)");
    }
}
