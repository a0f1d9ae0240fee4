using Hive.Common.Storage;

namespace Hive.Features.Meta;

/// <summary>The table of updates of inputs that have not ended.</summary>
internal sealed class MetaSchema : ISchema
{
    public string Slice => "meta";

    public int Version => 1;

    public void Converge(SchemaEditor editor) =>
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS input_updates (
                id       INTEGER PRIMARY KEY AUTOINCREMENT,
                moved    TEXT NOT NULL, -- JSON: the inputs with their former and next revisions
                trailers TEXT,
                asked_at INTEGER NOT NULL
            )
            """
        );
}
