using Hive.Common.Storage;

namespace Hive.Features.Workflows;

/// <summary>The tables of workflows and patterns; a definition is JSON.</summary>
internal sealed class WorkflowsSchema : ISchema
{
    public string Slice => "workflows";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS workflows (
                name       TEXT PRIMARY KEY,
                version    INTEGER NOT NULL,
                title      TEXT,
                is_default INTEGER NOT NULL,
                spec       TEXT NOT NULL,
                loaded_by  TEXT NOT NULL,
                loaded_at  INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS patterns (
                name      TEXT PRIMARY KEY,
                version   INTEGER NOT NULL,
                spec      TEXT NOT NULL,
                loaded_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
    }
}
