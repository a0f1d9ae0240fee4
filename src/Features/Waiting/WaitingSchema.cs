using Hive.Common.Storage;

namespace Hive.Features.Waiting;

/// <summary>The table of rows that are snoozed or seen. A mark counts for its version of the thing and for earlier
/// ones.</summary>
internal sealed class WaitingSchema : ISchema
{
    public string Slice => "waiting";

    public int Version => 1;

    public void Converge(SchemaEditor editor) =>
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS waiting_marks (
                key           TEXT PRIMARY KEY,
                version       INTEGER NOT NULL,
                snoozed_until INTEGER,
                seen          INTEGER NOT NULL,
                marked_at     INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
}
