using Hive.Common.Storage;

namespace Hive.Features.Forge;

/// <summary>The tables of pushed repositories and of webhook deliveries that were handled.</summary>
internal sealed class ForgeSchema : ISchema
{
    public string Slice => "forge";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS forge_repositories (
                name      TEXT PRIMARY KEY,
                refs      TEXT,
                head      TEXT,
                pushed_at INTEGER,
                error     TEXT,
                failed_at INTEGER,
                attempts  INTEGER NOT NULL DEFAULT 0
            ) WITHOUT ROWID
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS forge_deliveries (
                mark        TEXT PRIMARY KEY,
                received_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        editor.Run("CREATE INDEX IF NOT EXISTS forge_deliveries_received ON forge_deliveries (received_at)");
    }
}
